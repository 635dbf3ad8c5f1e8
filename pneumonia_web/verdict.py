"""What the pages say about a judged X-ray, and what they withhold until the reader asks for it.

A missed pneumonia costs more than a second look, so no page ever says that an X-ray is normal. A
result says nothing about a patient of another age, and little about a poor image.
"""

from dataclasses import dataclass, replace

from pneumonia_web.language import N_, gettext, ngettext
from pneumonia_web.records import Scope, Xray

FINDINGS = {
    "pneumonia_likely": N_("Pneumonia likely"),
    "uncertain": N_("Uncertain"),
    "no_pneumonia_detected": N_("No pneumonia detected"),
}

READINGS = {
    "pneumonia": N_("Pneumonia"),
    "normal": N_("No pneumonia"),
    "unsure": N_("Unsure"),
    "withdrawn": N_("Withdrawn"),
}
"""A reader's labels in words."""


@dataclass(frozen=True)
class Verdict:
    """The words for one result.

    `flag` says in short why the result is withheld, `banner` in a sentence; both are None if it is
    not. `reveal` is the button that shows it; where `hidden`, it is not even in the page, because
    the reader answers first. In `silent` weeks it never is, and `hidden` says that they have not
    answered yet. `finding` is one of FINDINGS, or None where the image makes a verdict worthless
    and leaves the bare score. `decision` is what a reader can agree with,
    or None where there is nothing to agree with.
    """

    finding: str | None
    decision: str | None
    age: str
    flag: str | None = None
    banner: str | None = None
    reveal: str | None = None
    hidden: bool = False
    silent: bool = False

    @property
    def has_result(self) -> bool:
        """Whether the page has anything of the result, if only on demand."""
        return not (self.hidden or self.silent)


def find_verdict(xray: Xray, blind_reader: str | None = None) -> Verdict:
    """The verdict of an X-ray that is done; `blind_reader` sees it once they have answered."""
    if xray.get("silent", False):
        hidden = not (blind_reader and _has_answered(xray, blind_reader))
        age = describe_age(xray["scope"])
        return Verdict(None, None, age, gettext("Silent weeks"), hidden=hidden, silent=True)
    verdict = _judge(xray)
    if blind_reader and not _has_answered(xray, blind_reader):
        return replace(
            verdict,
            finding=None,
            decision=None,
            flag=verdict.flag or gettext("After your reading"),
            reveal=None,
            hidden=True,
        )
    return verdict


def _has_answered(xray: Xray, reader: str) -> bool:
    """Whether they ever did; in a list, whether the last reading is theirs: it has no other."""
    review = xray["review"]
    if "readings" not in xray:
        return bool(review and review["reader"] == reader)
    return reader in find_readers(xray)


def find_readers(xray: Xray) -> list[str]:
    """Who made each entry of the list, without leads who took back what others read."""
    return [each["reader"] for each in xray.get("readings", []) if not each.get("reopens")]


def _judge(xray: Xray) -> Verdict:
    prediction, quality, scope = xray["prediction"], xray["quality"], xray["scope"]
    if prediction is None:
        raise ValueError("an X-ray without a prediction has no verdict")
    poor = bool(quality and quality["warnings"])
    finding = None if poor else prediction["finding"]
    age = describe_age(scope)
    if scope and scope["out_of_scope"]:
        flag = gettext("Not ages %(youngest)s to %(oldest)s", **_band(scope))
        return Verdict(finding, None, age, flag, describe_patient(scope), gettext("Show anyway"))
    if poor:
        return Verdict(None, None, age, gettext("Check image"), None, gettext("Show the score"))
    return Verdict(finding, prediction["decision"] if finding != "uncertain" else None, age)


def _band(scope: Scope) -> dict[str, int | None]:
    return {"youngest": scope["youngest"], "oldest": scope["oldest"]}


def describe_age(scope: Scope | None) -> str:
    """One line about the patient's age; asserts none that nobody has read."""
    if scope is None:
        return gettext("Age not checked: an earlier release analysed this X-ray.")
    if scope["youngest"] is None:
        return gettext("The model does not state the ages that it is valid for.")
    sentence = {
        "within": N_("Age in the file: within %(youngest)s to %(oldest)s, as the model needs"),
        "unknown": N_("Age not in the file: valid only for ages %(youngest)s to %(oldest)s"),
        "implausible": N_(
            "The age in the file cannot be right: valid only for ages %(youngest)s to %(oldest)s"
        ),
    }.get(scope["age"], N_("AI result valid only for ages %(youngest)s to %(oldest)s"))
    return gettext(sentence, **_band(scope))


def name_patient(xray: Xray) -> str:
    """Band of age and view, in a few words for a row of the worklist; empty if nobody read them."""
    return ", ".join(filter(None, (_name_age(xray["scope"]), xray.get("view"))))


def _name_age(scope: Scope | None) -> str:
    if scope is None or scope["youngest"] is None or scope["oldest"] is None:
        return ""
    youngest, oldest = scope["youngest"], scope["oldest"]
    if scope["age"] == "within":
        return gettext("%(youngest)s to %(oldest)s years", youngest=youngest, oldest=oldest)
    if scope["age"] == "under":
        return ngettext("under %(num)s year", "under %(num)s years", youngest)
    if scope["age"] == "above":
        return ngettext("over %(num)s year", "over %(num)s years", oldest)
    return gettext("age in doubt") if scope["age"] in ("contradictory", "implausible") else ""


def describe_patient(scope: Scope) -> str:
    """Why the result of a patient who is out of scope is withheld."""
    if scope["age"] == "under":
        who = gettext(
            "The file says that the patient is younger than %(youngest)s.", **_band(scope)
        )
    elif scope["age"] == "above":
        who = gettext("The file says that the patient is older than %(oldest)s.", **_band(scope))
    else:
        who = gettext("The age and the dates in the file disagree.")
    trusted = gettext(
        "The model was validated for ages %(youngest)s to %(oldest)s only: do not rely on it.",
        **_band(scope),
    )
    return f"{who} {trusted}"
