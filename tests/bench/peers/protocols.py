"""How an X-ray is sent to a service and its probability is read: a form, or Triton's tensors."""

import json
import struct
from typing import Any

from tests.bench.clients import Machine, encode_upload

FORM = "form"
TRITON = "triton"


def encode_tensor(data: bytes) -> tuple[bytes, dict[str, str]]:
    """Body and headers of one call of Triton's model `xrays`, with the bytes as they are.

    The binary tensor data extension of the Open Inference Protocol: a JSON header, then the tensor,
    whose one element carries its length in front.
    """
    element = struct.pack("<I", len(data)) + data
    tensor = {
        "name": "xray",
        "shape": [1],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(element)},
    }
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(head)),
    }
    return head + element, headers


ENCODERS = {FORM: encode_upload, TRITON: encode_tensor}


def open_machine(port: int, path: str, key: str, protocol: str) -> Machine:
    """One client."""
    return Machine(port, path, key, ENCODERS[protocol])


def read_probability(answer: dict[str, Any]) -> float | None:
    """The probability in a peer's answer or in a record of the API; None where there is none."""
    if "outputs" in answer:
        answer = {output["name"]: output["data"][0] for output in answer["outputs"]}
    prediction = answer.get("prediction") or answer
    value = prediction.get("probability")
    return value if isinstance(value, float | int) else None
