"""Which earlier X-rays the viewer offers to compare an X-ray with, and when they are searched."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from pneumonia_api.records.record import XrayRecord, new_xray
from pneumonia_api.records.xrays import XrayStore
from pneumonia_web.earlier import MAX_OFFERED, SEARCHED
from tests.pneumonia_api.records.judged import judged_as
from tests.pneumonia_web.visitor import Visitor
from tests.scrape import find_value
from tests.stack import Stack
from tests.store import connect

LINKED = re.compile(r'href="/xrays/([0-9a-f]{32})"')
OFFERED = re.compile(r'<option data-datetime="[^"]+" data-film="/xrays/([0-9a-f]{32})/film"')


class Archive:
    """Records that a test adds, each a millisecond after the one before."""

    def __init__(self, stack: Stack) -> None:
        self.client = connect(stack)
        self.records: list[XrayRecord] = []

    def add(self, reference: str, status: str = "done") -> str:
        """A record without an image; returns its id."""
        number = len(self.records)
        xray = new_xray("colleague", f"earlier{number}", reference)
        first = self.records[0].id if self.records else xray.id
        xray = replace(xray, id=f"{int(first[:12], 16) + number:012x}{xray.id[12:]}")
        if status == "done":
            xray = judged_as(xray, "pneumonia_likely")
        else:
            xray = replace(xray, status=status, reason="It was refused.")
        XrayStore(self.client).add(xray)
        self.records.append(xray)
        return xray.id


@pytest.fixture
def archive(stack: Stack) -> Iterator[Archive]:
    """Removes the records at the end."""
    opened = Archive(stack)
    yield opened
    for xray in opened.records:
        XrayStore(opened.client).delete(xray)
    opened.client.close()


def find_offered(doctor: Visitor, xray_id: str) -> list[str]:
    """The ids in their order, as the viewer asks for them; those without scripts have the same."""
    part = doctor.get(f"/xrays/{xray_id}/earlier", headers={"HX-Request": "true"}).text
    page = doctor.get(f"/xrays/{xray_id}/earlier").text
    found = OFFERED.findall(part)
    assert LINKED.findall(page.partition("<section")[2]) == found
    return found


def count_searches(stack: Stack) -> float:
    """How often the API has listed X-rays."""
    text = requests.get(f"{stack.api_url}/metrics", timeout=5).text
    name = "pneumonia_api_requests_total"
    return find_value(text, name, method="GET", route="/v1/xrays") or 0


def test_earlier_ones_with_exactly_the_reference_are_offered(
    doctor: Visitor, archive: Archive
) -> None:
    """Newest first; not one that begins alike, differs in case, was refused, or came later."""
    first, second = archive.add("Exact 9"), archive.add("Exact 9")
    for other in ("Exact 90", "exact 9", "Exact/9", "Exact 9 left"):
        archive.add(other)
    archive.add("Exact 9", "rejected")
    own, later = archive.add("Exact 9"), archive.add("Exact 9")
    assert find_offered(doctor, own) == [second, first]
    assert find_offered(doctor, later) == [own, second, first]
    assert find_offered(doctor, first) == []


def test_deleted_one_is_not_offered(doctor: Visitor, archive: Archive) -> None:
    """As soon as it is deleted."""
    earlier, own = archive.add("Gone 4"), archive.add("Gone 4")
    assert find_offered(doctor, own) == [earlier]
    doctor.post(f"/xrays/{earlier}/delete", f"/xrays/{earlier}")
    assert find_offered(doctor, own) == []


def test_xrays_without_a_reference_have_nothing_in_common(
    doctor: Visitor, archive: Archive
) -> None:
    """Nor have those whose reference has neither a letter nor a digit, which no search finds."""
    for reference in ("", "--"):
        archive.add(reference)
        assert find_offered(doctor, archive.add(reference)) == []


def test_so_many_are_offered_and_no_more(doctor: Visitor, archive: Archive) -> None:
    """The newest ones."""
    ids = [archive.add("Often 2") for _ in range(MAX_OFFERED + 3)]
    assert find_offered(doctor, ids[-1]) == ids[-2 : -2 - MAX_OFFERED : -1]


def test_one_behind_many_that_begin_alike_is_found(doctor: Visitor, archive: Archive) -> None:
    """The search finds beginnings of words: the page asks for more until it has them."""
    earlier = archive.add("Ward 1")
    for number in range(SEARCHED + 20):
        archive.add(f"Ward 1{number:03}")
    assert find_offered(doctor, archive.add("Ward 1")) == [earlier]


def test_nobody_searches_before_a_person_asks(
    doctor: Visitor, archive: Archive, stack: Stack
) -> None:
    """The page of a result lists nothing; it says where to ask."""
    archive.add("Unasked 5")
    own = archive.add("Unasked 5")
    before = count_searches(stack)
    page = doctor.get(f"/xrays/{own}").text
    assert count_searches(stack) == before
    assert f"/xrays/{own}/earlier" in page
    assert not OFFERED.search(page)
    doctor.get(f"/xrays/{own}/earlier", headers={"HX-Request": "true"})
    assert count_searches(stack) == before + 1


def test_nothing_but_place_and_time_of_it_is_in_the_page(doctor: Visitor, archive: Archive) -> None:
    """The result of an earlier X-ray is no part of the page of a later one."""
    archive.add("Silent 3")
    own = archive.add("Silent 3")
    found = doctor.get(f"/xrays/{own}/earlier").text.partition("</header>")[2]
    page = doctor.get(f"/xrays/{own}").text
    template = page.partition("<template data-earlier>")[2].partition("</template>")[0]
    assert "Earlier X-ray" in template
    for revealing in ("neumonia", "probability", "heat", "%"):
        assert revealing not in template
        assert revealing not in found.partition("<footer")[0]
    assert page.count('class="heat"') == 1
