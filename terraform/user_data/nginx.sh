# The proxy: the only host that the internet reaches, and it reaches the web alone.
packages awscli ca-certificates curl gettext-base nginx-light openssl prometheus-nginx-exporter prometheus-node-exporter%{ if domain != "" } certbot%{ endif }
unpack_release
systemctl disable --quiet --now nginx
run_dir=$var/nginx
install -d -m 755 "$var" "$run_dir"
install -d -m 700 "$run_dir/tls"

# Until there is a better one, and for as long as there is no domain: nginx starts with this.
if [ ! -s "$run_dir/tls/key.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 \
        -subj "/CN=${public_name}" -addext "subjectAltName=${domain != "" ? "DNS" : "IP"}:${public_name}" \
        -keyout "$run_dir/tls/key.pem" -out "$run_dir/tls/certificate.pem" 2> /dev/null
fi

export run_dir access_log=syslog:server=unix:/dev/log,nohostname errors_root=$root/nginx max_body_mb=26
export web_address=web.${inside}:8000 certificate=$run_dir/tls/certificate.pem key=$run_dir/tls/key.pem
fill "$root/nginx/listen-tls.conf.template" "$run_dir/listen.conf"
fill "$root/nginx/servers-tls.conf.template" "$run_dir/servers-tls.conf"
status_address=127.0.0.1:8081 fill "$root/nginx/servers-status.conf.template" "$run_dir/servers-status.conf"
fill "$root/nginx/nginx.conf.template" "$run_dir/nginx.conf"
install -m 644 "$root/nginx/proxy.conf" "$run_dir/proxy.conf"
nginx=/usr/sbin/nginx start_unit nginx/pneumonia-nginx.service
echo 'ARGS="-nginx.scrape-uri=http://127.0.0.1:8081/stub_status"' > /etc/default/prometheus-nginx-exporter
systemctl restart prometheus-nginx-exporter
%{ if domain != "" ~}

# Renewed by certbot's own timer. The name must point here already; else the self-signed one stays,
# and the next run of this script tries again.
install -d "$run_dir/acme"
if certbot certonly --webroot --webroot-path "$run_dir/acme" --domain '${domain}' \
    --email '${email}' --agree-tos --non-interactive --keep-until-expiring \
    --deploy-hook 'systemctl reload pneumonia-nginx'; then
    ln -sf '/etc/letsencrypt/live/${domain}/privkey.pem' "$run_dir/tls/key.pem"
    ln -sf '/etc/letsencrypt/live/${domain}/fullchain.pem' "$run_dir/tls/certificate.pem"
    systemctl reload pneumonia-nginx
fi
%{ endif ~}
