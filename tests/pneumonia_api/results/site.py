"""A site whose results go to a PACS: its parts run for real, and the PACS can be made to refuse."""

import os
import shlex
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import redis
from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.events import Event
from pynetdicom.presentation import StoragePresentationContexts

from local.parts import read_command
from pneumonia_api.records.desk import Desk
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.outbox import Outbox
from pneumonia_api.records.publishing import create_queue
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.reviews import Reviews
from pneumonia_api.records.transmission import TransmissionRecord
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.worker.reporting import DrawingOffice
from tests.pneumonia_api.report.read_xrays import film, make_read
from tests.stack import ROOT, free_ports

WAIT_SECONDS = 40


@dataclass
class Pacs:
    """A PACS that answers with `status`, and what it stored, by SOP Instance UID."""

    port: int
    title: str = "PACS"
    status: int = 0
    tls: ssl.SSLContext | None = None
    stored: dict[str, Dataset] = field(default_factory=dict)
    received: int = 0

    def store(self, event: Event) -> int:
        """Store an object, as every PACS does: the same UID is the same object."""
        self.received += 1
        if not self.status:
            self.stored[str(event.dataset.SOPInstanceUID)] = event.dataset
        return self.status

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listen."""
        entity = AE(self.title)
        entity.require_called_aet = True
        for context in StoragePresentationContexts:
            syntaxes = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50"]
            entity.add_supported_context(str(context.abstract_syntax), syntaxes)
        entity.start_server(
            ("127.0.0.1", self.port),
            block=False,
            evt_handlers=[(evt.EVT_C_STORE, self.store)],
            ssl_context=self.tls,
        )
        try:
            yield
        finally:
            entity.shutdown()


class Site:
    """Records, images and readings; and the worker's desk, which draws."""

    def __init__(self, client: redis.Redis, url: str, folder: Path) -> None:
        self.client = client
        self.folder = folder
        self._url = url
        self.images = ImageStore(folder.as_uri())
        self.xrays = XrayStore(client)
        self.reviews = Reviews(client, Outbox(client, create_queue()))

    def judge(self, source: str = "dicom:PACS") -> XrayRecord:
        """An X-ray that was judged, and that nobody has read."""
        xray = replace(make_read(), readings=(), review=None, source=source)
        self.xrays.add(xray)
        self.images.write_preview(xray.id, film())
        return xray

    def read(self, xray: XrayRecord, label: str = "pneumonia", reader: str = "ann") -> XrayRecord:
        """Read it."""
        at = datetime.now(UTC)
        return self.reviews.put(xray.id, label=label, note="", reader=reader, at=at)

    def state(self, xray: XrayRecord) -> TransmissionRecord | None:
        """Its result's state now."""
        return self.xrays.get(xray.id).transmission

    def wait_for(self, xray: XrayRecord, status: str, answer: str | None = None) -> None:
        """Until its result has this state."""
        wait(lambda: (s := self.state(xray)) and (s.status, s.answer) == (status, answer))

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """A worker's desk."""
        ended = threading.Event()
        desk, office = Desk(self.client), DrawingOffice(self.client, self.images)

        def serve() -> None:
            while not ended.is_set():
                desk.serve(office.draw)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    @contextmanager
    def sending(self, port: int, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """What sends results, by its deployed command, with the pauses of a test."""
        unit = ROOT / "pneumonia_api" / "pneumonia-results.service"
        deployed = read_command(unit, {"python": sys.executable})
        hasty = "tests.pneumonia_api.results.hasty_sender"
        command = shlex.split(deployed.replace("pneumonia_api.results.tasks", hasty))
        environment = {
            **os.environ,
            "REDIS_URL": self._url,
            "DICOM_RESULTS_TO": f"PACS@127.0.0.1:{port}",
            "DICOM_RESULTS_METRICS_PORT": str(free_ports(["port"])["port"]),
            "DICOM_TIMEOUT": "5",
            "VAR_DIR": str(self.folder / "var"),
            **settings,
        }
        with (self.folder / "results.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, "--hostname", f"results{os.urandom(4).hex()}@%h"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)


def wait(what: Callable[[], object]) -> None:
    """Until it is true."""
    end = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
