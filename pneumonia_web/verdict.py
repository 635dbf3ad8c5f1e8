"""What the pages say about a judged X-ray, and what they withhold until the reader asks for it.

A missed pneumonia costs more than a second look, so no page ever says that an X-ray is normal. A
result says nothing about a patient of another age, and little about a poor image.
"""

from dataclasses import dataclass, replace

from pneumonia_web.records import Scope, Xray

FINDINGS = {
    "pneumonia_likely": "Pneumonia likely",
    "uncertain": "Uncertain",
    "no_pneumonia_detected": "No pneumonia detected",
}

READINGS = {
    "pneumonia": "Pneumonia",
    "normal": "No pneumonia",
    "unsure": "Unsure",
    "withdrawn": "Withdrawn",
}
"""A reader's labels in words."""


@dataclass(frozen=True)
class Verdict:
    """The words for one result.

    `flag` says in short why the result is withheld, `banner` in a sentence; both are None if it is
    not. `reveal` is the button that shows it; where `hidden`, it is not even in the page, because
    the reader answers first. In `silent` weeks it never is, and `hidden` says that they have not
    answered yet. `finding` is one of FINDINGS, or None where the image
    makes a verdict worthless and leaves the bare score. `decision` is what a reader can agree with,
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
        return Verdict(None, None, age, "Silent weeks", hidden=hidden, silent=True)
    verdict = _judge(xray)
    if blind_reader and not _has_answered(xray, blind_reader):
        return replace(
            verdict,
            finding=None,
            decision=None,
            flag=verdict.flag or "After your reading",
            reveal=None,
            hidden=True,
        )
    return verdict


def _has_answered(xray: Xray, reader: str) -> bool:
    """Whether they ever did; in a list, whether the last reading is theirs: it has no other."""
    review = xray["review"]
    readers = [each["reader"] for each in xray.get("readings", [review] if review else [])]
    return reader in readers


def _judge(xray: Xray) -> Verdict:
    prediction, quality, scope = xray["prediction"], xray["quality"], xray["scope"]
    if prediction is None:
        raise ValueError("an X-ray without a prediction has no verdict")
    poor = bool(quality and quality["warnings"])
    finding = None if poor else prediction["finding"]
    age = describe_age(scope)
    if scope and scope["out_of_scope"]:
        flag = f"Not {describe_band(scope)}"
        return Verdict(finding, None, age, flag, describe_patient(scope), "Show anyway")
    if poor:
        return Verdict(None, None, age, "Check image", None, "Show the score")
    return Verdict(finding, prediction["decision"] if finding != "uncertain" else None, age)


def describe_band(scope: Scope) -> str:
    """The ages that the model is for, such as: ages 1 to 5."""
    return f"ages {scope['youngest']} to {scope['oldest']}"


def describe_age(scope: Scope | None) -> str:
    """One line about the patient's age; asserts none that nobody has read."""
    if scope is None:
        return "Age not checked: an earlier release analysed this X-ray."
    if scope["youngest"] is None:
        return "The model does not state the ages that it is valid for."
    valid = f"valid only for {describe_band(scope)}"
    return {
        "within": f"Age in the file: within {describe_band(scope)[5:]}, as the model needs",
        "unknown": f"Age not in the file: {valid}",
        "implausible": f"The age in the file cannot be right: {valid}",
    }.get(scope["age"], f"AI result {valid}")


def name_patient(xray: Xray) -> str:
    """Band of age and view, in a few words for a row of the worklist; empty if nobody read them."""
    return ", ".join(filter(None, (_name_age(xray["scope"]), xray.get("view"))))


def _name_age(scope: Scope | None) -> str:
    if scope is None or scope["youngest"] is None or scope["oldest"] is None:
        return ""
    youngest, oldest = scope["youngest"], scope["oldest"]
    return {
        "within": f"{youngest} to {oldest} years",
        "under": f"under {youngest} year{'' if youngest == 1 else 's'}",
        "above": f"over {oldest} years",
        "contradictory": "age in doubt",
        "implausible": "age in doubt",
    }.get(scope["age"], "")


def describe_patient(scope: Scope) -> str:
    """Why the result of a patient who is out of scope is withheld."""
    who = {
        "under": f"The file says that the patient is younger than {scope['youngest']}",
        "above": f"The file says that the patient is older than {scope['oldest']}",
    }.get(scope["age"], "The age and the dates in the file disagree")
    return f"{who}. The model was validated for {describe_band(scope)} only: do not rely on it."
