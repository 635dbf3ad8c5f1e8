"""How numbers stand in running text: with their unit on one line, in every page and language."""

import re

from flask import Response

UNITS = "%|mm|cm|px|MB|GB|KB|s|ms|min|h|d"
"""Those that the pages use."""

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

# Not inside a tag: what is in an attribute may be what a person typed.
_TEXT = r"(?![^<>]*>)"
_PARTED = re.compile(
    rf"(?<=\d)\s+(?=(?:{UNITS})(?![\w-]){_TEXT})|(?<=&[lg]t;)\s+(?=\d{_TEXT})", re.ASCII
)


def keep_units(html: str) -> str:
    """The page with a no-break space between each number and its unit."""
    return _PARTED.sub(NO_BREAK_SPACE, html)


def keep_units_of_page(response: Response) -> Response:
    """The same for an answer, if it is a page or a part of one."""
    if response.mimetype == "text/html" and not response.is_streamed:
        response.set_data(keep_units(response.get_data(as_text=True)))
    return response
