"""The service that one would write first, as a baseline: Flask and `keras.Model.predict`.

    gunicorn --worker-class gthread --workers 1 --threads 1 tests.bench.peers.keras_view:app

`POST /predict` with the multipart field `xray`. The comparison favours it: the network is loaded
and warmed up once, before the first request.
"""

import math
from typing import Any

import numpy as np
from flask import Flask, request

from model.network.gradcam import build_serving_network
from model.network.graph import load_network
from model.reading.xray import model_input
from model.serving.artifact import WEIGHTS_NAME, read_artifact
from model.serving.density import read_density
from tests.bench.peers.work import Keeper, Output, Task, make_answer, read_film

task = Task.from_environment()
artifact = read_artifact(task.model_dir)
keeper = Keeper(task.keep) if task.keep else None
network = load_network(task.model_dir / WEIGHTS_NAME)
if keeper:
    network = build_serving_network(network, read_density(task.model_dir))
network.predict(np.zeros((1, artifact.input_side, artifact.input_side, 1), np.float32), verbose=0)
app = Flask(__name__)


@app.post("/predict")
def predict() -> dict[str, Any]:
    """Read, predict with Keras, answer."""
    data = request.files["xray"].read()
    name = keeper.accept(data) if keeper else ""
    film = read_film(data)
    found = network.predict(model_input(film, artifact.input_side)[None], verbose=0)
    if keeper:
        keeper.keep_preview(name, film)
        output = Output(float(found["logit"][0, 0]), found["heatmap"][0])
    else:
        probability = min(max(float(found[0, 0]), 1e-7), 1 - 1e-7)
        output = Output(math.log(probability / (1 - probability)), None)
    return make_answer(artifact, output)
