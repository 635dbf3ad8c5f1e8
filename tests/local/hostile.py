"""An environment with variables for other programs, as a shell or a hospital's machine has."""

from pathlib import Path

NOBODY = "127.0.0.1:9"
"""An address where nothing listens."""

PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy")
PROXIES = {name: f"http://{NOBODY}" for low in PROXY_NAMES for name in (low, low.upper())}


def write_hostile(folder: Path) -> dict[str, str]:
    """Variables that each broke or changed a part, with the files that they name in `folder`."""
    modules, programs = folder / "modules", folder / "programs"
    for made in (modules, programs):
        made.mkdir()
    for module in ("redis", "flask", "celery", "celeryconfig", "sitecustomize"):
        (modules / f"{module}.py").write_text("raise SystemExit('a module of somebody else')\n")
    for program in ("redis-server", "valkey-server", "nginx"):
        (programs / program).write_text(
            "#!/bin/sh\necho 'a program of somebody else' >&2\nexit 3\n"
        )
        (programs / program).chmod(0o755)
    return {
        **PROXIES,
        "PATH": f"{programs}:/usr/bin:/bin",
        "PYTHONPATH": str(modules),
        "PYTHONHOME": str(folder),
        "PYTHONSTARTUP": str(modules / "redis.py"),
        "PYTHONWARNINGS": "error",
        "PYTHONOPTIMIZE": "2",
        "CELERY_BROKER_URL": f"redis://{NOBODY}/0",
        "CELERY_BROKER_READ_URL": f"redis://{NOBODY}/0",
        "CELERY_BROKER_WRITE_URL": f"redis://{NOBODY}/0",
        "CELERY_LOADER": "nowhere",
        "CELERY_CONFIG_MODULE": "nowhere",
        "CELERY_WORKER_QUEUES": "another",
        "BROKER_URL": f"redis://{NOBODY}/0",
        "CONFIG_MODULE": "nowhere",
        "GUNICORN_CMD_ARGS": f"--bind {NOBODY} --workers 3",
        "WEB_CONCURRENCY": "3",
        "FORWARDED_ALLOW_IPS": "*",
        "SENDFILE": "maybe",
        "FLASK_DEBUG": "1",
        "FLASK_APP": "nowhere",
        "FLASK_SECRET_KEY": "public",
        "REDIS_ADDR": f"redis://{NOBODY}",
        "REDIS_PASSWORD": "another",
        "TF_CONFIG": "{",
        "TF_CPP_MIN_LOG_LEVEL": "many",
        "KERAS_BACKEND": "nowhere",
        "OMP_NUM_THREADS": "many",
        "LD_PRELOAD": str(folder / "none.so"),
        "SUPERVISOR_SERVER_URL": f"http://{NOBODY}",
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "counted"),
        "API_URL": f"http://{NOBODY}",
        "API_KEY": "another",
        "SECRET_KEY": "public",
        "LC_ALL": "xx_XX",
        "TMPDIR": str(folder / "none"),
    }
