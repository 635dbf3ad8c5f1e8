"""The page *Acceptance*: admins write the plan there, and see what came of it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis

from pneumonia_api.records import keys
from pneumonia_api.records.record import XrayRecord
from pneumonia_api.records.served_model import ServedModel
from pneumonia_api.records.xrays import XrayStore
from pneumonia_api.roles import Role
from tests.pneumonia_api.acceptance.hospital import confirm, judge
from tests.pneumonia_web.visitor import Visitor
from tests.stack import Stack
from tests.store import connect


@pytest.fixture
def client(stack: Stack) -> Iterator[redis.Redis]:
    """The site's Redis; plans and X-rays are taken back."""
    opened = connect(stack)
    known = set(opened.zrange(keys.XRAYS, 0, -1))
    yield opened
    opened.delete(keys.PLANS)
    xrays = XrayStore(opened)
    for xray_id in set(opened.zrange(keys.XRAYS, 0, -1)) - known:
        xrays.delete(xrays.get(xray_id))
    opened.close()


def add(client: redis.Redis, number: int, *, ill: bool, called: bool) -> XrayRecord:
    """An X-ray of a patient of its own, judged by the model of the site, with an outcome."""
    model = ServedModel(client).get_version()
    xray = judge(client, 0.9 if called else 0.1, f"Accepted {number}")
    assert xray.prediction
    prediction = replace(xray.prediction, model=str(model))
    XrayStore(client).add(replace(xray, prediction=prediction))
    confirm(client, xray, "pneumonia" if ill else "normal")
    return xray


def write(doctor: Visitor, sensitivity: str = "94", specificity: str = "73") -> str:
    """Send the form of the plan; the text of the page that answers."""
    data = {"sensitivity": sensitivity, "specificity": specificity}
    return doctor.post("/acceptance/plan", "/acceptance", data=data).text


def test_plan_then_verdict(doctor: Visitor, client: redis.Redis) -> None:
    """Few films say so; enough good ones hold; the page names who wrote the plan."""
    page = doctor.get("/acceptance").text
    assert "No plan is written for this model" in page and 'value="69"' in page
    page = write(doctor)
    assert "The plan was written." in page and "Too few to say" in page
    assert "Patients with pneumonia: 0, of at least 50." in page
    for number in range(160):
        add(client, number, ill=number % 2 == 0, called=number % 2 == 0)
    page = doctor.get("/acceptance").text
    assert '<h2 id="verdict">Holds here</h2>' in page
    assert "80 patients with pneumonia and 80 without" in page
    assert "Least sensitivity <strong>94\u00a0%</strong>" in page


def test_wrong_films_do_not_hold(doctor: Visitor, client: redis.Redis) -> None:
    """And the stopping rule says since which film."""
    write(doctor)
    for number in range(60):
        add(client, number, ill=False, called=number % 2 == 0)
    page = doctor.get("/acceptance").text
    assert '<h2 id="verdict">Does not hold here</h2>' in page
    assert "Specificity: alarm at read film" in page


@pytest.mark.usefixtures("client")
def test_page_is_in_the_language_of_the_reader(doctor: Visitor) -> None:
    """Verdict and reasons, too, although the API states these in English."""
    write(doctor)
    page = doctor.get("/acceptance", headers={"Accept-Language": "de"}).text
    assert "Zu wenige für eine Aussage" in page
    assert "Patienten mit Pneumonie: 0, nötig sind mindestens 50." in page


@pytest.mark.usefixtures("client")
def test_acceptance_is_saved_as_a_pdf(doctor: Visitor) -> None:
    """By the link on the page; without a plan a sentence says what is missing."""
    assert doctor.get("/acceptance/report.pdf").status_code == 409
    assert 'href="/acceptance/report.pdf"' in write(doctor)
    answer = doctor.get("/acceptance/report.pdf")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert 'filename="acceptance.pdf"' in answer.headers["Content-Disposition"]
    assert answer.content.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("typed", "problem"),
    [("99,9", "must be below what the model card says"), ("all", "Enter per cent")],
)
def test_useless_plan_keeps_what_was_typed(
    doctor: Visitor, client: redis.Redis, typed: str, problem: str
) -> None:
    """With a sentence that says what to change."""
    page = write(doctor, sensitivity=typed)
    assert problem in page and f'value="{typed}"' in page
    assert client.llen(keys.PLANS) == 0


@pytest.mark.usefixtures("client")
def test_page_is_for_admins(stack: Stack) -> None:
    """Others get no figures, and no link to them."""
    client = connect(stack)
    account = keys.user(stack.user)
    client.hset(account, "roles", "clinician lead")
    try:
        visitor = Visitor(stack.url)
        visitor.log_in(stack.user, stack.password)
        answer = visitor.get("/acceptance")
        assert (answer.status_code, "Sensitivity" in answer.text) == (403, False)
        assert "Your roles do not allow that" in answer.text
        assert "/acceptance" not in visitor.get("/site").text
        visitor.session.close()
    finally:
        client.hset(account, "roles", " ".join(Role))
        client.close()
