"""Flask with OpenVINO in the view: what one writes who wants it short and fast.

    gunicorn --worker-class gthread --workers 1 --threads 4 tests.bench.peers.openvino_view:app

`POST /predict` with the multipart field `xray`.
"""

from typing import Any

from flask import Flask, request

from tests.bench.peers.work import Judge, Task

judge = Judge(Task.from_environment())
app = Flask(__name__)


@app.post("/predict")
def predict() -> dict[str, Any]:
    """Read, predict, answer."""
    return judge.judge(request.files["xray"].read())
