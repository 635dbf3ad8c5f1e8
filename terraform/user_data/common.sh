#!/bin/bash
# The first part of every host's script, which is idempotent. Names in braces are Terraform's. Secrets
# are read from Parameter Store and are never in user data.
set -Eeuo pipefail
# Without this, errexit does not apply inside $( ).
shopt -s inherit_errexit
trap 'echo "Setup failed in line $LINENO: $BASH_COMMAND" >&2' ERR

export DEBIAN_FRONTEND=noninteractive AWS_DEFAULT_REGION=${region}
endpoint_url='${endpoint_url}'
home=/opt/pneumonia
root=$home/release
python=$home/venv/bin/python
var=/var/lib/pneumonia
settings=/etc/pneumonia/env
done_mark=$home/set-up

# Cloud-init runs this only at the first start, so it hands over to systemd, which runs the script
# until it has succeeded once: a minute after each failure, and at each start.
if [ "$${1:-}" != run ]; then
    install -D -m 700 "$0" "$home/setup.sh"
    cat > /etc/systemd/system/pneumonia-setup.service <<END
[Unit]
Description=Pneumonia detection: set-up of this host
After=network-online.target
Wants=network-online.target
ConditionPathExists=!$done_mark
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/bash $home/setup.sh run
Restart=on-failure
RestartSec=60
StandardOutput=append:/var/log/pneumonia-setup.log
StandardError=inherit

[Install]
WantedBy=multi-user.target
END
    systemctl daemon-reload
    systemctl enable --quiet pneumonia-setup
    exec systemctl start --no-block pneumonia-setup
fi

# Retry commands that need the network, which may come up later. Messages go to standard error,
# because the caller may capture standard output.
retry() {
    local attempt
    for attempt in 1 2 3 4 5 6; do
        "$@" && return 0
        echo "Attempt $attempt failed: $1" >&2
        sleep $((attempt * 5))
    done
    return 1
}

# Print VALUE if all of it matches the pattern: checked NAME PATTERN VALUE. Otherwise the message does
# not contain the value, which may be a secret.
checked() {
    if [[ $3 =~ ^($2)$ ]]; then
        printf '%s\n' "$3"
    else
        echo "$1 does not have the form $2, so it is not used." >&2
        return 1
    fi
}

# Wait for the lock, which Debian's automatic updates may hold at the first start. Treat an unreachable
# mirror as an error, or packages would be missing later.
apt_get() {
    retry apt-get -qq -o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any "$@" > /dev/null
}

packages() {
    retry dpkg --configure -a # finishes an installation that a power failure interrupted
    apt_get update
    apt_get install -y --no-install-recommends "$@"
}

on_aws() {
    aws $${endpoint_url:+--endpoint-url "$endpoint_url"} "$@"
}

# The secret is never an argument of a command and never logged. Use NAME=$(secret NAME): in a
# here-document or an argument list its failure would be ignored.
read_secret() {
    local value
    value=$(on_aws ssm get-parameter --name "/${name}/$1" --with-decryption \
        --query Parameter.Value --output text) || return 1
    checked "The secret $1" '[A-Za-z0-9._~-]{32,128}' "$value"
}
secret() {
    retry read_secret "$1"
}

# Write standard input to a file, atomically: place MODE OWNER:GROUP FILE
place() {
    (umask 077 && cat > "$3.new")
    chown "$2" "$3.new"
    chmod "$1" "$3.new"
    mv "$3.new" "$3"
}

# Install the agent of Session Manager. Amazon's images have it, Debian's do not.
session_agent() {
    local units package=$home/amazon-ssm-agent.deb
    test -z "$endpoint_url" || return 0
    units=$(systemctl list-unit-files --no-legend)
    if [[ $units != *amazon-ssm-agent* ]]; then
        retry curl --silent --show-error --fail --output "$package" \
            "https://s3.${region}.amazonaws.com/amazon-ssm-${region}/latest/debian_amd64/amazon-ssm-agent.deb"
        apt_get install -y "$package"
    fi
}

# All services log to the journal. Limit its size, and its age because it contains names of staff.
limit_journal() {
    install -d /etc/systemd/journald.conf.d
    printf '[Journal]\nStorage=persistent\nSystemMaxUse=500M\nMaxRetentionSec=90day\n' |
        place 644 root:root /etc/systemd/journald.conf.d/pneumonia.conf
    systemctl restart systemd-journald
}

# Install the release, and create the account that runs it.
unpack_release() {
    local archive=$home/release.tar.gz
    id pneumonia > /dev/null 2>&1 || useradd --system --home-dir "$var" --shell /usr/sbin/nologin pneumonia
    install -d -m 755 "$home" "$root"
    install -d -m 751 -o pneumonia -g pneumonia "$var"
    install -d -m 750 -o pneumonia -g pneumonia "$var/log"
    # Batch jobs write their metrics here, for the textfile collector of node_exporter.
    install -d -m 755 -o pneumonia -g pneumonia "$var/metrics"
    echo "ARGS=\"--collector.textfile.directory=$var/metrics\"" |
        place 644 root:root /etc/default/prometheus-node-exporter
    systemctl restart prometheus-node-exporter
    install -d -m 750 -o root -g pneumonia /etc/pneumonia
    limit_journal
    session_agent
    retry on_aws s3 cp --only-show-errors '${release_url}' "$archive"
    tar --extract --gzip --file "$archive" --directory "$root" --no-same-owner
}

# A virtual environment whose creation was interrupted has Python but no pip.
venv_works() {
    "$python" -m pip --version > /dev/null 2>&1
}

# Install an extra of the project and further packages, pinned by the lock: install_extra NAME [MORE ...]
install_extra() {
    local extra=$1
    shift
    venv_works || python3 -m venv --clear $home/venv
    (cd "$root" && retry "$python" -m pip install --quiet --disable-pip-version-check \
        --constraint requirements.txt --constraint terraform/cuda.txt ".[$extra]" "$@")
}

# Write the settings of the services from standard input; only their account can read them. A setting
# that is empty or contains an error message instead of a value is refused.
write_settings() {
    local text line
    text=$(
        printf 'VAR_DIR=%s\n' "$var"
        cat
        test -z "$endpoint_url" || printf 'AWS_ENDPOINT_URL=%s\n' "$endpoint_url"
        printf 'AWS_DEFAULT_REGION=%s\n' "$AWS_DEFAULT_REGION"
    )
    while IFS= read -r line; do
        checked "The setting $${line%%=*}" '[A-Z_]+=([A-Za-z0-9:/@?=._,-]+|"[A-Za-z0-9:/@?=._~, ;-]*")' "$line" > /dev/null
    done <<< "$text"
    place 640 root:pneumonia "$settings" <<< "$text"
}

# Fill in the names in braces of a template from the environment, and nothing else, because nginx has
# variables too: fill FROM TO [MODE OWNER:GROUP]. An unset name is an error.
fill() {
    local name names text
    # shellcheck disable=SC2016 # the braces belong to the template
    names=$(grep -o '$${[a-z_]*}' "$1") || test $? -eq 1
    for name in $names; do
        name=$${name//[^a-z_]/}
        printenv "$name" > /dev/null || { echo "$1 needs $name, which is not set." >&2; return 1; }
    done
    text=$(envsubst "$names" < "$1")
    place "$${3:-644}" "$${4:-root:root}" "$2" <<< "$text"
}

# Install and start a systemd unit of the release: start_unit FOLDER/NAME.service
start_unit() {
    local unit=$${1##*/}
    fill "$root/$1" "/etc/systemd/system/$unit"
    systemctl daemon-reload
    systemctl enable --quiet "$unit"
    systemctl restart "$unit"
}
export root python drain_seconds=10

# Wait until a URL of this host, or of one that it needs, answers: answers URL [OPTION ...]
answers() {
    retry curl --silent --show-error --fail --max-time 30 --output /dev/null "$@"
}

# The last line of each script. Sync first, so that the mark never survives a power failure alone.
finish() {
    sync
    touch "$done_mark"
    echo "Set up."
}
