"""How predictions change under mild changes of an image, as another scanner or export makes."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from model.evaluation.bootstrap import Estimate, estimate
from model.evaluation.scores import Predictions, area_under_roc, rank_metrics
from model.reading.xray import XrayImage, read_xray

Change = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class ChangeScores:
    """Scores of changed images, the change of AUC, and the share of decisions that changed.

    `p95_change` is the 95th percentile of the absolute change of the probability.
    """

    auc_roc: Estimate
    sensitivity: Estimate
    specificity: Estimate
    auc_change: Estimate
    decisions_changed: Estimate
    p95_change: Estimate


def _blur(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(image.width / 224))


def _add_noise(image: Image.Image) -> Image.Image:
    values = np.asarray(image, np.float32)
    noise = np.random.default_rng(0).normal(0, 8, values.shape)
    return Image.fromarray(np.clip(values + noise, 0, 255).round().astype(np.uint8))


def _rotate(image: Image.Image) -> Image.Image:
    return image.rotate(5, Image.Resampling.BICUBIC)


def _crop(share_x: float, share_y: float) -> Change:
    def change(image: Image.Image) -> Image.Image:
        width, height = image.size
        edge_x, edge_y = round(width * (1 - share_x) / 2), round(height * (1 - share_y) / 2)
        return image.crop((edge_x, edge_y, width - edge_x, height - edge_y))

    return change


def _bend(gamma: float) -> Change:
    table = [round(255 * (grey / 255) ** gamma) for grey in range(256)]
    return lambda image: image.point(table)


def _compress(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=60)
    return Image.open(buffer)


def _halve(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.BILINEAR)


def _window(image: Image.Image) -> Image.Image:
    table = [round(255 * min(max((grey - 26) / 204, 0), 1)) for grey in range(256)]
    return image.point(table)


def _pad(xray: XrayImage) -> XrayImage:
    """As a file with a black border of a tenth of each side, which is then read."""
    height, width = xray.pixels.shape
    border = ((height // 10, height // 10), (width // 10, width // 10))
    return _read_again(np.pad(xray.pixels, border))


def _square(xray: XrayImage) -> XrayImage:
    """As a file of a film that is 4 wide and 5 high, in a black square, which is then read."""
    height = xray.pixels.shape[0]
    width = height * 4 // 5
    film = Image.fromarray(xray.pixels).resize((width, height), Image.Resampling.BILINEAR)
    left = (height - width) // 2
    return _read_again(np.pad(np.asarray(film), ((0, 0), (left, height - width - left))))


def _read_again(pixels: np.ndarray) -> XrayImage:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return read_xray(buffer.getvalue())


def _on_pixels(change: Change) -> Callable[[XrayImage], XrayImage]:
    return lambda xray: replace(xray, pixels=np.asarray(change(Image.fromarray(xray.pixels))))


CHANGES: dict[str, Callable[[XrayImage], XrayImage]] = {
    "blurred by one pixel": _on_pixels(_blur),
    "half the resolution": _on_pixels(_halve),
    "noise of 8 grey levels": _on_pixels(_add_noise),
    "JPEG of quality 60": _on_pixels(_compress),
    "turned by 5 degrees": _on_pixels(_rotate),
    "cropped to 90 %": _on_pixels(_crop(0.9, 0.9)),
    "narrower: cropped to 85 % of its height": _on_pixels(_crop(1.0, 0.85)),
    "wider: cropped to 85 % of its width": _on_pixels(_crop(0.85, 1.0)),
    "brighter, gamma 0.8": _on_pixels(_bend(0.8)),
    "darker, gamma 1.25": _on_pixels(_bend(1.25)),
    "window of the middle 80 % of the greys": _on_pixels(_window),
    "black border of a tenth": _pad,
    "in a black square": _square,
}
"""By name, for images of 224 px."""


def compare_predictions(
    unchanged: Predictions, after: np.ndarray, threshold: float, draws: Sequence[np.ndarray]
) -> ChangeScores:
    """Compare the probabilities `after` (N,) a change with those before, on the same draws."""
    labels, before = unchanged.labels, unchanged.probabilities
    metrics = rank_metrics(replace(unchanged, probabilities=after), threshold)
    metrics["auc_change"] = lambda i: (
        area_under_roc(labels[i], after[i]) - area_under_roc(labels[i], before[i])
    )
    decided_otherwise = (before >= threshold) != (after >= threshold)
    metrics["decisions_changed"] = lambda i: decided_otherwise[i].mean()
    metrics["p95_change"] = lambda i: np.quantile(np.abs(after - before)[i], 0.95)
    return ChangeScores(**estimate(metrics, len(labels), draws))
