"""What printers, exports and viewers add around a film: (height, width) uint8 in, larger out."""

import io

import numpy as np
from PIL import Image, ImageDraw

BLACK, GREY, WHITE = 0, 128, 255


def pad_to_square(film: np.ndarray, level: int) -> np.ndarray:
    """The film centred in a square."""
    height, width = film.shape
    side = max(height, width)
    square = np.full((side, side), level, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = film
    return square


def add_border(film: np.ndarray, level: int, *shares: float) -> np.ndarray:
    """Borders above, below, left and right, as shares of the film's height or width."""
    sides = (*film.shape[:1] * 2, *film.shape[1:] * 2)
    above, below, left, right = (
        round(share * side) for share, side in zip(shares, sides, strict=True)
    )
    return np.pad(film, ((above, below), (left, right)), constant_values=level)


def write_text(picture: np.ndarray, at: tuple[int, int], text: str, level: int) -> np.ndarray:
    """Letters burned into a border; `at` is (x, y)."""
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).text(at, text, fill=level, font_size=14)
    return np.asarray(image)


def as_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """With the ringing of JPEG compression at edges."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def show_in_viewer(
    film: np.ndarray,
    size: tuple[int, int] = (1280, 800),
    bar: int = 48,
    panel: int = 180,
    *,
    at_right: bool = False,
    back: int = BLACK,
    thumbnails: bool = False,
    fill: float = 0.93,
) -> np.ndarray:
    """A viewer's window: tool bar with buttons, side panel, text in the corners, and the film.

    `thumbnails` puts small copies of the film in the panel; `fill` is the film's share of the room.
    """
    width, height = size
    window = Image.new("L", size, back)
    draw = ImageDraw.Draw(window)
    left = 0 if at_right else panel
    right = width - panel if at_right else width
    if bar:
        draw.rectangle((0, 0, width, bar), fill=62)
        for x in range(10, width // 2, 60):
            draw.rectangle((x, 8, x + 40, bar - 8), fill=112)
    if panel:
        edge = right if at_right else 0
        draw.rectangle((edge, bar, edge + panel, height), fill=43)
        for y in range(bar + 12, height - 120, 130):
            box = (edge + 12, y, edge + panel - 12, y + 110)
            if thumbnails:
                small = Image.fromarray(film).resize((box[2] - box[0], box[3] - box[1]))
                window.paste(small, box[:2])
            else:
                draw.rectangle(box, fill=90)
    scale = fill * min((right - left) / film.shape[1], (height - bar) / film.shape[0])
    shown = Image.fromarray(film).resize(
        (round(film.shape[1] * scale), round(film.shape[0] * scale)), Image.Resampling.BICUBIC
    )
    corner = ((left + right - shown.width) // 2, (bar + height - shown.height) // 2)
    window.paste(shown, corner)
    bright = 255 if back < 128 else 0
    draw.text((left + 10, bar + 12), "W: 2048 L: 1024\nZoom: 62%", fill=bright)
    draw.text((right - 130, height - 30), "R 1/1", fill=bright)
    return np.asarray(window)
