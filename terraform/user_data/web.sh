# The pages. Reached by nginx; reaches the API.
packages awscli ca-certificates curl gettext-base prometheus-node-exporter python3-venv
unpack_release
install_extra web
write_settings <<END
API_URL=http://api.${inside}:5000
SECRET_KEY=$(secret secret-key)
WEB_KEY=$(secret web-key)
WEB_HOST=0.0.0.0
PROXY_ADDRESS=${nginx_address}
END
start_unit pneumonia_web/pneumonia-web.service
