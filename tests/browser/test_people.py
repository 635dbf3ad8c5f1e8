"""Admins invite people and give keys to programs, on a phone as at a desk."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from pneumonia_api.accounts import Accounts
from pneumonia_api.records.machine_keys import MachineKeys
from tests.browser.person import logged_in_page
from tests.stack import Stack
from tests.store import connect

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PASSWORD = "a longer password"
EVE = "eve.of.the.radiology-department@hospital.example"


@pytest.fixture(params=[320, 1440])
def admin(browser: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The first user, who is an admin; what the test leaves is deleted."""
    with logged_in_page(browser, stack, request.param, 800) as page:
        yield page
    client = connect(stack)
    accounts, keys = Accounts(client, 600), MachineKeys(client)
    for name in accounts.list_users():
        if name != stack.user:
            accounts.delete(name)
    for key in keys.list_all():
        keys.revoke(key.name)
    client.close()


def test_who_is_invited_logs_in_and_is_disabled(
    admin: Page, browser: Browser, stack: Stack
) -> None:
    """From the link on the admin's page to the refusal at the log-in."""
    admin.goto(stack.url)
    admin.get_by_role("link", name="People").click()
    form = admin.locator("form[action='/people']")
    form.get_by_label("Name").fill(EVE)
    form.get_by_label("ML engineer").check()
    form.get_by_role("button", name="Make a one-time link").click()
    link = admin.locator(".once code").inner_text()
    assert admin.evaluate(SIDEWAYS) <= 0
    with browser.new_context(viewport={"width": 320, "height": 800}) as context:
        eve = context.new_page()
        eve.goto(link)
        eve.get_by_label("New password", exact=True).fill(PASSWORD)
        eve.get_by_label("New password, once more").fill(PASSWORD)
        assert eve.evaluate(SIDEWAYS) <= 0
        eve.get_by_role("button", name="Save").click()
        expect(eve.get_by_role("status").last).to_contain_text("log in as eve.of")
        eve.get_by_label("Name").fill(EVE)
        eve.get_by_label("Password").fill(PASSWORD)
        eve.get_by_role("button", name="Log in").click()
        expect(eve.get_by_role("heading", name="Worklist")).to_be_attached()
        admin.goto(f"{stack.url}/people")
        row = admin.locator(".entries > li", has_text="eve.of")
        expect(row).to_contain_text("1 open session")
        row.get_by_text("1 open session").click()
        row.get_by_text("Change …").click()
        assert admin.evaluate(SIDEWAYS) <= 0
        row.get_by_role("button", name="Disable").click()
        expect(admin.locator(".entries > li", has_text="eve.of")).to_contain_text("Disabled")
        eve.goto(f"{stack.url}/xrays")
        expect(eve.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_key_is_created_and_revoked(admin: Page, stack: Stack) -> None:
    """It is shown once; the button that revokes says which key it is of."""
    admin.goto(stack.url)
    admin.get_by_role("link", name="Keys for programs").click()
    admin.get_by_label("Name of the program").fill("gateway.of-the-department_01")
    admin.get_by_label("Send X-rays and get their results").check()
    admin.get_by_label("See all X-rays and results").check()
    admin.get_by_role("button", name="Create the key").click()
    expect(admin.locator(".once code")).to_contain_text("pdk_")
    assert admin.evaluate(SIDEWAYS) <= 0
    admin.goto(f"{stack.url}/keys")
    expect(admin.get_by_text("pdk_")).to_have_count(0)
    admin.locator("summary", has_text="Revoke …").click()
    admin.get_by_role("button", name="Revoke this key").click()
    expect(admin.get_by_role("status").last).to_contain_text("was revoked")
    expect(admin.get_by_text("No program has a key of its own yet.")).to_be_visible()
