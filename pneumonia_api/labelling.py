"""The HTTP API, version 1: what people have said of the X-rays, as labels to train on."""

import csv
import hashlib
import hmac
import io
from collections.abc import Iterable, Iterator

from apiflask import APIBlueprint, FileSchema
from flask import Response, current_app, stream_with_context

from pneumonia_api.acceptance.films import find_label, name_source
from pneumonia_api.auth import bearer
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.worklist import Worklist
from pneumonia_api.request import check_body, check_query
from pneumonia_api.silence import is_silenced

labelling = APIBlueprint("labelling", __name__, url_prefix="/v1", tag="V1")
labelling.before_request(check_body)
labelling.before_request(check_query)

PAGE = 200
"""Records that are read at once."""

COLUMNS = (
    "digest",
    "label",
    "basis",
    "patient",
    "readings",
    "model",
    "probability",
    "threshold",
    "finding",
    "scope",
    "view",
    "sent_by",
)


@labelling.get("/reviews.csv")
@labelling.auth_required(bearer)
@labelling.output(FileSchema(), content_type="text/csv")
@labelling.doc(responses={403: "The caller is no ML engineer."})
def export_labels() -> Response:
    """A row for each X-ray that was read or has an outcome, oldest first; `model.cnn` takes it.

    It has no image, no reference, no note and no name: an X-ray is known by the digest of its
    bytes, a patient by a keyed one of the reference. The label is the confirmed outcome, else what
    most readers said who had not seen the AI result, else unknown. In silent weeks people get it
    without what the model says.
    """
    worklist: Worklist = current_app.extensions["worklist"]
    rows = _list_rows(_list_xrays(worklist), silent=is_silenced())
    first = next(rows)  # an error of Redis comes before the answer begins
    response = Response(stream_with_context(_write([first], rows)), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="reviews.csv"'
    return response


def _list_xrays(worklist: Worklist) -> Iterator[XrayRecord]:
    cursor: str | None = None
    while True:
        found, cursor = worklist.page(status="done", sort="oldest", cursor=cursor, limit=PAGE)
        yield from (each for each in found if each.readings or each.outcomes)
        if not cursor:
            return


def _list_rows(xrays: Iterable[XrayRecord], *, silent: bool) -> Iterator[tuple[str, ...]]:
    yield COLUMNS
    for xray in xrays:
        label = find_label(xray)
        word = ("pneumonia" if label.ill else "normal") if label else "unknown"
        standing = [each for each in xray.readings if each.stands]
        readings = " ".join(f"{each.label}/{each.ai or 'unknown'}" for each in standing)
        prediction = None if silent else xray.prediction
        says = ("", "", "", "")
        if prediction:
            score, threshold = str(prediction.probability), str(prediction.threshold)
            says = (prediction.model, score, threshold, str(prediction.finding))
        yield (
            xray.digest,
            word,
            label.basis if label else "",
            _name_patient(xray),
            readings,
            *says,
            xray.scope.age if xray.scope else "",
            xray.view or "",
            name_source(xray.source),
        )


def _name_patient(xray: XrayRecord) -> str:
    """Another name for the patient, so that a split by patient keeps their X-rays together.

    X-rays with the same reference are one patient, as in the acceptance. Keyed, because references
    may be numbers that can be guessed; the key is that of this site.
    """
    key = str(current_app.config["API_KEY"]).encode()
    name = f"patient {xray.reference or xray.id}".encode()
    return hmac.new(key, name, hashlib.sha256).hexdigest()[:16]


def _write(first: Iterable[tuple[str, ...]], rest: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for rows in (first, rest):
        for row in rows:
            line = io.StringIO()
            csv.writer(line).writerow(row)
            yield line.getvalue()
