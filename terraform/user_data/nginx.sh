# The proxy: the only host reachable from the internet. It forwards only to the web service.
packages awscli ca-certificates curl gettext-base nginx-light openssl prometheus-nginx-exporter prometheus-node-exporter%{ if domain != "" } certbot%{ endif }
unpack_release
systemctl disable --quiet --now nginx
run_dir=$var/nginx
install -d -m 755 "$var" "$run_dir"
install -d -m 700 "$run_dir/tls"

# A self-signed certificate, for nginx to start with, and for good if there is no domain. Rename the
# certificate last, so that a key without a certificate is generated again.
if [ ! -s "$run_dir/tls/certificate.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 \
        -subj "/CN=${public_name}" -addext "subjectAltName=${domain != "" ? "DNS" : "IP"}:${public_name}" \
        -keyout "$run_dir/tls/key.pem.new" -out "$run_dir/tls/certificate.pem.new" 2> /dev/null
    mv "$run_dir/tls/key.pem.new" "$run_dir/tls/key.pem"
    mv "$run_dir/tls/certificate.pem.new" "$run_dir/tls/certificate.pem"
fi

export run_dir access_log=syslog:server=unix:/dev/log,nohostname errors_root=$root/nginx max_body_mb=26
export web_address=web.${inside}:8000 certificate=$run_dir/tls/certificate.pem key=$run_dir/tls/key.pem
fill "$root/nginx/listen-tls.conf.template" "$run_dir/listen.conf"
fill "$root/nginx/servers-tls.conf.template" "$run_dir/servers-tls.conf"
status_address=127.0.0.1:8081 fill "$root/nginx/servers-status.conf.template" "$run_dir/servers-status.conf"
fill "$root/nginx/nginx.conf.template" "$run_dir/nginx.conf"
place 644 root:root "$run_dir/proxy.conf" < "$root/nginx/proxy.conf"
nginx=/usr/sbin/nginx start_unit nginx/pneumonia-nginx.service
echo 'ARGS="-nginx.scrape-uri=http://127.0.0.1:8081/stub_status"' |
    place 644 root:root /etc/default/prometheus-nginx-exporter
systemctl restart prometheus-nginx-exporter
%{ if domain != "" ~}

# Request the certificate now and every 20 minutes until the domain points to this host. Let's Encrypt
# allows five failures per hour. Afterwards certbot's own timer renews it.
install -d "$run_dir/acme"
place 644 root:root /etc/systemd/system/pneumonia-certificate.service <<END
[Unit]
Description=Pneumonia detection: first certificate from Let's Encrypt
After=pneumonia-nginx.service
ConditionPathExists=!/etc/letsencrypt/live/${domain}/fullchain.pem

[Service]
Type=oneshot
ExecStart=/usr/bin/certbot certonly --webroot --webroot-path $run_dir/acme --domain ${domain} \
    --email ${email} --agree-tos --non-interactive --deploy-hook "systemctl reload pneumonia-nginx"
ExecStart=/usr/bin/ln -sf /etc/letsencrypt/live/${domain}/privkey.pem $run_dir/tls/key.pem
ExecStart=/usr/bin/ln -sf /etc/letsencrypt/live/${domain}/fullchain.pem $run_dir/tls/certificate.pem
ExecStart=/usr/bin/systemctl reload pneumonia-nginx
END
place 644 root:root /etc/systemd/system/pneumonia-certificate.timer <<END
[Unit]
Description=Pneumonia detection: retries the first certificate

[Timer]
OnCalendar=*:0/20

[Install]
WantedBy=timers.target
END
systemctl daemon-reload
systemctl enable --quiet --now pneumonia-certificate.timer
systemctl start pneumonia-certificate || echo "No certificate yet; the self-signed one stays in use."
%{ endif ~}
answers https://127.0.0.1/login --insecure
finish
