"""How numbers stand in running text: with their unit on one line, in every page and language."""

import re

from flask import Response

UNITS = "%|mm|cm|px|MB|GB|KB|s|ms|min|h|d"
"""Those that the pages use."""

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

_TAG = re.compile(r"(<[^>]*>)")
_PARTED = re.compile(rf"(?<=\d)\s+(?=(?:{UNITS})(?![\w-]))|(?<=&[lg]t;)\s+(?=\d)", re.ASCII)


def keep_units(html: str) -> str:
    """The page with a no-break space between each number and its unit, in texts alone.

    What is in the attribute of a tag may be what a person typed.
    """
    parts = _TAG.split(html)
    parts[::2] = [_PARTED.sub(NO_BREAK_SPACE, text) for text in parts[::2]]
    return "".join(parts)


def keep_units_of_page(response: Response) -> Response:
    """The same for an answer, if it is a page or a part of one."""
    if response.mimetype == "text/html" and not response.is_streamed:
        response.set_data(keep_units(response.get_data(as_text=True)))
    return response
