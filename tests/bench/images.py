"""The X-rays that the bench sends: real, 1,500 px on the longer side, no two of the same bytes."""

import io
from pathlib import Path

from PIL import Image

LONGER_SIDE = 1500
"""In pixels: the size of a radiograph after the usual export."""


class Images:
    """A folder of JPEG files, and any number of uploads made from them.

    Upload `number` is file number % len(files) with the number in a JPEG comment: other bytes, the
    same picture and the same work, so that the service cannot answer from an earlier upload.
    """

    def __init__(self, folder: Path) -> None:
        files = sorted(file for file in folder.iterdir() if file.suffix in (".jpg", ".jpeg"))
        self._files = [file.read_bytes() for file in files]
        if not self._files:
            raise FileNotFoundError(f"{folder} holds no JPEG; see make_images")

    def __len__(self) -> int:
        return len(self._files)

    def read(self, number: int) -> bytes:
        """The bytes of one upload."""
        data = self._files[number % len(self._files)]
        text = f"{number:012d}".encode()
        # SOI, then a COM segment (ITU-T T.81, B.2.4.5), whose length counts its own two bytes.
        return data[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + data[2:]


def make_images(samples: Path, folder: Path) -> None:
    """Write the samples at LONGER_SIDE into `folder`, as grey JPEG of quality 90."""
    for file in sorted(samples.glob("*.jpeg")):
        with Image.open(file) as image:
            grey = image.convert("L")
        scale = LONGER_SIDE / max(grey.size)
        size = (round(grey.width * scale), round(grey.height * scale))
        buffer = io.BytesIO()
        grey.resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
        (folder / file.with_suffix(".jpg").name).write_bytes(buffer.getvalue())
