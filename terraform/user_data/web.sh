# The web service: nginx forwards to it, and it calls the API.
packages awscli ca-certificates curl gettext-base prometheus-node-exporter python3-venv
unpack_release
install_extra web
secret_key=$(secret secret-key)
web_key=$(secret web-key)
write_settings <<END
API_URL=http://api.${inside}:5000
SECRET_KEY=$secret_key
WEB_KEY=$web_key
WEB_HOST=0.0.0.0
PROXY_ADDRESS=${nginx_address}
AI_AFTER_READING=${ai_after_reading}
SERVICE_NAME="${site.service_name}"
SITE_NAME="${site.site_name}"
SITE_CONTACT="${site.site_contact}"
ENVIRONMENT_BADGE="${site.environment_badge}"
%{ if oidc.issuer != "" ~}
OIDC_ISSUER=${oidc.issuer}
OIDC_NAME="${oidc.name}"
BREAK_GLASS_ADMIN="${oidc.break_glass_admin}"
%{ endif ~}
END
start_unit pneumonia_web/pneumonia-web.service
answers http://127.0.0.1:8000/login
answers http://api.${inside}:5000/readyz
finish
