"""The route by which a lead takes back another person's reading."""

from pneumonia_api.records.record import XrayRecord
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error


def test_a_lead_reopens_what_somebody_else_read(call: Call, judged: XrayRecord) -> None:
    """Who read it cannot, a program's key neither; the record says who took back what."""
    path = f"/v1/xrays/{judged.id}"
    call("ann", "POST", f"{path}/readings", json={"label": "normal", "seen": 0})
    reopening = {"number": 1, "seen": 1, "note": "Wrong side"}
    check_error(call("ann", "POST", f"{path}/reopenings", json=reopening), 403, "not_allowed")
    answer = call("lead", "POST", f"{path}/reopenings", json=reopening)
    assert answer.status_code == 201
    assert answer.json["review"] is None
    entry = answer.json["readings"][1]
    assert (entry["reader"], entry["label"], entry["reopens"]) == ("lead", "withdrawn", 1)
    assert entry["note"] == "Wrong side" and entry["reviewed_at"]
    assert [each["stands"] for each in answer.json["readings"]] == [False, False]
    listed = call("ann", "GET", "/v1/xrays?reviewed=false").json["xrays"]
    assert [each["id"] for each in listed] == [judged.id]
    undone = {"label": "withdrawn", "undoes": 2, "seen": 2}
    again = call("lead", "POST", f"{path}/readings", json=undone)
    assert again.json["review"]["reader"] == "ann"


def test_what_cannot_be_reopened(call: Call, judged: XrayRecord) -> None:
    """One's own reading, one that does not stand, one that was replaced meanwhile."""
    path = f"/v1/xrays/{judged.id}"
    call("lead", "POST", f"{path}/readings", json={"label": "normal", "seen": 0})
    for body, status, code in (
        ({"number": 1, "seen": 1}, 409, "nothing_to_withdraw"),
        ({"number": 2, "seen": 1}, 409, "nothing_to_withdraw"),
        ({"number": 1, "seen": 0}, 409, "read_meanwhile"),
        ({"number": 0, "seen": 1}, 422, "invalid_request"),
        ({"number": 1}, 422, "invalid_request"),
        ({"number": 1, "seen": 1, "note": "x" * 201}, 422, "invalid_request"),
    ):
        check_error(call("lead", "POST", f"{path}/reopenings", json=body), status, code)
    missing = f"/v1/xrays/{'0' * 32}/reopenings"
    check_error(call("lead", "POST", missing, json={"number": 1, "seen": 0}), 404, "no_such_xray")
