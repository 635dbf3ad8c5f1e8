"""What scores the files of an archive, and by which model and site profile."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumonia_api.batch.intake import File, Intake
from pneumonia_api.batch.outage import retry_through_outage
from pneumonia_api.records.profiles import Active, Profiles

NOT_APPLIED = {"other_model": "is of another model", "broken": "is damaged"}
"""Why what is switched on decides nothing, by its state."""


class CannotScore(RuntimeError):
    """Why the run cannot begin or go on, and what to do, in one sentence."""


@dataclass(frozen=True)
class Engine:
    """What scores the files: `run` yields them in batches once their records are stored.

    `active` says which site profile decides, and `threshold` is its own or the model's; `place` is
    for the summary.
    """

    run: Callable[[Intake, Sequence[Path]], Iterator[list[File]]]
    model_version: str
    active: Active
    threshold: float
    place: str

    @property
    def profile(self) -> str | None:
        """The id of the profile that decides."""
        return self.active.profile.id if self.active.profile else None

    def describe(self) -> str:
        """What decided, and where, in a line."""
        decides = f" with the site profile {self.profile}" if self.profile else ""
        if self.active.state in NOT_APPLIED:
            decides = f" alone, because the site profile {NOT_APPLIED[self.active.state]}"
        return f"model {self.model_version}{decides} on {self.place}"

    def check_profile(self, profiles: Profiles) -> None:
        """Raise CannotScore if a switch has changed what decides: one archive, one judge."""
        now = retry_through_outage(lambda: profiles.find_applied(self.model_version))
        if now != self.profile:
            raise CannotScore(
                "The site profile was switched during this run, which ends here; the same command "
                "scores the whole folder by what is switched on now."
            )
