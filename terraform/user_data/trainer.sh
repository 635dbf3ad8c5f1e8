# The GPU box. The first start installs and powers off; every later one is a training run.
packages awscli ca-certificates gettext-base prometheus-node-exporter python3-venv
unpack_release
install_extra model '${tensorflow}'
write_settings <<END
REDIS_URL=${redis_scheme}://:$(secret redis-password)@redis.${inside}:6379/0
API_KEY=$(secret api-key)
IMAGE_STORE=${images_url}
ARTIFACT_STORE=${models_url}
TRAINING_DATA=${data_url}
END
chown -R pneumonia:pneumonia "$var"
export hours=${hours} options='${options}'
fill "$root/model/pneumonia-training.service" \
    /etc/systemd/system/pneumonia-training.service
systemctl daemon-reload
# Enabled, not started: it runs from the next start on.
systemctl enable --quiet pneumonia-training.service
test -e /opt/pneumonia/installed || { touch /opt/pneumonia/installed; systemctl poweroff; }
