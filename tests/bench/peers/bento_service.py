"""The same in BentoML.

    bentoml serve tests.bench.peers.bento_service:Xrays --port PORT

Written as docs.bentoml.com/en/latest/build-with-bentoml/services.html and iotypes.html show: a
class for the service, the model loaded in its constructor, a PIL image as the input of the call.
PEER_WORKERS and PEER_WORKER_THREADS are its `workers` and `threads`.
"""

import os
from typing import Any, cast

import bentoml
from PIL.Image import Image
from PIL.ImageFile import ImageFile

from tests.bench.peers.work import Judge, Task


@bentoml.service(
    workers=int(os.environ["PEER_WORKERS"]),
    threads=int(os.environ["PEER_WORKER_THREADS"]),
    traffic={"timeout": 60},
    logging={"access": {"enabled": False}},
)
class Xrays:
    """One network in each worker."""

    def __init__(self) -> None:
        self.judge = Judge(Task.from_environment())

    @bentoml.api
    def predict(self, xray: Image) -> dict[str, Any]:
        """`POST /predict` with the multipart field `xray`; Pillow has not decoded it yet."""
        file = cast(ImageFile, xray).fp
        assert file is not None
        file.seek(0)
        return self.judge.judge(file.read())
