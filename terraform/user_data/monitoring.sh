# Prometheus, Alertmanager, blackbox and, where its repository can be reached, Grafana.
packages awscli ca-certificates curl gettext-base gnupg prometheus prometheus-alertmanager \
    prometheus-blackbox-exporter prometheus-node-exporter
unpack_release

# Targets that are known, and hosts by their tags: known ADDRESS, hosts PORT [TAG VALUE]. Only hosts
# that run, so the trainer is no target while it is off.
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
redis=$(hosts 9121 Name ${name}-api-0)
nginx=$(hosts 9113 Role nginx)
gpu=$(hosts 9400 Role trainer)
%{ if domain != "" ~}
site=$(known https://${domain}/login) site_module=site
%{ else ~}
site=$(known https://nginx.${inside}/login) site_module=site_self_signed
%{ endif ~}
blackbox=127.0.0.1:9115
export scrape_interval prometheus alertmanager node web api worker redis nginx gpu site site_module blackbox
fill "$root/monitoring/prometheus/prometheus.yml.template" /etc/prometheus/prometheus.yml
install -d /etc/prometheus/rules
rm -f /etc/prometheus/rules/*
install -m 644 "$root"/monitoring/prometheus/rules/*.yml /etc/prometheus/rules
promtool check config /etc/prometheus/prometheus.yml
echo 'ARGS="--web.listen-address=127.0.0.1:9090 --storage.tsdb.retention.time=90d"' \
    > /etc/default/prometheus

# E-mail by SNS, with this host's own rights.
tell() {
    printf "sns_configs: [{topic_arn: '%s', api_url: '%s', sigv4: {region: '%s'}}]" \
        "$1" "$endpoint_url" "$AWS_DEFAULT_REGION"
}
pages=$(tell '${topics.pages}') tickets=$(tell '${topics.tickets}')
export pages tickets
fill "$root/monitoring/alertmanager/alertmanager.yml.template" /etc/prometheus/alertmanager.yml
amtool check-config /etc/prometheus/alertmanager.yml
echo 'ARGS="--web.listen-address=127.0.0.1:9093 --cluster.listen-address="' \
    > /etc/default/prometheus-alertmanager
install -m 644 "$root/monitoring/blackbox/blackbox.yml" /etc/prometheus/blackbox.yml
echo 'ARGS="--config.file=/etc/prometheus/blackbox.yml --web.listen-address=127.0.0.1:9115"' \
    > /etc/default/prometheus-blackbox-exporter
systemctl restart prometheus prometheus-alertmanager prometheus-blackbox-exporter

# Grafana is in its own repository alone; the rest works without it.
if curl --silent --fail --retry 2 --max-time 60 https://apt.grafana.com/gpg.key |
    gpg --batch --yes --dearmor -o /usr/share/keyrings/grafana.gpg; then
    echo 'deb [signed-by=/usr/share/keyrings/grafana.gpg] https://apt.grafana.com stable main' \
        > /etc/apt/sources.list.d/grafana.list
    packages grafana openssl
    if [ ! -s /etc/grafana/tls.key ]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 \
            -subj "/CN=${name} monitoring" -keyout /etc/grafana/tls.key -out /etc/grafana/tls.pem
        chown root:grafana /etc/grafana/tls.key
        chmod 640 /etc/grafana/tls.key
    fi
    install -d /etc/systemd/system/grafana-server.service.d
    # A port below 1024 needs the right to it, which a user namespace of its own would take away.
    {
        echo '[Service]'
        echo 'CapabilityBoundingSet=CAP_NET_BIND_SERVICE'
        echo 'AmbientCapabilities=CAP_NET_BIND_SERVICE'
        echo 'PrivateUsers=false'
        echo 'Environment=GF_SERVER_PROTOCOL=https GF_SERVER_HTTP_PORT=443'
        echo 'Environment=GF_SERVER_CERT_FILE=/etc/grafana/tls.pem GF_SERVER_CERT_KEY=/etc/grafana/tls.key'
        echo 'Environment=GF_ANALYTICS_REPORTING_ENABLED=false'
        # Data source and dashboards are read from the release, and Overview is the first page.
        echo "Environment=GF_PATHS_PROVISIONING=$root/monitoring/grafana/provisioning"
        echo "Environment=GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH=$root/monitoring/grafana/dashboards/overview.json"
        echo "Environment=PNEUMONIA_DASHBOARDS=$root/monitoring/grafana/dashboards PROMETHEUS_URL=http://127.0.0.1:9090"
        echo 'EnvironmentFile=/etc/pneumonia/grafana'
    } > /etc/systemd/system/grafana-server.service.d/pneumonia.conf
    printf 'GF_SECURITY_ADMIN_PASSWORD=%s\n' "$(secret grafana-password)" |
        install -m 600 /dev/stdin /etc/pneumonia/grafana
    systemctl daemon-reload
    systemctl enable --quiet grafana-server
    systemctl restart grafana-server
else
    echo "Grafana's repository cannot be reached; Prometheus and Alertmanager work without it."
fi
