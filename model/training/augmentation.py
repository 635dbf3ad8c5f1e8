"""Augmented views of an X-ray, as another scanner, technician or export might have made it.

Whatever distinguishes the classes of the training set without a look at the lungs is varied by more
than it differs between them: frame, aspect ratio, sharpness, noise, exposure, markers, shutters. No
flips: the heart is on the left.
"""

import hashlib
import io
import json
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps


@dataclass(frozen=True)
class Recipe:
    """The parameters of the views, and which of them are hard.

    `class_aspects` are the mean ratios of width to height of normal X-rays and of pneumonias, over
    the 20 + 20 originals of the training set that are available at full size. The set is squashed
    to squares, so pneumonias look narrower by a seventh, which the network learned: squeezing
    normal validation X-rays by a quarter raised their logit by 2.0. `aspect_jitter` is the greatest
    change of the logarithm of that ratio, twice the difference between the classes. `zoom` is the
    least and greatest share of the image that is visible, `turn` the greatest angle in degrees.

    `hard_views` is the repeating pattern of hard training views: with two of three the network was
    worse on unaugmented X-rays, with none it failed on letters and shutters (EXPERIMENTS.md).
    Validation uses one view for each item of `validation_views`, with seeds from `validation_seed`
    on, which training never uses.
    """

    markers: tuple[str, ...] = (
        *("R", "R", "R", "L", "L", "A-P", "AP", "PA", "P-A"),
        *("SUPINE", "ERECT", "PORTABLE"),
    )
    class_aspects: tuple[float, float] = (1.27, 1.45)
    zoom: tuple[float, float] = (0.68, 1.0)
    aspect_jitter: float = 0.3
    turn: float = 10.0
    hard_views: tuple[bool, ...] = (False, False, True)
    validation_views: tuple[bool, ...] = (True, False)
    validation_seed: int = 1020


RECIPE = Recipe()


def digest_recipe(recipe: Recipe) -> str:
    """SHA-256 of every field and of some views that the current code makes.

    The views cover the constants in the functions below; comments do not change the digest.
    """
    image = np.random.default_rng(0).integers(0, 256, (48, 48, 1), np.uint8)
    digest = hashlib.sha256(json.dumps(asdict(recipe), sort_keys=True).encode())
    for seed in range(32):
        view = augment(image, np.random.default_rng(seed), seed % 2 == 0, seed % 3 % 2, recipe)
        digest.update(view.tobytes())
    return digest.hexdigest()


def augment(
    image: np.ndarray,
    random: np.random.Generator,
    hard: bool,
    label: int | None = None,
    recipe: Recipe = RECIPE,
) -> np.ndarray:
    """One random view of a square (S, S, 1) uint8 image.

    With a `label` (0 or 1) the mean aspect ratio of its class is undone, so that training cannot
    learn it; without, the image keeps it. A `hard` view sometimes hides a rectangle, so that no
    single spot decides, and has letters at the edge and shutters.
    """
    view = _reframe(Image.fromarray(image[..., 0]), random, label, recipe)
    for _ in range(random.choice(3, p=(0.4, 0.4, 0.2)) if hard else 0):
        stamp_marker(view, random, recipe.markers)
    values = _rescan(view, random)
    if hard:
        values = _cover(values, random)
    return values[..., None]


def augment_all(images: np.ndarray, seed: int, hard: bool) -> np.ndarray:
    """One view of each of (N, S, S, 1) uint8 images, without labels; the same for the same seed."""
    random = np.random.default_rng(seed)
    return np.stack([augment(image, random, hard) for image in images])


def stamp_marker(view: Image.Image, random: np.random.Generator, markers: tuple[str, ...]) -> None:
    """Draw lead letters near an edge of `view`, as a technician puts them on the cassette."""
    letters = random.choice(markers)
    font = ImageFont.load_default(size=float(random.uniform(9, 34)))
    along, across = random.uniform(0, view.width), random.uniform(0, 0.2 * view.width)
    if random.random() < 0.5:
        across = view.width - across
    at = (along, across) if random.random() < 0.5 else (across, along)
    grey = int(random.integers(150, 256))
    ImageDraw.Draw(view).text(at, letters, fill=grey, font=font, anchor="mm")


def _reframe(
    view: Image.Image, random: np.random.Generator, label: int | None, recipe: Recipe
) -> Image.Image:
    """Crop, scale x and y independently, and rotate."""
    side = view.width
    zoom = np.exp(random.uniform(*np.log(recipe.zoom)))
    aspect = random.uniform(-recipe.aspect_jitter, recipe.aspect_jitter)
    if label is not None:
        aspects = np.log(recipe.class_aspects)
        aspect += aspects.mean() - aspects[label]
    # Shares of the image that the view shows; it is black beyond the edge.
    scale_x, scale_y = (min(zoom * np.exp(sign * aspect / 2), 1.1) for sign in (1, -1))
    centre_x = side / 2 + random.uniform(-0.5, 0.5) * abs(1 - scale_x) * side
    centre_y = side / 2 + random.uniform(-0.5, 0.5) * abs(1 - scale_y) * side
    angle = np.deg2rad(random.uniform(-recipe.turn, recipe.turn))
    cos, sin = np.cos(angle), np.sin(angle)
    # Output pixel -> input pixel: rotate about the centre, then scale each axis into the crop.
    a, b = scale_x * cos, -scale_x * sin
    d, e = scale_y * sin, scale_y * cos
    matrix = (a, b, centre_x - (a + b) * side / 2, d, e, centre_y - (d + e) * side / 2)
    return view.transform(view.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _rescan(view: Image.Image, random: np.random.Generator) -> np.ndarray:
    """Sharpness, exposure, noise and compression of another scanner and export; (S, S) uint8.

    Half of the views have only blur, window, gamma and fine noise: with all changes in every view,
    accuracy on unaugmented X-rays was lower.
    """
    far = random.random() < 0.5
    if far and random.random() < 0.3:
        sharpening = int(random.uniform(30, 150))
        view = view.filter(ImageFilter.UnsharpMask(random.uniform(0.7, 3), sharpening, 0))
    elif random.random() < 0.4:
        view = view.filter(ImageFilter.GaussianBlur(random.uniform(0.2, 1.5)))
    if far and random.random() < 0.2:
        view = Image.blend(view, ImageOps.equalize(view), random.uniform(0.3, 1.0))
    values = _window(np.asarray(view, np.float32), random)
    if far:
        values = _expose(values, random)
    if random.random() < 0.7:
        coarse = far and random.random() < 0.5
        values += random.uniform(0, 9) * _make_noise(view.width, coarse, random)
    scan = np.clip(values.round(), 0, 255).astype(np.uint8)
    if far and random.random() < 0.4:
        buffer = io.BytesIO()
        Image.fromarray(scan).save(buffer, "JPEG", quality=int(random.uniform(25, 90)))
        scan = np.asarray(Image.open(buffer))
    return scan


def _window(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A percentile window and gamma e^(-0.5..0.5); (S, S) float32, 0 to 255."""
    low, high = np.percentile(values, (random.uniform(0, 3), random.uniform(97, 100)))
    values = np.clip((values - low) / max(high - low, 1), 0, 1)
    return 255 * values ** np.exp(random.uniform(-0.5, 0.5))


def _expose(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A film curve, uneven exposure, and greys that do not reach black and white; 0 to 255."""
    values = values / 255
    if random.random() < 0.3:
        steepness = random.uniform(2, 8)
        toe, values, shoulder = (
            1 / (1 + np.exp(-steepness * (level - 0.5))) for level in (0.0, values, 1.0)
        )
        values = (values - toe) / (shoulder - toe)
    if random.random() < 0.3:
        y, x = np.mgrid[-1 : 1 : values.shape[0] * 1j, -1 : 1 : values.shape[1] * 1j]
        across, along, outwards = random.uniform(-0.25, 0.25, 3)
        values = values * (1 + across * x + along * y + outwards * (x * x + y * y - 2 / 3))
    black, white = 0.0, 255.0
    if random.random() < 0.5:
        black, white = random.uniform(0, 50), random.uniform(200, 255)
    return black + np.clip(values, 0, 1) * (white - black)


def _make_noise(side: int, coarse: bool, random: np.random.Generator) -> np.ndarray:
    """Noise (S, S) of variance 1, independent for each pixel or in grains of two."""
    noise = random.normal(0, 1, (side, side)).astype(np.float32)
    if coarse:
        grains = Image.fromarray(noise).resize((side // 2, side // 2), Image.Resampling.BILINEAR)
        noise = np.asarray(grains.resize((side, side), Image.Resampling.BICUBIC))
    return noise / noise.std()


def _cover(scan: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Sometimes hide a rectangle, sometimes add collimator shutters."""
    side = scan.shape[0]
    scan = scan.copy()
    if random.random() < 0.4:
        height, width = random.integers(side // 10, side // 3, 2)
        top, left = random.integers(0, side - height), random.integers(0, side - width)
        scan[top : top + height, left : left + width] = random.integers(0, 256)
    if random.random() < 0.8:
        # Black on most detectors, grey on others.
        shade = 0 if random.random() < 0.6 else random.integers(0, 256)
        top, bottom, left, right = random.integers(0, side // 5, 4)
        inside = np.zeros_like(scan, bool)
        inside[top : side - bottom, left : side - right] = True
        scan = np.where(inside, scan, shade).astype(np.uint8)
    return scan
