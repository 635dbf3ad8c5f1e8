"""gunicorn for the web; its threads mostly wait for the API."""

from typing import Any

from monitoring.logs.lines import write_lines
from monitoring.logs.requests import find_request_id
from monitoring.metrics.processes import clear_counts, forget_process, use_folder
from pneumonia_web.config import read_config
from webserver.gunicorn_config import *  # noqa: F403

_config = read_config()
bind = f"{_config.web_host}:{_config.web_port}"
# Each upload holds a thread until its prediction is there.
threads = 32
# Only nginx may set X-Forwarded-Proto, which says whether the browser used HTTPS.
forwarded_allow_ips = ",".join(map(str, _config.proxies))
# A scrape that reaches any process reports the sum of all processes.
use_folder(_config.multiprocess_dir)
when_ready = clear_counts
child_exit = forget_process


def on_starting(server: Any) -> None:
    """Log in the same form in the master process as in its workers."""
    del server
    write_lines("web", find_request_id)
