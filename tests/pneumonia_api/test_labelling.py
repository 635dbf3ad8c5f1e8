"""Labels to train on, from what people said: `GET /v1/reviews.csv`."""

import csv
import io
from dataclasses import replace

import pytest
from apiflask import APIFlask

from pneumonia_api import labelling
from pneumonia_api.records.record import XrayRecord, new_xray
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error
from tests.pneumonia_api.records.judged import done


def add(app: APIFlask, digest: str, reference: str = "") -> XrayRecord:
    """A judged X-ray."""
    xray = done(new_xray("doctor", digest * 32, reference))
    app.extensions["xrays"].add(xray)
    return xray


def read(call: Call, user: str, xray: XrayRecord, label: str, **values: object) -> None:
    """Read it; `seen` is how many readings it has."""
    entry = {"label": label, "seen": 0, "note": "Jane Doe", **values}
    path = f"/v1/xrays/{xray.id}/readings"
    assert call(user, "POST", path, json=entry).status_code == 201


def export(call: Call, user: str = "lead") -> list[dict[str, str]]:
    """The rows, by digest: those of the same millisecond come in any order."""
    answer = call(user, "GET", "/v1/reviews.csv")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/csv")
    rows = csv.DictReader(io.StringIO(answer.text))
    return sorted(rows, key=lambda row: row["digest"])


def test_label_is_what_blind_readers_or_the_outcome_say(app: APIFlask, call: Call) -> None:
    """A reading that was made after the result was shown is no label by itself."""
    blind, shown, confirmed, unread = (add(app, digest) for digest in ("aa", "bb", "cc", "dd"))
    read(call, "ann", blind, "normal", ai="hidden")
    read(call, "ann", shown, "pneumonia", ai="shown")
    read(call, "ann", confirmed, "normal", ai="hidden")
    outcome = {"label": "pneumonia", "basis": "ct"}
    call("lead", "POST", f"/v1/xrays/{confirmed.id}/outcomes", json=outcome)
    rows = export(call)
    found = [(each["digest"][:2], each["label"], each["basis"]) for each in rows]
    assert found == [
        ("aa", "normal", "reading"),
        ("bb", "unknown", ""),
        ("cc", "pneumonia", "outcome"),
    ]
    assert unread.digest not in {each["digest"] for each in rows}
    assert (rows[0]["model"], rows[0]["probability"]) == ("m1", "0.9")
    assert rows[0]["readings"] == "normal/hidden"


def test_export_names_nobody(app: APIFlask, call: Call) -> None:
    """Neither patient nor reader; X-rays of one reference are one patient all the same."""
    one, same, other = add(app, "aa", "RX 7"), add(app, "bb", "RX 7"), add(app, "cc", "RX 8")
    for xray in (one, same, other):
        read(call, "ann", xray, "normal", ai="hidden")
    text = call("machine", "GET", "/v1/reviews.csv").text
    for name in ("RX", "ann", "doctor", "Jane"):
        assert name not in text
    first, second, third = (each["patient"] for each in export(call))
    assert first == second != third


def test_all_pages_are_exported(app: APIFlask, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each X-ray once."""
    monkeypatch.setattr(labelling, "PAGE", 2)
    for number in range(5):
        read(call, "ann", add(app, f"a{number}"), "normal", ai="hidden")
    assert [each["digest"][:2] for each in export(call)] == [f"a{number}" for number in range(5)]


def test_only_ml_engineers_and_machines_export(call: Call) -> None:
    """Labels of all readers together are not for each of them."""
    check_error(call("ann", "GET", "/v1/reviews.csv"), 403, "not_allowed")


def test_silent_weeks_withhold_what_the_model_says(app: APIFlask, call: Call) -> None:
    """From people; a machine gets it."""
    read(call, "ann", add(app, "aa"), "normal", ai="silent")
    call("lead", "POST", "/v1/site/silent", json={"silent": True})
    [row] = export(call)
    assert (row["label"], row["probability"], row["finding"], row["model"]) == (
        "normal",
        "",
        "",
        "",
    )
    assert export(call, "machine")[0]["probability"] == "0.9"


def test_deleted_xray_is_no_label(app: APIFlask, call: Call) -> None:
    """Whoever deleted it may have had a reason."""
    xray = add(app, "aa")
    read(call, "ann", xray, "normal", ai="hidden")
    call("lead", "DELETE", f"/v1/xrays/{xray.id}")
    assert export(call) == []


def test_uncertain_and_older_records_are_exported(app: APIFlask, call: Call) -> None:
    """Without scope and view, as earlier releases stored them."""
    xray = add(app, "aa")
    stored = replace(xray, scope=None, view=None)
    app.extensions["xrays"].add(stored)
    read(call, "ann", xray, "unsure", ai="hidden")
    [row] = export(call)
    assert (row["label"], row["scope"], row["view"]) == ("unknown", "", "")
