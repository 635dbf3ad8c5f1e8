"""The same in LitServe.

    python -m tests.bench.peers.lit_server PORT

Written as lightning.ai/docs/litserve/api-reference/litapi shows: `setup` loads the model,
`decode_request` turns the request into its input, `predict` runs it. PEER_WORKERS is
`workers_per_device`, for each of which LitServe starts an HTTP server too. Requests are not
batched: the exported network takes one image at a time.
"""

import os
import sys
from typing import Any

import litserve
import numpy as np
from starlette.requests import Request

from model.reading.xray import XrayImage, model_input
from tests.bench.peers.work import Judge, Task, read_film


class Xrays(litserve.LitAPI):
    """One network in each worker."""

    def setup(self, device: str) -> None:
        """Load the network."""
        self.judge = Judge(Task.from_environment())

    def decode_request(self, request: Request) -> tuple[str, XrayImage, np.ndarray]:
        """`POST /predict` with the multipart field `xray`.

        What comes is the form of the request; LitServe reads the annotation as its own Request.
        """
        data = request["xray"].file.read()
        name = self.judge.keeper.accept(data) if self.judge.keeper else ""
        film = read_film(data)
        return name, film, model_input(film, self.judge.artifact.input_side)

    def predict(self, decoded: tuple[str, XrayImage, np.ndarray]) -> dict[str, Any]:
        """Run the network."""
        name, film, image = decoded
        output = self.judge.infer(image)
        if self.judge.keeper:
            self.judge.keeper.keep_preview(name, film)
        return self.judge.answer(output)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        """The answer as it is."""
        return output


if __name__ == "__main__":
    server = litserve.LitServer(
        Xrays(), accelerator="cpu", workers_per_device=int(os.environ["PEER_WORKERS"]), timeout=60
    )
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning"
    )
