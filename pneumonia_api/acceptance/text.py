"""An acceptance as lines of text, for the command."""

from collections.abc import Iterator, Sequence

from pneumonia_api.acceptance.figures import Estimate, Figures
from pneumonia_api.acceptance.local import Local
from pneumonia_api.acceptance.report import Assessment
from pneumonia_api.acceptance.rule import VERDICTS
from pneumonia_api.intervals import Share
from pneumonia_api.records.profiles import ProfileRecord


def describe(found: Assessment) -> Iterator[str]:
    """The verdict first, then what it rests on."""
    profile = f" with the site profile {found.profile}" if found.profile else ""
    yield f"Model {found.model}{profile}: {VERDICTS[found.verdict.name]}."
    yield from (f"  {reason}" for reason in found.verdict.reasons)
    bases = ", ".join(f"{count} by {basis}" for basis, count in sorted(found.bases.items()))
    yield f"X-rays: {found.judged} judged, {found.labelled} with a label ({bases or 'none'}), "
    yield f"  {found.withheld} of these with a result that no page shows."
    yield (
        f"Counted: {found.overall.films}, of {found.overall.patients_ill} patients with pneumonia "
        f"and {found.overall.patients_healthy} without; intervals are of 95 %, by patient."
    )
    yield from _describe_figures(found)
    yield from _describe_calibration(found)
    for name, needed in found.needed.items():
        wanted = ", ".join(f"{each.width:g}: {each.missing}" for each in needed)
        yield f"Patients still needed for the {name}, by the width of its interval: {wanted}"
    for name, bet in found.bets.items():
        state = f"ALARM at film {bet.alarm}" if bet.alarm else "no alarm"
        yield (
            f"Stopping rule, {name}: {state}; {bet.films} patients this quarter, "
            f"evidence {bet.evidence:.2f} of {bet.limit:.0f}"
        )
    for title, groups in found.groups.items():
        for name, figures in groups.items():
            yield f"{title} {name}: {_describe_group(figures)}"


def describe_local(found: Local) -> Iterator[str]:
    """What a local calibration and threshold would give."""
    fit = found.fit
    yield (
        f"A calibration of this hospital's own would be: log-odds {fit.intercept:+.3f} "
        f"{fit.slope:+.3f} x those of the model; threshold {fit.threshold:.3f}, uncertain from "
        f"{fit.low:.3f} to {fit.high:.3f}"
    )
    yield (
        f"  Cross-fitted, error {_say(found.calibration.error)} in place of "
        f"{_say(found.before.error)}; sensitivity {_say(found.figures.sensitivity)}, specificity "
        f"{_say(found.figures.specificity)}, uncertain {_say(found.figures.uncertain)}. Nothing in "
        "service changes."
    )


def describe_profile(profile: ProfileRecord) -> Iterator[str]:
    """A stored profile: on what it rests, and what it promises."""
    basis, figures = profile.basis, profile.figures
    yield (
        f"Site profile {profile.id} for the model {profile.model}, by {profile.by} at {profile.at}"
    )
    yield (
        f"  fitted to {basis.films} films of {basis.patients_ill} patients with pneumonia and "
        f"{basis.patients_healthy} without, sent from {basis.first} to {basis.last} "
        f"({basis.origin})"
    )
    yield (
        f"  threshold {profile.threshold:.3f}, uncertain from {profile.uncertain[0]:.3f} to "
        f"{profile.uncertain[1]:.3f}; on patients that were not used: sensitivity "
        f"{_say_list(figures['sensitivity'])}, specificity {_say_list(figures['specificity'])}, "
        f"calibration error {_say_list(figures['error'])} in place of "
        f"{_say_list(figures['model_error'])}"
    )


def _say_list(figure: Sequence[float]) -> str:
    return _say(Estimate(*figure))


def _describe_figures(found: Assessment) -> Iterator[str]:
    overall, promise = found.overall, "site profile" if found.profile else "model card"
    shown = {
        "auc": ("AUC", overall.auc),
        "sensitivity": ("Sensitivity", overall.sensitivity),
        "specificity": ("Specificity", overall.specificity),
    }
    for name, (title, value) in shown.items():
        compared = found.card[name]
        change = f", change {_say(compared.change)}" if compared.change else ""
        yield f"{title}: {_say(value)}; {promise} {_say(compared.card)}{change}"
    yield f"Uncertain: {_say(overall.uncertain)}"


def _describe_calibration(found: Assessment) -> Iterator[str]:
    if not found.calibration:
        yield "Calibration: not known; too few films, or a threshold that separates them all."
        return
    yield (
        f"Calibration, as if half were ill: slope {_say(found.calibration.slope)}, intercept "
        f"{_say(found.calibration.intercept)}, error {_say(found.calibration.error)} "
        f"(chance alone {found.calibration.chance:.3f})"
    )


def _describe_group(figures: Figures) -> str:
    return (
        f"{figures.films} films, {figures.ill} ill; AUC {_say(figures.auc)}, sensitivity "
        f"{_say(figures.sensitivity)}, specificity {_say(figures.specificity)}, uncertain "
        f"{_say(figures.uncertain)}"
    )


def _say(value: Estimate | Share | None) -> str:
    if value is None:
        return "-"
    middle = value.value if isinstance(value, Estimate) else value.share
    if middle is None or value.low is None or value.high is None:
        return "-"
    return f"{middle:.3f} ({value.low:.3f} to {value.high:.3f})"
