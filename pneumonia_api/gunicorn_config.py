"""gunicorn for the API: one process whose threads mostly wait for Redis or for a prediction."""

from pneumonia_api.config import MAX_WAITERS, read_config
from pneumonia_metrics.processes import begin_anew, forget_process, use_folder

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
control_socket_disable = True
# Whichever process is scraped tells for all of them.
use_folder(_config.multiprocess_dir)
when_ready = begin_anew
child_exit = forget_process
