# The GPU box. The first start installs and powers off; every later one is a training run.

# The last resort, at each start: whatever hangs, and if it is this script, costs so many hours.
cat > /etc/systemd/system/pneumonia-limit.timer <<END
[Unit]
Description=Pneumonia detection: the trainer is on for no longer than this

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

# Amazon's images may have a Python older than 3.11; then uv brings one.
if [ ! -x "$python" ] && ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    python3 -m venv /opt/pneumonia/uv
    retry /opt/pneumonia/uv/bin/pip install --quiet uv
    UV_PYTHON_INSTALL_DIR=/opt/pneumonia/python \
        retry /opt/pneumonia/uv/bin/uv venv --quiet --seed --python 3.12 /opt/pneumonia/venv
fi
install_extra model '${tensorflow}'
write_settings <<END
REDIS_URL=${redis_scheme}://:$(secret redis-password)@${redis_host}:6379/0${redis_options}
IMAGE_STORE=${images_url}
ARTIFACT_STORE=${models_url}
TRAINING_DATA=${data_url}
END

# What the alarm on an idle GPU looks at: the GPU's use, told to CloudWatch by Amazon's agent.
if command -v nvidia-smi > /dev/null; then
    agent=/opt/aws/amazon-cloudwatch-agent
    if [ ! -x "$agent/bin/amazon-cloudwatch-agent-ctl" ]; then
        source="https://amazoncloudwatch-agent-${region}.s3.${region}.amazonaws.com"
        retry curl --silent --fail --output /tmp/agent.deb \
            "$source/ubuntu/amd64/latest/amazon-cloudwatch-agent.deb"
        dpkg --install /tmp/agent.deb
    fi
    "$agent/bin/amazon-cloudwatch-agent-ctl" -a fetch-config -m ec2 -s \
        -c "file:$root/monitoring/cloudwatch/gpu.json"
fi

# The GPU's figures for Prometheus, from NVIDIA's own repository; without them training goes on.
gpu_exporter() {
    local source keyring=/opt/pneumonia/cuda-keyring.deb
    # shellcheck disable=SC1091 # the system's own
    source=$(. /etc/os-release && echo "https://developer.download.nvidia.com/compute/cuda/repos/$ID$${VERSION_ID/./}/x86_64")
    curl --silent --fail --retry 3 --output "$keyring" "$source/cuda-keyring_1.1-1_all.deb" &&
        dpkg --install "$keyring" > /dev/null &&
        packages datacenter-gpu-manager-4-core datacenter-gpu-manager-4-proprietary \
            datacenter-gpu-manager-exporter &&
        systemctl enable --quiet --now nvidia-dcgm-exporter
}
if command -v nvidia-smi > /dev/null; then
    gpu_exporter || echo "NVIDIA's exporter could not be installed; Prometheus will not see the GPU."
fi
chown -R pneumonia:pneumonia "$var"
export hours=${hours} options='${options}'
fill "$root/model/pneumonia-training.service" \
    /etc/systemd/system/pneumonia-training.service
systemctl daemon-reload
# Enabled, not started: it runs from the next start on.
systemctl enable --quiet pneumonia-training.service
test -e /opt/pneumonia/installed || { touch /opt/pneumonia/installed; systemctl poweroff; }
