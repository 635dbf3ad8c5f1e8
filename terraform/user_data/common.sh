#!/bin/bash
# The beginning of every host's script. It may run again at any time, with the same result. Names in
# braces are Terraform's; secrets are read from Parameter Store here and are in no user data.
set -euo pipefail
exec > >(tee -a /var/log/pneumonia-setup.log) 2>&1
trap 'echo "Setup failed in line $LINENO: $BASH_COMMAND"' ERR

export DEBIAN_FRONTEND=noninteractive AWS_DEFAULT_REGION=${region}
endpoint_url='${endpoint_url}'
root=/opt/pneumonia/release
python=/opt/pneumonia/venv/bin/python
var=/var/lib/pneumonia
settings=/etc/pneumonia/env

# What installs packages and talks to AWS is tried again: the network may come up after us.
retry() {
    local try
    for try in 1 2 3 4 5 6; do
        "$@" && return 0
        echo "Try $try failed: $1"
        sleep $((try * 5))
    done
    return 1
}

packages() {
    retry apt-get update -qq
    retry apt-get install -y -qq --no-install-recommends "$@" > /dev/null
}

on_aws() {
    aws $${endpoint_url:+--endpoint-url "$endpoint_url"} "$@"
}

# The secret is an argument of nothing and stays out of the log.
secret() {
    retry on_aws ssm get-parameter --name "/${name}/$1" --with-decryption \
        --query Parameter.Value --output text
}

# Shells and commands come through Session Manager. Amazon's images have its agent, Debian's do not.
session_agent() {
    local package=/opt/pneumonia/amazon-ssm-agent.deb
    test -z "$endpoint_url" || return 0
    systemctl list-unit-files | grep -q amazon-ssm-agent && return 0
    retry curl --silent --fail --output "$package" \
        "https://s3.${region}.amazonaws.com/amazon-ssm-${region}/latest/debian_amd64/amazon-ssm-agent.deb"
    dpkg --install "$package" > /dev/null
}

# All services log to the journal: it never fills the disk, and staff's names do not stay for ever.
limit_journal() {
    install -d /etc/systemd/journald.conf.d
    printf '[Journal]\nStorage=persistent\nSystemMaxUse=500M\nMaxRetentionSec=90day\n' \
        > /etc/systemd/journald.conf.d/pneumonia.conf
    systemctl restart systemd-journald
}

# The release and the account that runs it.
unpack_release() {
    local archive=/opt/pneumonia/release.tar.gz
    id pneumonia > /dev/null 2>&1 || useradd --system --home-dir "$var" --shell /usr/sbin/nologin pneumonia
    install -d -m 755 /opt/pneumonia "$root"
    install -d -m 751 -o pneumonia -g pneumonia "$var"
    install -d -m 750 -o pneumonia -g pneumonia "$var/log"
    # Jobs that end leave their figures here, for node_exporter.
    install -d -m 755 -o pneumonia -g pneumonia "$var/metrics"
    echo "ARGS=\"--collector.textfile.directory=$var/metrics\"" > /etc/default/prometheus-node-exporter
    systemctl restart prometheus-node-exporter
    install -d -m 750 -o root -g pneumonia /etc/pneumonia
    limit_journal
    session_agent
    retry on_aws s3 cp --only-show-errors '${release_url}' "$archive"
    tar --extract --gzip --file "$archive" --directory "$root" --no-same-owner
}

# An extra of the project, pinned by its lock, and what else is named: install_extra NAME [MORE ...]
install_extra() {
    local extra=$1
    shift
    test -x "$python" || python3 -m venv /opt/pneumonia/venv
    (cd "$root" && retry "$python" -m pip install --quiet --disable-pip-version-check \
        --constraint requirements.txt ".[$extra]" "$@")
}

# Settings of the services, for the account that runs them alone; from standard input.
write_settings() {
    umask 077
    { printf 'VAR_DIR=%s\n' "$var"; cat; } > "$settings.new"
    test -z "$endpoint_url" || printf 'AWS_ENDPOINT_URL=%s\n' "$endpoint_url" >> "$settings.new"
    printf 'AWS_DEFAULT_REGION=%s\n' "$AWS_DEFAULT_REGION" >> "$settings.new"
    chown root:pneumonia "$settings.new"
    chmod 640 "$settings.new"
    mv "$settings.new" "$settings"
    umask 022
}

# A template of the release, its names in braces filled with variables of the environment, and
# nothing else of it, for nginx has variables too: fill FROM TO.
fill() {
    local names
    # shellcheck disable=SC2016 # the braces are the template's
    names=$(grep -o '$${[a-z_]*}' "$1" | sort -u | tr '\n' ' ')
    envsubst "$names" < "$1" > "$2"
}

# A unit of the release under systemd: start_unit FOLDER/NAME.service
start_unit() {
    local unit
    unit=$(basename "$1")
    fill "$root/$1" "/etc/systemd/system/$unit"
    systemctl daemon-reload
    systemctl enable --quiet "$unit"
    systemctl restart "$unit"
}
export root python drain_seconds=10
