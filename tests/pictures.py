"""Small valid images."""

import io

from PIL import Image


def picture(kind: str = "JPEG", side: int = 300) -> bytes:
    """A square one."""
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((side, side)).save(buffer, kind)
    return buffer.getvalue()
