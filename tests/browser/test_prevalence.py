"""The site's prevalence, and what a result is worth at it: stated once, shown beside the score."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pneumonia_api.roles import Role
from tests.browser.person import logged_in_page, unique_copy
from tests.browser.test_after_reading import choose
from tests.browser.test_withheld import send
from tests.stack import Stack
from tests.store import connect


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A page of an admin; what they state is forgotten again."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        yield opened
    connect(stack).delete("site:prevalence")


def state(desk: Page, stack: Stack, percent: str) -> None:
    """By the page, which one reaches from the preferences."""
    desk.goto(f"{stack.url}/preferences")
    desk.get_by_role("link", name="This site").click()
    desk.get_by_label("Per cent of the patients").fill(percent)
    desk.get_by_role("button", name="Save").click()


def test_prevalence_says_what_a_result_is_worth(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Before it is stated the score assumes half; then the page counts of 100 patients."""
    send(desk, stack, unique_copy(samples[8], tmp_path, "worth"), "Worth")
    shown = desk.url
    expect(desk.locator(".caveat")).to_contain_text("assumes that half of the patients")
    expect(desk.locator(".worth")).to_have_count(0)

    state(desk, stack, "much")
    expect(desk.get_by_role("alert")).to_contain_text("Enter per cent")
    expect(desk.get_by_label("Per cent of the patients")).to_have_value("much")
    state(desk, stack, "20,0")
    expect(desk.get_by_text("The prevalence was saved.")).to_be_visible()
    expect(desk.get_by_role("main")).to_contain_text(f"20 % {stack.user}")
    expect(desk.locator("dd").first).to_contain_text("about 81 are ill")

    desk.goto(shown)
    expect(desk.locator(".worth")).to_have_text(
        "Of 100 patients here with this result about 81 are ill 95 % interval 73 to 89"
    )
    expect(desk.locator(".caveat")).to_contain_text("prevalence of 20 %")
    state(desk, stack, "5")
    desk.goto(shown)
    expect(desk.locator(".worth strong")).to_have_text("about 47 are ill")


def test_worth_gives_nothing_away_before_the_answer(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """It would tell the result."""
    state(desk, stack, "20")
    choose(desk, stack, reads_first=True)
    send(desk, stack, unique_copy(samples[8], tmp_path, "blindworth"), "Blind worth")
    expect(desk.locator("h1")).to_have_text("After your reading")
    sent = desk.evaluate("fetch(location.href).then((answer) => answer.text())")
    assert not re.search("Of 100|prevalence", sent)
    desk.get_by_role("button", name="No pneumonia").click()
    expect(desk.locator(".worth strong")).to_have_text("about 81 are ill")
    choose(desk, stack, reads_first=False)


def test_readers_see_it_and_cannot_change_it(desk: Page, stack: Stack, browser: Browser) -> None:
    """Nor by sending the form by hand; each width fits."""
    state(desk, stack, "20")
    account = f"user:{stack.user}"
    connect(stack).hset(account, "roles", "clinician lead")
    try:
        with logged_in_page(browser, stack, 320, 800) as phone:
            phone.goto(f"{stack.url}/site")
            expect(phone.get_by_role("main")).to_contain_text("20 % of the patients examined")
            expect(phone.get_by_role("button", name="Save")).to_have_count(0)
            assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
        desk.get_by_label("Per cent of the patients").fill("50")
        desk.get_by_role("button", name="Save").click()
        expect(desk.get_by_role("main")).to_contain_text("Only an administrator")
    finally:
        connect(stack).hset(account, "roles", " ".join(Role))
