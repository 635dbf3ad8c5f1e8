"""From which side an X-ray was taken, as far as its file says."""

from typing import Literal, get_args

View = Literal["PA", "AP", "unknown"]
VIEWS: tuple[View, ...] = get_args(View)
"""Posteroanterior, as of a patient who stands; anteroposterior, as of one who lies; or not said."""
