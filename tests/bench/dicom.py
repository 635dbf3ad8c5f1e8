"""Objects a second: C-STORE in one association against uploads by HTTP, to the same API.

    python -m tests.bench.dicom [--objects 500]

No worker runs: what is measured is how fast objects are accepted durably. One sender each time.
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import requests

from tests.model.reading.dicom_objects import build, save
from tests.pneumonia_api.node.running import TITLE, running_node
from tests.pneumonia_api.redis_server import running_redis
from tests.service import running_service
from tests.stack import free_ports

SIDE = 256
KEYS = {"API_KEY": "bench", "DICOM_KEY": "key-of-the-node"}


def write_films(folder: Path, count: int) -> list[Path]:
    """So many small films, each another one."""
    folder.mkdir()
    grey = np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE)
    files = []
    for number in range(count):
        files.append(folder / f"{number:04}.dcm")
        files[-1].write_bytes(save(build(np.roll(grey, number))))
    return files


def measure(count: int) -> dict[str, float]:
    """Objects a second, by way."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_ports()["API_PORT"]
        files = {way: write_films(folder / way, count) for way in ("c-store", "http")}
        with running_redis(free_ports()["REDIS_PORT"], folder) as url:
            images = (folder / "images").as_uri()
            settings = {**KEYS, "REDIS_URL": url, "IMAGE_STORE": images, "MAX_QUEUED": "100000"}
            address = f"http://127.0.0.1:{port}"
            with (
                running_service("pneumonia_api", port, folder, settings),
                running_node(folder, address) as node,
            ):
                started = time.perf_counter()
                target = ("127.0.0.1", str(node.port))
                titles = ("-aet", "PACS", "-aec", TITLE)
                subprocess.run(
                    ["storescu", *titles, *target, "+sd", str(folder / "c-store")], check=True
                )
                stored = time.perf_counter()
                with requests.Session() as session:
                    session.headers["Authorization"] = f"Bearer {KEYS['API_KEY']}"
                    for file in files["http"]:
                        sent = {"xray": file.read_bytes()}
                        session.post(f"{address}/v1/xrays", files=sent).raise_for_status()
                ended = time.perf_counter()
    return {"c-store": count / (stored - started), "http": count / (ended - stored)}


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.dicom")
    parser.add_argument("--objects", type=int, default=500)
    for way, rate in measure(parser.parse_args().objects).items():
        print(f"{way:8} {rate:6.0f} objects/s")


if __name__ == "__main__":
    main()
