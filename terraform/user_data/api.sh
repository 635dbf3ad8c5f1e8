# API and worker%{ if local_redis }, and Redis, which all API hosts and the trainer share%{ endif }.
packages awscli ca-certificates curl gettext-base libgl1 prometheus-node-exporter python3-venv%{ if first } prometheus-redis-exporter%{ endif }%{ if local_redis } e2fsprogs redis-server%{ endif }
unpack_release
install_extra api
redis_password=$(secret redis-password)

%{ if local_redis ~}
# Redis's files are on a disk of their own, which outlives this host. It may be attached after the
# start, and its name differs by the type of the host.
disk=
for _ in $(seq 60); do
    for found in /dev/sdf /dev/xvdf /dev/nvme1n1; do
        test -b "$found" && disk=$found && break 2
    done
    test -z "$endpoint_url" || break
    sleep 5
done
install -d -m 750 -o redis -g redis "$var/redis"
if [ -n "$disk" ] && ! mountpoint -q "$var/redis"; then
    blkid "$disk" > /dev/null || mkfs.ext4 -q "$disk"
    grep -q "$var/redis" /etc/fstab || echo "$disk $var/redis ext4 defaults,nofail 0 2" >> /etc/fstab
    mount "$var/redis"
    chown redis:redis "$var/redis"
elif [ -z "$disk" ] && [ -z "$endpoint_url" ]; then
    echo "The disk for Redis was not attached within five minutes."
    exit 1
fi
chmod 751 "$var"
systemctl disable --quiet --now redis-server
install -m 640 -o redis -g redis /dev/null /etc/redis/pneumonia.conf
bind="127.0.0.1 ${address}" port=6379 password=$redis_password data_dir=$var/redis \
    fill "$root/pneumonia_api/redis.conf.template" /etc/redis/pneumonia.conf
redis_server=/usr/bin/redis-server redis_conf=/etc/redis/pneumonia.conf \
    start_unit pneumonia_api/pneumonia-redis.service
%{ endif ~}

write_settings <<END
REDIS_URL=${redis_scheme}://:$redis_password@${redis_host}:6379/0${redis_options}
API_KEY=$(secret api-key)
WEB_KEY=$(secret web-key)
IMAGE_STORE=${images_url}
ARTIFACT_STORE=${models_url}
API_HOST=0.0.0.0
WORKER_METRICS_HOST=0.0.0.0
END
start_unit pneumonia_api/pneumonia-api.service
start_unit pneumonia_api/pneumonia-worker.service

%{ if first ~}
# Redis's figures, wherever it is; its address holds the password.
sed -n 's/^REDIS_URL=\([^?]*\).*/REDIS_ADDR=\1/p' "$settings" |
    install -m 600 /dev/stdin /etc/default/redis-exporter-secret
echo 'ARGS="--connection-timeout=1s"' > /etc/default/prometheus-redis-exporter
install -d /etc/systemd/system/prometheus-redis-exporter.service.d
printf '[Service]\nEnvironmentFile=/etc/default/redis-exporter-secret\n' \
    > /etc/systemd/system/prometheus-redis-exporter.service.d/address.conf
systemctl daemon-reload
systemctl restart prometheus-redis-exporter

# The first user, if there is none.
users() {
    # shellcheck disable=SC1090 # made above
    (cd "$root" && set -a && . "$settings" && exec "$python" -m flask --app pneumonia_api.app users "$@")
}
test -n "$(users list)" || secret first-user-password | users add doctor --password-stdin
%{ endif ~}
