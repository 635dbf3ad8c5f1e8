"""gunicorn for the web: one process whose threads mostly wait for the API."""

from typing import Any

from monitoring.logs.lines import write_lines
from monitoring.logs.requests import find_request
from monitoring.metrics.processes import begin_anew, forget_process, use_folder
from pneumonia_web.config import read_config
from webserver.worker import PatientWorker

_config = read_config()
bind = f"{_config.web_host}:{_config.web_port}"
worker_class = PatientWorker
# Below the usual limit of 1,024 open files, which the images and Redis need, too.
worker_connections = 512
workers = 1
# Each upload holds a thread until its prediction is there.
threads = 32
# The worker beats while its threads wait, so this only ends a process that hangs.
timeout = 60
graceful_timeout = 10
accesslog = None
# nginx alone talks to it, and tells whether the browser came by HTTPS.
forwarded_allow_ips = ",".join(map(str, _config.proxies))
# Paths are not moved: a header that would is the browser's own.
forwarder_headers = ""
control_socket_disable = True
# Whichever process is scraped tells for all of them.
use_folder(_config.multiprocess_dir)
when_ready = begin_anew
child_exit = forget_process


def on_starting(server: Any) -> None:
    """The first process logs as those that answer do."""
    del server
    write_lines("web", find_request)
