"""Every page by keyboard alone at 400 % zoom: nothing is out of reach, out of sight or a trap."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.keyboard import check_focus, choose, tab_to, walk, zoomed_page
from tests.browser.test_locking import leave
from tests.pneumonia_web.listed import KINDS, listed
from tests.stack import Stack
from tests.store import connect

PATHS = (
    *("/xrays?tab=all", "/xrays?tab=needs_person", "/xrays?q=nothing-has-this-name", "/about"),
    *("/preferences", "/deletions", "/reader-study", "/site", "/acceptance"),
    *("/people", "/keys", "/password"),
    *("/unlock", "/nowhere"),
)


@pytest.fixture(scope="module")
def zoomed(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A page of a person at 400 %, with an X-ray of each kind in the list."""
    with listed(stack, "Keys", *KINDS), zoomed_page(browser, stack) as opened:
        yield opened


@pytest.mark.parametrize("path", PATHS)
def test_every_control_of_a_page_is_reached_and_seen(zoomed: Page, stack: Stack, path: str) -> None:
    """Each once, in order; then the focus leaves the page."""
    zoomed.goto(f"{stack.url}{path}")
    zoomed.wait_for_load_state()
    names = walk(zoomed)
    assert "Skip to content" in names
    assert "About the model, and help" in names


def test_result_of_each_kind_is_worked_by_keys(zoomed: Page, stack: Stack) -> None:
    """Withheld, refused or failed: the page has no dead end."""
    zoomed.goto(f"{stack.url}/xrays?tab=all")
    addresses = zoomed.locator(".row-link").evaluate_all("links => links.map(link => link.href)")
    assert len(addresses) >= len(KINDS)
    for address in addresses[: len(KINDS)]:
        zoomed.goto(address)
        assert "Delete …" in walk(zoomed)


def test_faults_are_found(zoomed: Page, stack: Stack) -> None:
    """Each kind, so that a page without any means something."""
    zoomed.goto(f"{stack.url}/about")
    faults = {
        "covered": "document.querySelector('.bar').style.cssText = 'position: fixed; inset: 0'",
        "no visible focus": "document.querySelectorAll('a').forEach(a => a.style.outline = 'none')",
        "scrolls sideways": "document.querySelector('h1').style.width = '400px'",
        "not inside": "document.querySelector('.crumbs a').style.cssText = "
        "'position: fixed; left: -60px'",
        "lost": "document.addEventListener('focusin', ({target}) => target.blur())",
    }
    for fault, make in faults.items():
        zoomed.reload()
        zoomed.evaluate(f"() => {{ {make} }}")
        with pytest.raises(AssertionError, match=fault):
            tab_to(zoomed, zoomed.get_by_role("link", name="← Worklist"))
            check_focus(zoomed)


def test_preference_and_prevalence_are_saved(zoomed: Page, stack: Stack) -> None:
    """From the worklist, by links, fields and buttons alone; what is wrong has the focus."""
    zoomed.goto(f"{stack.url}/xrays")
    choose(zoomed, zoomed.get_by_role("link", name=stack.user))
    zoomed.wait_for_url("**/preferences")
    reads_first = zoomed.get_by_label("Show the AI result after my own reading")
    for _ in range(2):
        before = reads_first.is_checked()
        choose(zoomed, reads_first, key="Space")
        choose(zoomed, zoomed.get_by_role("button", name="Save"))
        expect(zoomed.get_by_text("Your preferences were saved.")).to_be_visible()
        expect(reads_first).to_be_checked(checked=not before)
    choose(zoomed, zoomed.get_by_role("link", name="This site"))
    zoomed.wait_for_url("**/site")
    tab_to(zoomed, zoomed.get_by_label("Per cent of the patients"))
    zoomed.keyboard.press("ControlOrMeta+A")
    zoomed.keyboard.type("nothing")
    zoomed.keyboard.press("Enter")
    expect(zoomed.get_by_role("alert")).to_contain_text("Enter per cent")
    expect(zoomed.get_by_label("Per cent of the patients")).to_be_focused()
    check_focus(zoomed)
    zoomed.keyboard.press("ControlOrMeta+A")
    zoomed.keyboard.type("20")
    choose(zoomed, zoomed.get_by_role("button", name="Save"))
    expect(zoomed.get_by_text("The prevalence was saved.")).to_be_visible()
    connect(stack).delete("site:prevalence")
    choose(zoomed, zoomed.get_by_role("link", name="← Worklist"))
    zoomed.wait_for_url("**/xrays")


def test_locked_page_is_unlocked_where_it_was_left(zoomed: Page, stack: Stack) -> None:
    """The password field has the focus; after it, what had it before."""
    zoomed.goto(f"{stack.url}/xrays")
    zoomed.clock.install()
    search = zoomed.get_by_label("Search reference")
    tab_to(zoomed, search)
    leave(zoomed, stack)
    dialog = zoomed.get_by_role("dialog", name="Locked")
    expect(dialog).to_be_visible()
    password = dialog.get_by_label("Password of")
    expect(password).to_be_focused()
    check_focus(zoomed)
    tab_to(zoomed, dialog.get_by_role("button", name="Unlock"))
    tab_to(zoomed, password, key="Shift+Tab")
    zoomed.keyboard.type(stack.password)
    zoomed.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(search).to_be_focused()
    check_focus(zoomed)


def test_person_logs_in_and_out(browser: Browser, stack: Stack) -> None:
    """A wrong password is said, and its field has the focus."""
    with zoomed_page(browser, stack) as page:
        choose(page, page.get_by_role("button", name="Log out"))
        page.wait_for_url("**/login*")
        check_focus(page)
        page.keyboard.type("nobody")
        tab_to(page, page.get_by_label("Password"))
        page.keyboard.type("wrong")
        choose(page, page.get_by_role("button", name="Log in"))
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_label("Password")).to_be_focused()
        check_focus(page)
        walk(page)
