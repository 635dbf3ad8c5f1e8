# Prometheus, Alertmanager, blackbox and, where its repository can be reached, Grafana.
packages awscli ca-certificates curl gettext-base gnupg prometheus prometheus-alertmanager \
    prometheus-blackbox-exporter prometheus-node-exporter
unpack_release

list_targets() {
    local address
    for address in "$@"; do printf '%s, ' "$address"; done
}
node_targets="$(list_targets localhost:9100 nginx.${inside}:9100 web.${inside}:9100 trainer.${inside}:9100)"
%{ for address in api_addresses ~}
node_targets+="${address}:9100, "
api_targets="$${api_targets:-}${address}:5000, "
worker_targets="$${worker_targets:-}${address}:9200, "
%{ endfor ~}
%{ if local_redis ~}
redis_targets=redis.${inside}:9121
%{ endif ~}
nginx_targets=nginx.${inside}:9113
gpu_targets=trainer.${inside}:9400
%{ if domain != "" ~}
site="https://${domain}/login" site_module=site
%{ else ~}
site="https://nginx.${inside}/login" site_module=site_self_signed
%{ endif ~}
blackbox=127.0.0.1:9115
redis_targets=$${redis_targets:-}
export node_targets api_targets worker_targets redis_targets nginx_targets gpu_targets site site_module blackbox
fill "$root/monitoring/prometheus/prometheus.yml.template" /etc/prometheus/prometheus.yml
promtool check config /etc/prometheus/prometheus.yml
echo 'ARGS="--web.listen-address=127.0.0.1:9090 --storage.tsdb.retention.time=90d"' \
    > /etc/default/prometheus
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
