"""Silent weeks: no route of the API tells a person what the model said; machines get everything."""

import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from apiflask import APIFlask
from werkzeug.test import TestResponse

from pneumonia_api.acceptance.films import find_label
from pneumonia_api.records.comparisons import list_comparisons
from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.site import Site
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error
from tests.pneumonia_api.records.judged import judged_as

# With four decimals: a second of 20.578 reads like the probability 0.57.
PROBABILITIES = {"pneumonia_likely": 0.9317, "uncertain": 0.5741, "no_pneumonia_detected": 0.1329}
TELLING = (
    "0.9317",
    "0.5741",
    "0.1329",
    "likely",
    "heatmap",
    '"uncertain"',
    '"threshold"',
    "decision",
)
"""What would be in an answer that has a result, or counts some by it."""


@pytest.fixture
def records(client: redis.Redis) -> list[XrayRecord]:
    """An X-ray of each finding."""
    found = []
    for finding, probability in PROBABILITIES.items():
        found.append(judged_as(new_xray("ann", finding, f"RX {finding[:2]}"), finding, probability))
        XrayStore(client).add(found[-1])
    return found


@pytest.fixture
def silent(client: redis.Redis) -> None:
    """An admin has begun silent weeks."""
    Site(client).set_silent(True, by="lead", at=datetime.now(UTC))


def read(call: Call, user: str, xray_id: str, label: str, ai: str, seen: int = 0) -> TestResponse:
    """Add a reading."""
    entry = {"label": label, "seen": seen, "ai": ai}
    return call(user, "POST", f"/v1/xrays/{xray_id}/readings", json=entry)


@pytest.mark.usefixtures("silent")
def test_no_answer_to_a_person_has_a_result(call: Call, records: list[XrayRecord]) -> None:
    """Not the record, before and after their reading, and when it is restored; nor any list."""
    for xray in records:
        path = f"/v1/xrays/{xray.id}"
        answers = [
            call("ann", "GET", path),
            read(call, "ann", xray.id, "normal", "silent"),
            call("ann", "GET", path),
            call("ann", "PUT", f"{path}/review", json={"label": "pneumonia"}),
            call("ann", "POST", f"{path}/outcomes", json={"label": "normal", "basis": "ct"}),
            call("lead", "GET", path),
            call("ann", "GET", "/v1/xrays"),
            call("ann", "GET", "/v1/reader-study"),
            call("lead", "DELETE", path),
            call("lead", "GET", "/v1/deletions"),
            call("lead", "POST", f"{path}/restore"),
        ]
        for number, answer in enumerate(answers):
            assert answer.status_code in (200, 201, 204), number
            for telling in TELLING:
                assert telling not in answer.text, (number, telling)
        record = call("ann", "GET", path).json
        assert (record["status"], record["prediction"], record["silent"]) == ("done", None, True)


@pytest.mark.usefixtures("silent")
def test_no_query_of_a_person_selects_or_sorts_by_results(
    call: Call, records: list[XrayRecord]
) -> None:
    """Each answer is the one without it, however it is asked."""
    plain = call("ann", "GET", "/v1/xrays").json
    to_review = call("ann", "GET", "/v1/xrays?tab=to_review").json
    assert [each["id"] for each in plain["xrays"]] == sorted((x.id for x in records), reverse=True)
    assert plain["silent"] is True and "uncertain" not in plain["counts"]
    for query in (
        *(f"shown={finding}" for finding in PROBABILITIES),
        "decision=pneumonia",
        "decision=normal&shown=uncertain",
        "sort=newest&decision=normal",
    ):
        assert call("ann", "GET", f"/v1/xrays?{query}").json == plain, query
    for query in ("tab=uncertain", "tab=to_review&sort=suspicion", "tab=uncertain&sort=suspicion"):
        assert call("ann", "GET", f"/v1/xrays?{query}").json == to_review, query


@pytest.mark.usefixtures("silent")
def test_machines_get_everything(call: Call, records: list[XrayRecord]) -> None:
    """The results have to go where they are compared."""
    for xray, probability in zip(records, PROBABILITIES.values(), strict=True):
        found = call("machine", "GET", f"/v1/xrays/{xray.id}").json
        assert (found["prediction"]["probability"], found["silent"]) == (probability, False)
    page = call("machine", "GET", "/v1/xrays?shown=uncertain").json
    assert [each["id"] for each in page["xrays"]] == [records[1].id]
    assert page["counts"]["uncertain"] == 1


def test_admin_begins_and_ends_them(call: Call, records: list[XrayRecord]) -> None:
    """For everybody from the next request on; who did what stays; others may not."""

    def is_shown() -> bool:
        return call("ann", "GET", f"/v1/xrays/{records[0].id}").json["prediction"] is not None

    def state(user: str, silent: object) -> TestResponse:
        return call(user, "POST", "/v1/site/silent", json={"silent": silent})

    assert is_shown()
    check_error(state("ann", True), 403, "not_an_admin")
    check_error(state("lead", "perhaps"), 422, "invalid_request")
    assert is_shown()
    for _ in range(2):
        assert state("lead", True).status_code == 204
    assert not is_shown()
    assert state("lead", False).status_code == 204
    assert is_shown()
    stated = call("ann", "GET", "/v1/site").json["silences"]
    assert [(each["silent"], each["by"]) for each in stated] == [(False, "lead"), (True, "lead")]


@pytest.mark.usefixtures("silent")
def test_silent_readings_are_labels_but_not_of_the_reader_study(
    call: Call, client: redis.Redis, records: list[XrayRecord]
) -> None:
    """Whom nothing was shown the result neither helped nor misled."""
    read(call, "ann", records[0].id, "normal", "silent")
    read(call, "ann", records[1].id, "normal", "hidden")
    found = [find_label(XrayStore(client).get(xray.id)) for xray in records]
    assert [each and each.ill for each in found] == [False, False, None]
    judged = XrayStore(client).get(records[0].id)
    assert [each.ai for each in judged.readings] == ["silent"]
    assert list_comparisons(client) == []  # the other X-ray is uncertain
    assert not [name for name in client.scan_iter("blind:*") if len(client.hgetall(name)) > 1]


@pytest.mark.usefixtures("silent")
def test_upload_of_bytes_that_were_judged_before_tells_nothing(
    call: Call, client: redis.Redis, app: APIFlask, samples: list[Path]
) -> None:
    """It is answered at once from the earlier record, which has a result."""
    data = samples[0].read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    judged = judged_as(new_xray("ann", digest), "pneumonia_likely", 0.93)
    XrayStore(client).add(judged)
    app.extensions["images"].write_preview(judged.id, data)
    app.extensions["served_model"].announce({"version": "m1"})
    for user, expected in (("ann", None), ("machine", 0.93)):
        form = {"xray": (io.BytesIO(data), "a.jpeg")}
        answer = call(user, "POST", "/v1/xrays", data=form)
        assert answer.status_code == 200
        found = answer.json["prediction"]
        assert (found["probability"] if found else None) == expected
