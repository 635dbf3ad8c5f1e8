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

from collections.abc import Sequence
from dataclasses import replace

from model.cage.pool import Cage, CageLost, PreviewedXray
from model.reading.ages import Age, AgeBand
from model.reading.limits import UnreadableXray
from model.reading.views import View
from model.serving.predictor import Prediction
from pneumonia_api.records.record import PredictionRecord, QualityRecord, XrayRecord
from pneumonia_api.records.scope import describe_scope

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
    )
    scope = describe_scope(age, prediction.ages)
    return replace(xray, status="done", prediction=answer, quality=quality, scope=scope)


def name_by_file(xray: XrayRecord, view: View, accession: str) -> XrayRecord:
    """The record with what its file says of itself; `accession` is "" unless the site wants it."""
    return replace(
        xray,
        view=None if view == "unknown" else view,
        accession=accession or None,
        reference=xray.reference or accession,
    )


def was_decoded(xray: XrayRecord) -> bool:
    """Whether a record that ended is of a readable image, and so has a preview."""
    return xray.quality is not None
