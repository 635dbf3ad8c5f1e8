"""What a finding is worth where it was made, in words: the same as on the page."""

from pneumonia_api.report.gathering import LocalWorth
from pneumonia_api.report.sections import Section
from pneumonia_api.report.speaking import Speaker


def say_worth(say: Speaker, local: LocalWorth | None) -> Section:
    """The section; without a known worth, what the probability assumes instead."""
    heading = say("What it is worth here")
    if not local:
        text = (
            "The probability assumes that half of the patients have pneumonia; where fewer do, the "
            "true probability is lower."
        )
        return Section(heading, "", (say(text),))
    worth = local.worth
    low, high = _count(say, worth.low), _count(say, worth.high)
    interval = low if low == high else say("%(low)s to %(high)s", low=low, high=high)
    text = "Of 100 patients here with this result %(ill)s (95 % interval %(interval)s)."
    caveat = (
        "That is at this site's prevalence of %(percent)s %, if the model is as good here as on "
        "the %(patients)s patients of its test. The probability above assumes 50 %."
    )
    lines = (
        say(text, ill=_say_ill(say, worth.share), interval=interval),
        say(caveat, percent=say.number(local.percent), patients=local.patients),
    )
    return Section(heading, "", lines)


def _count(say: Speaker, share: float) -> str:
    """People of 100; never none and never all."""
    people = 100 * share
    if people < 1:
        return say("fewer than 1")
    return say("more than 99") if people > 99 else f"{people:.0f}"


def _say_ill(say: Speaker, share: float) -> str:
    people = 100 * share
    if people < 1:
        return say("fewer than 1 is ill")
    if people > 99:
        return say("more than 99 are ill")
    if round(people) == 1:
        return say("about 1 is ill")
    return say("about %(count)s are ill", count=round(people))
