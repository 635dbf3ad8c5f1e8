# Prometheus, Alertmanager, the blackbox exporter and, on AWS, Grafana.
packages awscli ca-certificates curl gettext-base prometheus prometheus-alertmanager \
    prometheus-blackbox-exporter prometheus-node-exporter
unpack_release

# Scrape configurations: a static target, known ADDRESS, and hosts by their tags, hosts PORT [TAG VALUE].
# Only running hosts, so that the trainer is not a target while it is off.
known() {
    printf "static_configs: [{targets: ['%s']}]" "$1"
}
hosts() {
    printf "ec2_sd_configs: [{region: '%s', endpoint: '%s', port: %s, filters: [" \
        "$AWS_DEFAULT_REGION" "$endpoint_url" "$1"
    printf "{name: 'tag:Project', values: ['${name}']}, {name: instance-state-name, values: [running]}"
    test $# -eq 1 || printf ", {name: 'tag:%s', values: ['%s']}" "$2" "$3"
    printf "]}]"
}
scrape_interval=15s
prometheus=$(known 127.0.0.1:9090)
alertmanager=$(known 127.0.0.1:9093)
node=$(hosts 9100)
web=$(hosts 8000 Role web)
api=$(hosts 5000 Role api)
worker=$(hosts 9200 Role api)
dicom='static_configs: []' results='static_configs: []'
%{ if has_dicom ~}
dicom=$(hosts 9201 Role api)
%{ endif ~}
%{ if sends_results ~}
results=$(hosts 9202 Role api)
%{ endif ~}
redis=$(hosts 9121 Name ${name}-api-0)
nginx=$(hosts 9113 Role nginx)
gpu=$(hosts 9400 Role trainer)
%{ if domain != "" ~}
site=$(known https://${domain}/login) site_module=site
%{ else ~}
site=$(known https://nginx.${inside}/login) site_module=site_self_signed
%{ endif ~}
blackbox=127.0.0.1:9115
export scrape_interval prometheus alertmanager node web api worker dicom results redis nginx gpu site site_module blackbox
fill "$root/monitoring/prometheus/prometheus.yml.template" /etc/prometheus/prometheus.yml
install -d /etc/prometheus/rules
rm -f /etc/prometheus/rules/*
install -m 644 "$root"/monitoring/prometheus/rules/*.yml /etc/prometheus/rules
promtool check config /etc/prometheus/prometheus.yml
echo 'ARGS="--web.listen-address=127.0.0.1:9090 --storage.tsdb.retention.time=90d"' |
    place 644 root:root /etc/default/prometheus

# E-mail through SNS, with this host's role.
notify() {
    printf "sns_configs: [{topic_arn: '%s', api_url: '%s', sigv4: {region: '%s'}}]" \
        "$1" "$endpoint_url" "$AWS_DEFAULT_REGION"
}
pages=$(notify '${topics.pages}') tickets=$(notify '${topics.tickets}')
export pages tickets
fill "$root/monitoring/alertmanager/alertmanager.yml.template" /etc/prometheus/alertmanager.yml
amtool check-config /etc/prometheus/alertmanager.yml
echo 'ARGS="--web.listen-address=127.0.0.1:9093 --cluster.listen-address="' |
    place 644 root:root /etc/default/prometheus-alertmanager
place 644 root:root /etc/prometheus/blackbox.yml < "$root/monitoring/blackbox/blackbox.yml"
echo 'ARGS="--config.file=/etc/prometheus/blackbox.yml --web.listen-address=127.0.0.1:9115"' |
    place 644 root:root /etc/default/prometheus-blackbox-exporter
systemctl restart prometheus prometheus-alertmanager prometheus-blackbox-exporter
answers http://127.0.0.1:9090/-/ready
answers http://127.0.0.1:9093/-/ready

# Grafana is only in its own repository, which the machines of the rehearsal cannot reach. Everything
# above works without it, also while the installation is retried.
install_grafana() {
    local key=/usr/share/keyrings/grafana.asc
    install -d /usr/share/keyrings
    retry curl --silent --show-error --fail --max-time 60 --output $key.new https://apt.grafana.com/gpg.key
    grep -q '^-----BEGIN PGP PUBLIC KEY BLOCK-----' $key.new
    mv $key.new $key
    echo "deb [signed-by=$key] https://apt.grafana.com stable main" |
        place 644 root:root /etc/apt/sources.list.d/grafana.list
    packages grafana openssl
    if [ ! -s /etc/grafana/tls.pem ]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 \
            -subj "/CN=${name} monitoring" -keyout /etc/grafana/tls.key.new -out /etc/grafana/tls.pem.new
        chown root:grafana /etc/grafana/tls.key.new
        chmod 640 /etc/grafana/tls.key.new
        mv /etc/grafana/tls.key.new /etc/grafana/tls.key
        mv /etc/grafana/tls.pem.new /etc/grafana/tls.pem
    fi
    install -d /etc/systemd/system/grafana-server.service.d
    # Binding port 443 needs a capability, which PrivateUsers would remove. Data source and dashboards
    # are read from the release, and Overview is the home page.
    place 644 root:root /etc/systemd/system/grafana-server.service.d/pneumonia.conf <<END
[Service]
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE
PrivateUsers=false
Environment=GF_SERVER_PROTOCOL=https GF_SERVER_HTTP_PORT=443
Environment=GF_SERVER_CERT_FILE=/etc/grafana/tls.pem GF_SERVER_CERT_KEY=/etc/grafana/tls.key
Environment=GF_ANALYTICS_REPORTING_ENABLED=false
Environment=GF_PATHS_PROVISIONING=$root/monitoring/grafana/provisioning
Environment=GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH=$root/monitoring/grafana/dashboards/overview.json
Environment=PNEUMONIA_DASHBOARDS=$root/monitoring/grafana/dashboards PROMETHEUS_URL=http://127.0.0.1:9090
EnvironmentFile=/etc/pneumonia/grafana
END
    grafana_password=$(secret grafana-password)
    place 600 root:root /etc/pneumonia/grafana <<< "GF_SECURITY_ADMIN_PASSWORD=$grafana_password"
    systemctl daemon-reload
    systemctl enable --quiet grafana-server
    systemctl restart grafana-server
    answers https://127.0.0.1/api/health --insecure
}
if [ -z "$endpoint_url" ]; then
    install_grafana
fi
finish
