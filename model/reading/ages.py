"""The ages for which a model is valid, and what an X-ray's file says about the patient's age.

Only one of AGES leaves the decoder, never an age or a date.
"""

from dataclasses import dataclass
from typing import Literal, get_args

OLDEST = 120
"""Years; a file that gives more is wrong. De-identified files often have 1900 as year of birth."""

Age = Literal["within", "under", "above", "contradictory", "implausible", "unknown"]
AGES: tuple[Age, ...] = get_args(Age)
"""What a file says. `contradictory`: its age and its dates do not agree on which side of the band
the patient is. `implausible`: a date or an age cannot be right, and nothing places the patient
outside the band. `unknown`: the file does not give an age, or the model has no band."""

OUT_OF_SCOPE = frozenset[Age]({"under", "above", "contradictory"})
"""The patient is outside the band, or may well be."""


@dataclass(frozen=True)
class AgeBand:
    """Completed years of age, both included: 1 to 5 ends on the day before the sixth birthday."""

    youngest: int
    oldest: int

    def place(self, first: float, end: float) -> Age:
        """Where a patient is whose age is at least `first` and below `end` months.

        An age that is only partly within the band counts as outside.
        """
        if first < 12 * self.youngest:
            return "under"
        return "within" if end <= 12 * (self.oldest + 1) else "above"

    @property
    def is_possible(self) -> bool:
        """Whether there are patients of these ages."""
        return 0 <= self.youngest <= self.oldest <= OLDEST


def age_band(text: str) -> AgeBand:
    """An option's value, such as 1-5. Raises ValueError."""
    youngest, _, oldest = text.partition("-")
    band = AgeBand(int(youngest), int(oldest))
    if not band.is_possible:
        raise ValueError(text)
    return band
