"""Multi-process mode of prometheus_client for a service under gunicorn.

Every process keeps its metrics in files in a shared folder, and a scrape of any process returns the
sum: that of a worker that was killed, too, and of two workers during a reload. prometheus_client
enters this mode when it is imported, by an environment variable, so gunicorn's configuration calls
`use_folder`, and this module must not import prometheus_client at its top.
"""

import os
from pathlib import Path
from typing import Any

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def use_folder(folder: Path) -> None:
    """Have the processes that gunicorn starts from now on keep their metrics in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[VARIABLE] = str(folder)


def clear_counts(server: Any) -> None:
    """gunicorn's `when_ready`: delete the metrics of earlier runs.

    By then this run holds the port of the service, so no other run still writes the files.
    """
    del server
    for file in Path(os.environ[VARIABLE]).glob("*.db"):
        file.unlink()


def forget_process(server: Any, worker: Any) -> None:
    """gunicorn's `child_exit`: drop the live gauges of a dead process and keep its counters."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - see above

    del server
    mark_process_dead(worker.pid)
