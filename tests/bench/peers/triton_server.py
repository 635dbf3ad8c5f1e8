"""The same in Triton Inference Server, through PyTriton, whose wheel carries the server.

    python -m tests.bench.peers.triton_server PORT

Written as triton-inference-server.github.io/pytriton/latest/binding_models/ shows. Triton's own
OpenVINO backend is not in the wheel, so the model is a Python callable; PEER_WORKERS instances of
it serve at a time.
"""

import os
import sys

import numpy as np
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

from tests.bench.peers.work import Judge, Task

Arrays = dict[str, np.ndarray]


class Xrays:
    """One instance of the model."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def __call__(self, requests: list[Arrays]) -> list[Arrays]:
        """The bytes of one X-ray each -> probability, and the heat map in a full peer."""
        answers = [self._judge.judge(request["xray"].item()) for request in requests]
        return [
            {
                "probability": np.array([answer["probability"]], np.float64),
                "heatmap": np.array(answer.get("heatmap", [[0.0]]), np.float32),
            }
            for answer in answers
        ]


def main(port: int) -> None:
    """Serve until SIGTERM."""
    judge = Judge(Task.from_environment())
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=port,
        grpc_port=port + 1,
        metrics_port=port + 2,
        allow_grpc=False,
        allow_metrics=False,
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="xrays",
            infer_func=[Xrays(judge) for _ in range(int(os.environ["PEER_WORKERS"]))],
            inputs=[Tensor(name="xray", dtype=bytes, shape=(1,))],
            outputs=[
                Tensor(name="probability", dtype=np.float64, shape=(1,)),
                Tensor(name="heatmap", dtype=np.float32, shape=(-1, -1)),
            ],
            config=ModelConfig(batching=False),
        )
        triton.serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
