"""The verdict in plain words, by the rule in docs/decisions/acceptance.md.

It is a rule about intervals, so few films can neither accept nor condemn a model.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pneumonia_api.acceptance.figures import Estimate, Figures
from pneumonia_api.acceptance.stopping import Bet
from pneumonia_api.intervals import Share, Z

MIN_PATIENTS = 50
"""Ill ones and healthy ones each, below which nothing is accepted. Of 50 patients who are all
judged right, the interval of the share begins at 0.93."""

MIN_TO_REFUSE = 20
"""The same, below which no figure condemns the model: three odd films could."""

ALLOWED_LOSS = {"sensitivity": 0.05, "specificity": 0.10}
"""Below the card's figures, where nobody states another bound: a miss costs more."""

HOLDS, FAILS, TOO_FEW = "holds_here", "does_not_hold", "too_few_to_say"
VERDICTS = {HOLDS: "holds here", FAILS: "does not hold", TOO_FEW: "too few to say"}


@dataclass(frozen=True)
class Bounds:
    """Of sensitivity or specificity what is `expected`, and the `least` that is accepted."""

    expected: float
    least: float


@dataclass(frozen=True)
class Verdict:
    """One of VERDICTS, and why, in sentences."""

    name: str
    reasons: list[str]


def derive_bounds(
    card: Mapping[str, Estimate], least: Mapping[str, float | None]
) -> dict[str, Bounds]:
    """Bounds of sensitivity and specificity: what the card, or a site profile, says is expected.

    `least` has what somebody stated in place of ALLOWED_LOSS. Raises ValueError, in a sentence, if
    that is not below it.
    """
    bounds = {}
    for name, loss in ALLOWED_LOSS.items():
        expected = card[name].value
        stated = least.get(name)
        lowest = round(expected - loss, 2) if stated is None else stated
        if not 0 < lowest < expected:
            raise ValueError(
                f"The least {name} must be above 0 and below that of the model card, "
                f"{expected:.3f}."
            )
        bounds[name] = Bounds(expected, lowest)
    return bounds


def decide(
    figures: Figures, bounds: Mapping[str, Bounds], bets: Mapping[str, Bet] | None = None
) -> Verdict:
    """The verdict on sensitivity and specificity, whose bounds are given by name.

    An alarm of the stopping rule (`bets`) condemns nothing, but nothing is accepted during one.
    """
    failed, missing, reached = [], [], []
    for name, share, patients in (
        ("sensitivity", figures.sensitivity, figures.patients_ill),
        ("specificity", figures.specificity, figures.patients_healthy),
    ):
        least = bounds[name].least
        who = "with pneumonia" if name == "sensitivity" else "without pneumonia"
        if share.high is not None and share.high < least and patients >= MIN_TO_REFUSE:
            failed.append(f"The {name} is below {least:g}: {say_share(share)}.")
        elif patients < MIN_PATIENTS:
            missing.append(f"Patients {who}: {patients}, of at least {MIN_PATIENTS}.")
        elif share.share is None or share.low is None or share.low < least:
            more = say_more(share.share or 0.0, least, patients)
            missing.append(f"The {name} may be below {least:g}: {say_share(share)}. {more}")
        else:
            reached.append(f"The {name} is at least {least:g}: {say_share(share)}.")
    alarms = [
        f"The stopping rule found the {name} below the expected {bounds[name].expected:.3f} "
        f"after {bet.alarm} read films: look why before more are read."
        for name, bet in (bets or {}).items()
        if bet.alarm
    ]
    if failed:
        return Verdict(FAILS, [*failed, *missing, *alarms])
    if missing or alarms:
        return Verdict(TOO_FEW, [*missing, *alarms])
    return Verdict(HOLDS, reached)


def say_share(share: Share) -> str:
    """A share with its interval and its counts."""
    return f"{share.share:.3f} ({share.low:.3f} to {share.high:.3f}), {share.count} of {share.of}"


def say_more(share: float, least: float, patients: int) -> str:
    """How many more patients would put Wilson's interval above `least`, if the share stays.

    Its lower end is the bound at which the share is Z standard errors of the bound above it.
    """
    if share <= least:
        return "More films help only if the share rises."
    needed = math.ceil(Z**2 * least * (1 - least) / (share - least) ** 2)
    return f"If the share stays, {max(1, needed - patients)} more patients would do."
