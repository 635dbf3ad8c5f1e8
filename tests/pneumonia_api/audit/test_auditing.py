"""`GET /v1/audit` and its table, for admins."""

import csv
import io

import pytest
import redis

from tests.pneumonia_api.audit.lines import read_events
from tests.pneumonia_api.audit.made import XRAY, add
from tests.pneumonia_api.callers import Call
from tests.pneumonia_api.errors import check_error


def test_pages_follow_one_another(call: Call, client: redis.Redis) -> None:
    """The newest first, each line once, whatever is added meanwhile."""
    add(client, 25)
    found, cursor = [], ""
    for _ in range(3):
        answer = call("lead", "GET", f"/v1/audit?who=ann&limit=10{cursor}").json
        found += [entry["about"] for entry in answer["entries"]]
        cursor = f"&cursor={answer['cursor']}"
        add(client, 1, "eve")
    assert found == [str(number) for number in reversed(range(25))]
    assert answer["cursor"] is None


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("who=ann", 3),
        ("who=nobody", 0),
        ("action=see_xray", 5),
        ("action=delete", 0),
        (f"xray={XRAY}", 5),
        ("xray=" + "f" * 32, 0),
        ("since=2020-01-01&who=ann", 3),
        ("since=2999-01-01", 0),
        ("until=2020-01-01", 0),
        ("until=2999-01-01&who=eve", 2),
    ],
)
def test_filters_select(call: Call, client: redis.Redis, query: str, count: int) -> None:
    """By who, what, which X-ray and day."""
    add(client, 3)
    add(client, 2, "eve")
    assert len(call("lead", "GET", f"/v1/audit?{query}").json["entries"]) == count


@pytest.mark.parametrize("query", ["xray=../x", "action=fly", "since=soon", "cursor=x", "limit=0"])
def test_nonsense_is_refused(call: Call, query: str) -> None:
    """And not answered by everything."""
    assert call("lead", "GET", f"/v1/audit?{query}").status_code == 422


def test_who_looked_at_it_is_in_it(call: Call, client: redis.Redis) -> None:
    """With what they looked for; and who was not allowed to."""
    check_error(call("ann", "GET", "/v1/audit"), 403, "not_an_admin")
    assert call("lead", "GET", "/v1/audit?who=ann").status_code == 200
    assert call("lead", "GET", "/v1/audit.csv?who=ann").status_code == 200
    assert [(each["who"], each["action"], each["detail"]) for each in read_events(client)] == [
        ("ann", "see_audit", ""),
        ("lead", "see_audit", "who=ann"),
        ("lead", "export_audit", "who=ann"),
    ]


def test_the_table_has_every_line_and_no_formula(call: Call, client: redis.Redis) -> None:
    """A spreadsheet would run a name that begins like one."""
    add(client, 2)
    add(client, 1, "=HYPERLINK(1)")
    answer = call("lead", "GET", "/v1/audit.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = [*csv.DictReader(io.StringIO(answer.text))]
    assert [row["who"] for row in rows] == ["'=HYPERLINK(1)", "ann", "ann"]
    assert rows[0]["xray"] == XRAY
