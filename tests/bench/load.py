"""Many uploads at once, by several clients in one process next to the service.

    python -m tests.bench.load API_PORT API_KEY_FILE IMAGES

Answers `{"start": 0, "count": 500, "threads": 8, "wait": 30}` with the ids, the statuses, the
time of the first upload and of the last answer (CLOCK_MONOTONIC, the same for all processes), and
the processor time that the clients took from the service.
"""

import sys
import time
from collections import Counter
from itertools import count as counter
from pathlib import Path
from threading import Thread
from typing import Any

from tests.bench.clients import Machine
from tests.bench.images import Images
from tests.bench.sides import serve


def main(port: int, key_file: Path, folder: Path) -> None:
    """Upload on request."""
    images = Images(folder)
    key = key_file.read_text()

    def run(start: int, count: int, threads: int, wait: int) -> dict[str, Any]:
        numbers = counter(start)  # `next` on it is atomic
        path = f"/v1/xrays?wait={wait}"
        ids: list[str] = []
        answers: list[str] = []

        def upload_all() -> None:
            with Machine(port, path, key) as machine:
                while (number := next(numbers)) < start + count:
                    _, status, record = machine.upload(images.read(number))
                    ids.append(record.get("id", ""))
                    answers.append(f"{status} {record.get('status', record.get('error'))}")

        clients = [Thread(target=upload_all) for _ in range(threads)]
        before, started = time.process_time(), time.monotonic()
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        return {
            "ids": ids,
            "answers": Counter(answers),
            "started": started,
            "ended": time.monotonic(),
            "cpu": time.process_time() - before,
        }

    serve(run)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
