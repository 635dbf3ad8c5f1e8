"""How one X-ray is judged: the policy that the worker and archive scoring share.

1. Read the file in the cage. `reject` a file that is not a readable X-ray; `fail` the record after
   any other fault.
2. Predict, and `judge`: rejected if the network refuses the image, else done.
3. Write the preview, also of an image that the network refuses: a person must look at it. Then
   store the record, so that no record of a decoded image lacks its preview.

The worker judges one X-ray at a time. A large one goes back to the queue while another large one is
decoded, so that slow films never hold more than one thread. Celery retries every fault later, TRIES
in all, and `XrayStore.finish` stores each record by itself. Archive scoring judges batches. It
retries a lost reader at once (`read`), and `XrayStore.add_scored` stores a batch of records in one
transaction; a fault of anything but the reader ends the run, and the next run goes on.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from model.cage.pool import Cage, CagedXray, CageLost, PreviewedXray
from model.reading.ages import Age, AgeBand
from model.reading.limits import UnreadableXray
from model.serving.artifact import Artifact
from model.serving.finding import UncertainBand
from model.serving.predictor import Prediction
from model.serving.rule import DecisionRule, localize
from pneumonia_api.records.profiles import Active, Profiles
from pneumonia_api.records.record import PredictionRecord, QualityRecord, XrayRecord
from pneumonia_api.records.scope import describe_scope

log = logging.getLogger(__name__)

TRIES = 4
"""How often an X-ray is tried before a fault on our side fails it."""


def read(
    cage: Cage, data: bytes, max_pixels: int, side: int, ages: AgeBand | None, *, tries: int
) -> PreviewedXray:
    """Decode and check a file in the cage; `side` is that of the model input, in pixels.

    `ages` are those that the model is for.

    Tries again at once, `tries` in all, when the reader was killed from outside: most likely
    because the machine ran out of memory. Raises what `Cage.read` raises.
    """
    try:
        return cage.read(data, max_pixels, side, ages=ages)
    except CageLost:
        if tries == 1:
            raise
    return read(cage, data, max_pixels, side, ages, tries=tries - 1)


def choose_rule(profiles: Profiles, artifact: Artifact) -> DecisionRule | None:
    """The site profile that is switched on for exactly this model; None if the model decides.

    Asked before an X-ray is judged; a switch meanwhile is for the next one, and each record says
    what decided it. A profile that is damaged decides nothing. Raises RedisError.
    """
    return make_rule(profiles.read_active(artifact.version), artifact)


def make_rule(active: Active, artifact: Artifact) -> DecisionRule | None:
    """The rule of the profile that is switched on for this model; None if none applies."""
    profile = active.profile
    if profile is None:
        if active.state == "broken":
            log.error("the site profile that is switched on is damaged, so it decides nothing")
        return None
    return localize(
        artifact,
        intercept=profile.intercept,
        slope=profile.slope,
        threshold=profile.threshold,
        uncertain=UncertainBand(*profile.uncertain),
        profile=profile.id,
    )


def reject(xray: XrayRecord, error: UnreadableXray) -> XrayRecord:
    """The record of a file that is not a readable X-ray."""
    return replace(xray, status="rejected", reason=str(error))


def fail(xray: XrayRecord, remedy: str) -> XrayRecord:
    """The record after a fault on our side; `remedy` says what the sender can do."""
    reason = f"The X-ray could not be judged because of a fault on our side; {remedy}."
    return replace(xray, status="failed", reason=reason)


def judge(
    xray: XrayRecord, prediction: Prediction, warnings: Sequence[str], age: Age
) -> XrayRecord:
    """The record with its prediction, or rejected if the network refuses the image.

    `warnings` are those of the reader, and `age` is what it read of the patient's age.
    """
    refusal = prediction.refusal
    sentences = [text for text in (refusal, prediction.warning, *warnings) if text]
    quality = QualityRecord(ok=not sentences, warnings=sentences, ood=prediction.ood)
    if refusal:
        return replace(xray, status="rejected", reason=refusal, quality=quality)
    answer = PredictionRecord(
        probability=prediction.probability,
        decision=prediction.decision,
        threshold=prediction.threshold,
        model=prediction.model,
        heatmap=prediction.heatmap,
        precision=prediction.precision,
        finding=prediction.finding,
        uncertain=[band.low, band.high] if (band := prediction.uncertain) else None,
        profile=prediction.profile,
        model_probability=prediction.model_probability,
    )
    scope = describe_scope(age, prediction.ages)
    return replace(xray, status="done", prediction=answer, quality=quality, scope=scope)


def name_by_file(xray: XrayRecord, read: CagedXray) -> XrayRecord:
    """The record with what its file says of itself.

    `accession` and `references` are "" unless the site wants them.
    """
    accession = read.accession
    return replace(
        xray,
        view=None if read.view == "unknown" else read.view,
        device=read.device or None,
        accession=accession or None,
        burned_in=read.burned_in,
        references=read.references or None,
        reference=xray.reference or accession,
    )


def was_decoded(xray: XrayRecord) -> bool:
    """Whether a record that ended is of a readable image, and so has a preview."""
    return xray.quality is not None
