"""gunicorn's settings that API and web share; each service's `gunicorn_config` adds its own."""

from webserver.worker import PatientWorker

worker_class = PatientWorker
# Below the usual limit of 1,024 open files, which images and connections to Redis share.
worker_connections = 512
# One process with many threads: they mostly wait.
workers = 1
# A worker sends its heartbeat while its threads wait, so this only ends a process that hangs.
timeout = 60
graceful_timeout = 10
accesslog = None
# No header of a client moves the paths of the application.
forwarder_headers = ""
control_socket_disable = True
