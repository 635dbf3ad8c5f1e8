"""The routes of outcomes and of the reader study."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from werkzeug.test import TestResponse

from pneumonia_api.reading_schemas import MAX_SECONDS
from pneumonia_api.records.confirming import MAX_OUTCOMES
from pneumonia_api.records.record import XrayRecord, new_xray
from tests.pneumonia_api.errors import check_error

Call = Callable[..., TestResponse]


@pytest.fixture
def call(app: APIFlask) -> Call:
    """Call the API as a logged-in person."""
    tokens: dict[str, str] = {}

    def send(user: str, method: str, path: str, **body: object) -> TestResponse:
        if user not in tokens:
            app.extensions["accounts"].set_password(user, "correct horse")
            tokens[user] = app.extensions["accounts"].log_in(user, "correct horse", "127.0.0.1")
        headers = {"Authorization": f"Bearer {tokens[user]}"}
        options = {"json": body} if body else {}
        return app.test_client().open(path, method=method, headers=headers, **options)

    return send


def test_outcomes_are_appended(call: Call, judged: XrayRecord) -> None:
    """A correction stays beside what it corrects; a repeat is the same entry."""
    path = f"/v1/xrays/{judged.id}/outcomes"
    first = call("ann", "POST", path, label="pneumonia", basis="microbiology")
    assert first.status_code == 201
    assert call("ann", "POST", path, label="pneumonia", basis="microbiology").json == first.json
    call("bob", "POST", path, label="normal", basis="ct")
    stored = call("bob", "POST", path, label="unknown").json["outcomes"]
    assert [(each["label"], each["basis"], each["by"]) for each in stored] == [
        ("pneumonia", "microbiology", "ann"),
        ("normal", "ct", "bob"),
        ("unknown", "", "bob"),
    ]
    assert stored == call("bob", "GET", f"/v1/xrays/{judged.id}").json["outcomes"]


@pytest.mark.parametrize(
    "outcome",
    [
        {"label": "ill", "basis": "ct"},
        {"label": "pneumonia"},
        {"label": "pneumonia", "basis": "guess"},
        {"label": "unknown", "basis": "ct"},
        {"label": "normal", "basis": "ct", "by": "bob"},
    ],
)
def test_wrong_outcome_is_refused(
    call: Call, judged: XrayRecord, outcome: dict[str, object]
) -> None:
    """422, and nothing is recorded."""
    refused = call("ann", "POST", f"/v1/xrays/{judged.id}/outcomes", **outcome)
    check_error(refused, 422, "invalid_request")
    assert call("ann", "GET", f"/v1/xrays/{judged.id}").json["outcomes"] == []


def test_outcome_needs_a_judged_xray(app: APIFlask, call: Call, judged: XrayRecord) -> None:
    """404 without a record, 409 without a prediction or with too many outcomes."""
    waiting = new_xray("doctor", "d2")
    app.extensions["xrays"].add(waiting)
    outcome = {"label": "normal", "basis": "ct"}
    missing = call("ann", "POST", f"/v1/xrays/{'0' * 32}/outcomes", **outcome)
    check_error(missing, 404, "no_such_xray")
    early = call("ann", "POST", f"/v1/xrays/{waiting.id}/outcomes", **outcome)
    check_error(early, 409, "not_confirmable")
    path = f"/v1/xrays/{judged.id}/outcomes"
    for number in range(MAX_OUTCOMES):
        label = ("normal", "pneumonia")[number % 2]
        assert call("ann", "POST", path, label=label, basis="ct").status_code == 201
    check_error(call("ann", "POST", path, label="normal", basis="ct"), 409, "too_many_outcomes")


def test_time_of_an_answer_is_bounded(call: Call, judged: XrayRecord) -> None:
    """Optional; neither nothing nor more than an hour is a time of reading."""
    path = f"/v1/xrays/{judged.id}/readings"
    for seconds in (0, -1, MAX_SECONDS + 1, "soon"):
        answer = call("ann", "POST", path, label="normal", seen=0, seconds=seconds)
        check_error(answer, 422, "invalid_request")
    stored = call("ann", "POST", path, label="normal", seen=0, seconds=12.3).json["readings"]
    assert stored[0]["seconds"] == 12.3
    assert call("ann", "POST", path, label="unsure", seen=1).json["readings"][1]["seconds"] is None


def test_study_of_what_was_answered(
    app: APIFlask, call: Call, judged: XrayRecord, headers: dict[str, str]
) -> None:
    """People see themselves and everybody together; the key for machines sees each by name."""
    for seen, user in ((0, "ann"), (2, "bob")):
        path = f"/v1/xrays/{judged.id}/readings"
        call(user, "POST", path, label="normal", seen=seen, ai="hidden", seconds=9.0)
        after = "pneumonia" if user == "ann" else "normal"
        call(user, "POST", path, label=after, seen=seen + 1, ai="shown", seconds=2.0)
    call("lead", "POST", f"/v1/xrays/{judged.id}/outcomes", label="pneumonia", basis="ct")
    found = call("ann", "GET", "/v1/reader-study").json
    assert (found["people"], list(found["readers"])) == (2, ["ann"])
    assert (found["overall"]["helped"]["count"], found["overall"]["helped"]["of"]) == (1, 2)
    assert found["overall"]["before"] == {"count": 2, "median": 9.0}
    assert found["readers"]["ann"]["right_after"]["share"] == 1
    everybody = app.test_client().get("/v1/reader-study", headers=headers).json
    assert list(everybody["readers"]) == ["ann", "bob"]
    assert everybody["overall"] == found["overall"]


def test_study_leaves_out_programs_and_what_has_no_verdict(
    app: APIFlask, judged: XrayRecord, headers: dict[str, str]
) -> None:
    """The API gives programs the AI result, so what they send is no reading before it."""
    path = f"/v1/xrays/{judged.id}/readings"
    entry = {"label": "normal", "seen": 0, "ai": "hidden"}
    assert app.test_client().post(path, json=entry, headers=headers).status_code == 201
    found = app.test_client().get("/v1/reader-study", headers=headers).json
    assert (found["people"], found["readers"]) == (0, {})
