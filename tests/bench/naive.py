"""The service that one would write first, as a baseline: Flask, Keras and nothing else.

    NAIVE_WEIGHTS=model/artifact/pneumonia.keras gunicorn --workers 1 tests.bench.naive:app

`POST /predict` with the multipart field `xray` answers `{"probability": 0.98}`. The comparison
favours it: the network is loaded and warmed up once, before the first request, and there is no
queue, record, preview or heat map.
"""

import os
from pathlib import Path

import numpy as np
from flask import Flask, request
from PIL import Image

from model.network.graph import load_network

SIDE = 224

network = load_network(Path(os.environ["NAIVE_WEIGHTS"]))
network.predict(np.zeros((1, SIDE, SIDE, 1), np.float32), verbose=0)
app = Flask(__name__)


@app.post("/predict")
def predict() -> dict[str, float]:
    """Decode, resize, predict with Keras."""
    with Image.open(request.files["xray"].stream) as image:
        small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    batch = np.asarray(small, np.float32)[None, ..., None]
    return {"probability": float(network.predict(batch, verbose=0)[0, 0])}
