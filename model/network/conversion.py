"""Convert a Keras network for serving: its OpenVINO export and its golden answers."""

import fcntl
from pathlib import Path

import keras
import numpy as np
import openvino
from keras import ops
from PIL import Image

from model.network.gradcam import build_serving_network
from model.network.graph import load_network
from model.reading.xray import XrayImage, model_input
from model.serving.artifact import WEIGHTS_NAME, read_artifact
from model.serving.density import read_density
from model.serving.durable import install_folder, make_scratch
from model.serving.export import GRAPH_NAME, is_whole, write_export_manifest
from model.serving.golden import Golden, list_images, write_golden


def export_network(artifact_folder: Path, out: Path) -> Path:
    """Export an artifact as OpenVINO IR to `out`/VERSION; return that folder.

    A complete export is left as it is; an incomplete one, such as one without a manifest by an
    earlier release, is replaced. Raises ArtifactError.
    """
    artifact = read_artifact(artifact_folder)
    target, side = out / artifact.version, artifact.input_side
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be exporting the same version
        if is_whole(artifact, artifact_folder, out):
            return target
        serving = build_serving_network(
            load_network(artifact_folder / WEIGHTS_NAME), read_density(artifact_folder)
        )
        with make_scratch(out) as scratch:
            converted = convert_network(serving, [1, side, side, 1], Path(scratch, "saved"))
            folder = Path(scratch, "ir")
            openvino.save_model(converted, folder / GRAPH_NAME, compress_to_fp16=False)
            write_export_manifest(folder, artifact.version)
            install_folder(folder, target)
    return target


def convert_network(network: keras.Model, shape: list[int], scratch: Path) -> openvino.Model:
    """The network in OpenVINO for inputs of `shape`, -1 for any number of images.

    Its outputs are named by the keys of those of `network`. `scratch` is a new folder, which is
    needed while the result is.
    """
    network.export(str(scratch), format="tf_saved_model", verbose=False)
    return openvino.convert_model(str(scratch), input=shape)


def record_golden(serving: keras.Model, out: Path) -> None:
    """Write `golden.npz`: the outputs of `build_serving_network` for the golden X-rays.

    Runs on the CPU, because a GPU may round convolutions to ten bits of mantissa.
    """
    paths, labels = zip(*list_images(), strict=True)
    side = serving.input_shape[1]
    inputs = np.stack([_read_golden_image(path, side) for path in paths])
    with keras.device("cpu:0"):
        answers = serving(inputs.astype(np.float32))
    logits, heatmaps, distances = (
        ops.convert_to_numpy(answers[name]) for name in ("logit", "heatmap", "distance")
    )
    write_golden(out, Golden(inputs, np.array(labels), logits[:, 0], heatmaps, distances))


def _read_golden_image(path: Path, side: int) -> np.ndarray:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    whole = XrayImage(pixels, pixels.shape[1], pixels.shape[0], ())
    return model_input(whole, side).round().astype(np.uint8)
