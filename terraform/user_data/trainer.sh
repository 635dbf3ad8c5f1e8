# The GPU trainer. The first start installs it and powers it off; each later start is a training run.

# The last resort at each start: a hang, even of this script, costs at most this many hours.
place 644 root:root /etc/systemd/system/pneumonia-limit.timer <<END
[Unit]
Description=Pneumonia detection: time limit of the trainer

[Timer]
OnBootSec=${hours + 1}h
Unit=poweroff.target

[Install]
WantedBy=timers.target
END
systemctl daemon-reload
systemctl enable --quiet --now pneumonia-limit.timer

packages awscli ca-certificates curl gettext-base prometheus-node-exporter python3-venv
unpack_release

# Amazon's images may have a Python older than 3.11; then uv installs a newer one.
if ! venv_works && ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    python3 -m venv --clear $home/uv
    retry $home/uv/bin/pip install --quiet uv
    UV_PYTHON_INSTALL_DIR=$home/python UV_VENV_CLEAR=1 \
        retry $home/uv/bin/uv venv --quiet --seed --python 3.12 $home/venv
fi
install_extra model '${tensorflow}'
redis_password=$(secret redis-password)
write_settings <<END
REDIS_URL=${redis_scheme}://:$redis_password@${redis_host}:6379/0${redis_options}
IMAGE_STORE=${images_url}
ARTIFACT_STORE=${models_url}
TRAINING_DATA=${data_url}
END

# Amazon's agent reports the GPU utilisation to CloudWatch, for the alarm on an idle GPU.
if command -v nvidia-smi > /dev/null; then
    agent=/opt/aws/amazon-cloudwatch-agent
    if [ ! -x "$agent/bin/amazon-cloudwatch-agent-ctl" ]; then
        source="https://amazoncloudwatch-agent-${region}.s3.${region}.amazonaws.com"
        retry curl --silent --show-error --fail --output $home/amazon-cloudwatch-agent.deb \
            "$source/ubuntu/amd64/latest/amazon-cloudwatch-agent.deb"
        apt_get install -y $home/amazon-cloudwatch-agent.deb
    fi
    "$agent/bin/amazon-cloudwatch-agent-ctl" -a fetch-config -m ec2 -s \
        -c "file:$root/monitoring/cloudwatch/gpu.json"
fi

# Metrics of the GPU for Prometheus, by NVIDIA's exporter from its own repository. It is optional.
gpu_exporter() {
    local system keyring=$home/cuda-keyring.deb
    # shellcheck disable=SC1091 # a file of the system
    system=$(. /etc/os-release && echo "$ID$${VERSION_ID/./}") &&
        checked "The name of this system" '(debian|ubuntu)[0-9]+' "$system" > /dev/null &&
        curl --silent --show-error --fail --retry 3 --output "$keyring" \
            "https://developer.download.nvidia.com/compute/cuda/repos/$system/x86_64/cuda-keyring_1.1-1_all.deb" &&
        apt_get install -y "$keyring" &&
        packages datacenter-gpu-manager-4-core datacenter-gpu-manager-4-proprietary \
            datacenter-gpu-manager-exporter &&
        systemctl enable --quiet --now nvidia-dcgm-exporter
}
if command -v nvidia-smi > /dev/null; then
    gpu_exporter || echo "NVIDIA's exporter could not be installed; Prometheus will not see the GPU."
fi
chown -R pneumonia:pneumonia "$var"
export hours=${hours} options='${options}'
fill "$root/model/pneumonia-training.service" /etc/systemd/system/pneumonia-training.service
systemctl daemon-reload
# Enabled but not started: it runs at the next boot.
systemctl enable --quiet pneumonia-training.service
if [ ! -e "$done_mark" ]; then
    finish
    systemctl poweroff
fi
