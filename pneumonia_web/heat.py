"""The heat map in words, for everybody and for screen readers."""

from collections.abc import Sequence

from pneumonia_web.language import N_, gettext, translate

_MIDLINE = 0.06
"""Share of the width on either side of the middle that belongs to neither lung."""

_ZONES = {
    "right": (N_("right upper zone"), N_("right middle zone"), N_("right lower zone")),
    "midline": (N_("midline, upper zone"), N_("midline, middle zone"), N_("midline, lower zone")),
    "left": (N_("left upper zone"), N_("left middle zone"), N_("left lower zone")),
}


def say_strongest(rows: Sequence[Sequence[float]]) -> str:
    """Where the strongest cell of a heat map is, such as "right lower zone".

    `rows` are of equal length, from 0 to 1, the top of the film first. The film hangs as usual, so
    the patient's right is at the image's left; a zone is a third of the film's height.
    """
    strongest = max(map(max, rows))
    if strongest <= 0:
        return gettext("nowhere: no area increased the score")
    row = next(number for number, cells in enumerate(rows) if strongest in cells)
    column = list(rows[row]).index(strongest)
    zone = min(int(3 * (row + 0.5) / len(rows)), 2)
    across = (column + 0.5) / len(rows[row]) - 0.5
    side = "midline" if abs(across) < _MIDLINE else "right" if across < 0 else "left"
    return translate(_ZONES[side][zone])
