"""Run one part of the service with the time of some of its calls written down.

    python tests/bench/tracing.py FILE MODULE ARGUMENT ...

Runs `python -m MODULE ARGUMENT ...`. FILE gets a line for each of the CALLS that the part makes:
name, begin and end in nanoseconds of CLOCK_MONOTONIC, which is the same for all processes.
"""

import functools
import importlib
import os
import runpy
import sys
import time
from collections.abc import Callable
from typing import Any

CALLS = {
    "gunicorn": (
        "webserver.worker:PatientWorker.handle",
        "pneumonia_api.views:accept",
        "pneumonia_api.records.xrays:XrayStore.find_same",
        "pneumonia_api.records.admission:Admission.check",
        "pneumonia_api.records.images:ImageStore.keep",
        "pneumonia_api.records.xrays:XrayStore.wait_finished",
    ),
    "celery": (
        "kombu.transport.redis:Channel._brpop_read",
        "kombu.transport.redis:QoS.append",
        "kombu.transport.redis:QoS.ack",
        "pneumonia_api.worker.predict_xray:PredictXray.run",
        "pneumonia_api.records.deliveries:Deliveries._begin",
        "pneumonia_api.records.deliveries:Deliveries._release",
        "pneumonia_api.records.images:ImageStore.read_incoming",
        "pneumonia_api.records.images:ImageStore.delete_incoming",
        "model.serving.predictor:Predictor.judge",
        "model.serving.predictor:Predictor.predict",
        "pneumonia_api.records.images:ImageStore.write_preview",
        "pneumonia_api.records.xrays:XrayStore.finish",
    ),
}
"""MODULE:QUALIFIED.NAME by the module that runs the part. One that a checkout lacks is left out."""


def trace(call: Callable[..., Any], name: str, file: str) -> Callable[..., Any]:
    """`call`, with a line in `file` for each time."""
    out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @functools.wraps(call)
    def traced(*arguments: Any, **options: Any) -> Any:
        begin = time.monotonic_ns()
        try:
            return call(*arguments, **options)
        finally:
            os.write(out, f"{name} {begin} {time.monotonic_ns()}\n".encode())

    return traced


def main(file: str, module: str, *arguments: str) -> None:
    """Wrap the calls, then run the module as `python -m` would."""
    for call in CALLS[module]:
        where, _, name = call.partition(":")
        holder: Any = importlib.import_module(where)
        *classes, attribute = name.split(".")
        for each in classes:
            holder = getattr(holder, each, None)
        if found := getattr(holder, attribute, None):
            setattr(holder, attribute, trace(found, name, file))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    sys.path[0] = ""  # as `python -m` has it, not the folder of this file
    main(*sys.argv[1:])
