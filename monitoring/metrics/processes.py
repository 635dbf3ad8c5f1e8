"""The processes of one service under gunicorn, counted as one.

prometheus_client keeps each process's numbers in files of a common folder, and whichever process is
scraped adds all of them up. It decides for that when it is imported, by an environment variable: so
gunicorn's configuration calls `use_folder`, and this module does not import it at its top.
"""

import os
from pathlib import Path
from typing import Any

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def use_folder(folder: Path) -> None:
    """Let the processes that gunicorn starts from now on keep their numbers in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[VARIABLE] = str(folder)


def clear_counts(server: Any) -> None:
    """gunicorn's `when_ready`: forget what processes counted before this start.

    The service's port is taken by then, so the files are not those of another one that runs.
    """
    del server
    for file in Path(os.environ[VARIABLE]).glob("*.db"):
        file.unlink()


def forget_process(server: Any, worker: Any) -> None:
    """gunicorn's `child_exit`: what a dead process had in hands is gone, what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - see above

    del server
    mark_process_dead(worker.pid)
