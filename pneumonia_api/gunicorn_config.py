"""gunicorn for the API; its threads mostly wait for Redis or for a prediction."""

from typing import Any

from monitoring.logs.lines import write_lines
from monitoring.logs.requests import find_request_id
from monitoring.metrics.processes import clear_counts, forget_process, use_folder
from pneumonia_api.config import MAX_WAITERS, read_config
from pneumonia_api.memory import return_freed_memory
from webserver.gunicorn_config import *  # noqa: F403

_config = read_config()
bind = f"{_config.api_host}:{_config.api_port}"
# Each `wait` holds a thread for up to 30 s; an unused stack costs next to nothing.
threads = MAX_WAITERS + 16
# There is no proxy in front of the API, so nothing may change its scheme.
forwarded_allow_ips = ""
# A scrape that reaches any process reports the sum of all processes.
use_folder(_config.multiprocess_dir)
return_freed_memory()
when_ready = clear_counts
child_exit = forget_process


def on_starting(server: Any) -> None:
    """Log in the same form in the master process as in its workers."""
    del server
    write_lines("api", find_request_id)
