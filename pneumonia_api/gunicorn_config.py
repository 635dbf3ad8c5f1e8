"""gunicorn for the API: one process whose threads mostly wait for Redis or for a prediction."""

from typing import Any

from monitoring.logs.lines import write_lines
from monitoring.logs.requests import find_request
from monitoring.metrics.processes import begin_anew, forget_process, use_folder
from pneumonia_api.config import MAX_WAITERS, read_config

_config = read_config()
bind = f"{_config.api_host}:{_config.api_port}"
worker_class = "gthread"
workers = 1
# Each `wait` holds a thread for up to 30 s; a stack costs next to nothing until it is used.
threads = MAX_WAITERS + 16
# gthread beats while its threads wait, so this only ends a process that hangs.
timeout = 60
graceful_timeout = 10
accesslog = None
# No proxy stands before the API: a header that moves its paths is nobody's to send.
forwarder_headers = ""
# Nor is one that says that the caller came by HTTPS; the default is read from the environment.
forwarded_allow_ips = ""
control_socket_disable = True
# Whichever process is scraped tells for all of them.
use_folder(_config.multiprocess_dir)
when_ready = begin_anew
child_exit = forget_process


def on_starting(server: Any) -> None:
    """The first process logs as those that answer do."""
    del server
    write_lines("api", find_request)
