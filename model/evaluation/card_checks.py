"""What the card says of the uncertain band's promise and of the heat map's checks, in Markdown."""

from dataclasses import asdict

from model.evaluation.card_tables import NOT_MEASURED, make_table, percent, show
from model.evaluation.coverage_file import CoverageReport
from model.evaluation.faithfulness import OURS
from model.evaluation.heatmaps_file import HeatmapReport
from model.evaluation.marks import wrap

HEATMAPS_PLOT = "heatmaps.png"


def show_groups(report: CoverageReport | None) -> str | None:
    """The figures of the artifact's band by group; None where they were not measured."""
    if report is None or report.stored is None:
        return None
    return make_table("split", {name: asdict(group) for name, group in report.stored.items()})


def show_coverage(report: CoverageReport | None) -> str:
    """The promise of the band, what other promises would cost, and the method at work."""
    if report is None:
        return f"What the band promises: {NOT_MEASURED}"
    parts = [
        "*missed*: the share of the ill that are called *no pneumonia detected*; *alarmed*: of the "
        "others, *pneumonia likely*."
    ]
    if report.promise is not None:
        parts.append(
            "**What the band promises.** By split conformal prediction for each class by itself "
            f"(`model/evaluation/conformal.py`), on {_count_patients(report)}: of new patients "
            f"like "
            f"these, at most {percent(report.promise.missed)} of the ill are called *no pneumonia "
            f"detected* and at most {percent(report.promise.alarmed)} of the others *pneumonia "
            f"likely*. "
            "It is a promise about patients of the same kind; a row of the table above it shows "
            "where "
            "patients are not."
        )
    parts += [
        "**What other promises would cost.** The bands that the method chooses for a given error "
        "of "
        "each class; an error that is missing here would need more patients:",
        make_table("error promised, split", _list_conformal(report)),
    ]
    if report.halves:
        rows = {f"{half.error:g}": _without(asdict(half), "error") for half in report.halves}
        parts += [
            "Where its condition holds it keeps the promise: bands chosen on half of the "
            "validation "
            "patients and counted on the others (the mean, and the range of 95 % of the halves):",
            make_table("error promised", rows),
        ]
    return wrap("\n\n".join(parts))


def _count_patients(report: CoverageReport) -> str:
    counts = " and ".join(f"{count} with {name}" for name, count in report.patients.items())
    return f"the validation patients ({counts})"


def _list_conformal(report: CoverageReport) -> dict[str, dict[str, object]]:
    """One row for each band and split; the groups by age are left to coverage.json."""
    return {
        f"{band.error:g}, {name}": {
            "band": f"{band.low:.3f} to {band.high:.3f}",
            **{key: getattr(group, key) for key in ("missed", "alarmed", "share")},
            "sensitivity": group.sensitivity,
            "specificity": group.specificity,
        }
        for band in report.conformal
        for name, group in band.groups.items()
        if ", age " not in name
    }


def _without(values: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in values.items() if key != name}


def show_heatmap_checks(report: HeatmapReport | None) -> str:
    """Deletion, insertion, random weights and peaks, in words and tables."""
    if report is None:
        return f"Deletion, insertion, random weights and peaks in the lungs: {NOT_MEASURED}"
    stages = ", ".join(f"{name} {show(value)}" for name, value in report.randomised.items())
    parts = [
        "**Does it show what the score depends on?** Cells of the map are deleted (replaced by the "
        "film's mean grey) or inserted into the blurred film, the strongest first (Petsiuk et al. "
        "2018), "
        "on pneumonias that the network finds and did not train on. The figure is the mean "
        "probability "
        "over the steps: deletion is better low, insertion high. *centre outwards* and *random* "
        "know "
        "nothing of the network:",
        make_table("films, order of the cells", _list_areas(report)),
        "How much better the map that is shown does than each other order, paired by film (above 0 "
        "is "
        "better):",
        make_table("films, against", _list_better(report)),
        "**Does it depend on what was learned?** Rank correlation of the maps of "
        f"{report.randomised_films} films with those of the same network whose last stages have "
        f"random "
        f"weights (Adebayo et al. 2018), the named one and all after it: {stages}. Maps of two "
        f"different "
        f"films correlate by {show(report.other_film)}: that is the part that has nothing to do "
        f"with the "
        "film.",
        f"![Deletion, insertion and random weights]({HEATMAPS_PLOT})",
        "**Does it peak in the lungs?** There are no boxes or outlines of radiologists for these "
        "films. "
        "The lungs are where they are on at least half of the normal films of the named source, "
        "found by "
        "a threshold of grey levels (`model/evaluation/lungs.py`): a coarse map of the chest, to "
        "be read "
        "next to the share that a peak anywhere the map can reach would have by chance:",
        make_table("pneumonias of", _list_peaks(report)),
    ]
    return wrap("\n\n".join(parts))


def _list_areas(report: HeatmapReport) -> dict[str, dict[str, object]]:
    return {
        f"{name}, {method}": {
            "films": group.films,
            "deletion": group.deletion.area[method],
            "insertion": group.insertion.area[method],
        }
        for name, group in report.groups.items()
        for method in group.deletion.area
    }


def _list_better(report: HeatmapReport) -> dict[str, dict[str, object]]:
    return {
        f"{name}, {method}": {
            "deletion": group.deletion.better[method],
            "insertion": group.insertion.better[method],
        }
        for name, group in report.groups.items()
        for method in group.deletion.better
    }


def _list_peaks(report: HeatmapReport) -> dict[str, dict[str, object]]:
    return {
        name: {
            "films": group.films,
            "normal films of": group.peaks.outlined,
            "lungs found on": group.peaks.outlines,
            "not found on": group.peaks.without,
            **{
                "peak in the lungs" if method == OURS else method: share
                for method, share in group.peaks.inside.items()
            },
            "by chance": group.peaks.by_chance,
        }
        for name, group in report.groups.items()
        if group.peaks
    }
