# API and worker%{ if local_redis }, and Redis, which all API hosts and the trainer share%{ endif }.
packages awscli ca-certificates curl gettext-base libgl1 prometheus-node-exporter python3-venv%{ if first } prometheus-redis-exporter%{ endif }%{ if local_redis } e2fsprogs redis-server%{ endif }
unpack_release
install_extra api%{ if dicom_peers != "" },dicom%{ endif }
redis_password=$(secret redis-password)
api_key=$(secret api-key)
web_key=$(secret web-key)
%{ if dicom_peers != "" ~}
dicom_key=$(secret dicom-key)
%{ endif ~}
%{ if oidc.issuer != "" ~}
oidc_secret=$(secret oidc-client-secret)
%{ endif ~}

%{ if local_redis ~}
# The files of Redis are on a separate disk, which outlives this host and may be attached after the
# host's start. Identify it by its serial number: names such as /dev/nvme1n1 change at each start and
# may be an instance store, which loses its data when the host stops.
serial='${replace(redis_volume, "-", "")}'
disk=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_$serial
wait_for_disk() {
    local found
    for _ in {1..60}; do
        if found=$(lsblk --nodeps --noheadings --output SERIAL "$disk" 2> /dev/null); then
            checked "The serial number of $disk" "$serial" "$${found// /}" > /dev/null
            return
        fi
        sleep 5
    done
    echo "The disk for Redis, $disk, was not attached within five minutes." >&2
    return 1
}
# Format only an empty disk.
format_disk() {
    local found
    found=$(wipefs --no-act --noheadings --output TYPE "$disk")
    case $${found// /} in
        "") mkfs.ext4 -q "$disk" ;;
        ext4) ;;
        *)
            echo "$disk holds something other than Redis's files, so it is left unchanged." >&2
            return 1
            ;;
    esac
}
install -d -m 750 -o redis -g redis "$var/redis"
# The machines of the rehearsal have no disks.
if [ -z "$endpoint_url" ]; then
    wait_for_disk
    if ! mountpoint -q "$var/redis"; then
        format_disk
        fstab=$(sed "\:$var/redis:d" /etc/fstab)
        place 644 root:root /etc/fstab <<< "$fstab
$disk $var/redis ext4 defaults,nofail 0 2"
        systemctl daemon-reload
        mount "$var/redis"
        chown redis:redis "$var/redis"
    fi
fi
chmod 751 "$var"
systemctl disable --quiet --now redis-server
bind="127.0.0.1 ${address}" port=6379 password=$redis_password data_dir=$var/redis \
    fill "$root/pneumonia_api/redis.conf.template" /etc/redis/pneumonia.conf 640 redis:redis
redis_server=/usr/bin/redis-server redis_conf=/etc/redis/pneumonia.conf \
    start_unit pneumonia_api/pneumonia-redis.service
%{ endif ~}

write_settings <<END
REDIS_URL=${redis_scheme}://:$redis_password@${redis_host}:6379/0${redis_options}
API_KEY=$api_key
WEB_KEY=$web_key
IMAGE_STORE=${images_url}
ARTIFACT_STORE=${models_url}
API_HOST=0.0.0.0
WORKER_METRICS_HOST=0.0.0.0
KEEP_FILMS=${keep_films}
ACCESSION_AS_REFERENCE=${accession}
KEEP_STUDY_REFERENCES=${references}
RETENTION_DAYS=${retention_days}
%{ if dicom_peers != "" ~}
API_URL=http://127.0.0.1:5000
DICOM_KEY=$dicom_key
DICOM_PEERS=${dicom_peers}
DICOM_AE_TITLE=${dicom_title}
DICOM_HOST=${address}
DICOM_METRICS_HOST=0.0.0.0
%{ endif ~}
%{ if results_to != "" ~}
DICOM_RESULTS_TO=${results_to}
%{ endif ~}
%{ if oidc.issuer != "" ~}
PUBLIC_URL=${public_url}
OIDC_ISSUER=${oidc.issuer}
OIDC_CLIENT_ID="${oidc.client_id}"
OIDC_CLIENT_SECRET="$oidc_secret"
OIDC_SCOPES="${oidc.scopes}"
OIDC_ROLES_CLAIM="${oidc.roles_claim}"
OIDC_ROLES="${oidc.roles}"
OIDC_SECOND_FACTOR="${oidc.second_factor}"
BREAK_GLASS_ADMIN="${oidc.break_glass_admin}"
%{ endif ~}
END
start_unit pneumonia_api/pneumonia-api.service
start_unit pneumonia_api/pneumonia-worker.service
%{ if dicom_peers != "" ~}
start_unit pneumonia_api/pneumonia-dicom.service
%{ endif ~}
%{ if results_to != "" ~}
start_unit pneumonia_api/pneumonia-results.service
%{ endif ~}
%{ if first ~}
# One host alone writes the audit: its lines are a chain.
start_unit pneumonia_api/pneumonia-audit.service
%{ endif ~}

%{ if first ~}
# Metrics of Redis, local or ElastiCache; the address contains the password.
echo "REDIS_ADDR=${redis_scheme}://:$redis_password@${redis_host}:6379/0" |
    place 600 root:root /etc/default/redis-exporter-secret
echo 'ARGS="--connection-timeout=1s"' | place 644 root:root /etc/default/prometheus-redis-exporter
install -d /etc/systemd/system/prometheus-redis-exporter.service.d
printf '[Service]\nEnvironmentFile=/etc/default/redis-exporter-secret\n' |
    place 644 root:root /etc/systemd/system/prometheus-redis-exporter.service.d/address.conf
systemctl daemon-reload
systemctl restart prometheus-redis-exporter

# The first user, if there is none.
users() {
    # shellcheck disable=SC1090 # written above
    (cd "$root" && set -a && . "$settings" && exec "$python" -m flask --app pneumonia_api.app users "$@")
}
known=$(users list)
if [ -z "$known" ]; then
    first_password=$(secret first-user-password)
    users add doctor --admin --password-stdin <<< "$first_password"
fi
%{ endif ~}

# This host is set up once its API has analysed an X-ray, which is then deleted.
api=http://127.0.0.1:5000
call_api() {
    curl --silent --show-error --fail --max-time 60 --header @- "$@" <<< "Authorization: Bearer $api_key"
}
analyse_one() {
    local answer id
    answer=$(call_api --header "Idempotency-Key: $probe_key" \
        --form "xray=@$root/terraform/probe.jpeg" "$api/v1/xrays?wait=30") || return 1
    id=$${answer#*'"id":'}
    id=$${id#*'"'}
    id=$(checked "The id of the X-ray" '[A-Za-z0-9_-]+' "$${id%%'"'*}") || return 1
    call_api --request DELETE "$api/v1/xrays/$id" || return 1
    [[ $answer =~ \"status\":\ *\"done\" ]] || { echo "The X-ray was not analysed." >&2; return 1; }
}
# Another host's worker may have analysed it, so check that this host's worker has a model, too.
worker_runs() {
    local metrics
    metrics=$(curl --silent --show-error --fail --max-time 10 http://127.0.0.1:9200/metrics) || return 1
    [[ $metrics == *pneumonia_worker_model_info* ]] || { echo "The worker has no model." >&2; return 1; }
}
answers $api/readyz
retry worker_runs
# The same key for each attempt, so that a lost response does not leave a second X-ray.
probe_key=set-up-$RANDOM$RANDOM
retry analyse_one
finish
