"""Photograph every page, for docs/pages.

    python -m tests.browser.photograph --out docs/pages

starts the services on ports of its own, sends the X-rays of `make samples`, reads some of them, and
writes a JPEG of each page; about two minutes. Needs Chromium.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.films import press
from tests.browser.person import drop_files
from tests.stack import ROOT, Stack, running_stack

PAGES = {
    "about": "/about",
    "preferences": "/preferences",
    "site": "/site",
    "acceptance": "/acceptance",
    "reader-study": "/reader-study",
    "deletions": "/deletions",
    "people": "/people",
    "keys": "/keys",
    "second-factor": "/second-factor",
    "password": "/password",
    "not-found": "/xrays/00000000000000000000000000000000",
}
"""Those that need nothing but their address."""

LANGUAGES = {"en": "en-GB", "de": "de-DE"}
SIZES = {"desktop": (1440, 900, "light"), "phone": (390, 844, "dark")}
QUALITY = 80


def save(page: Page, out: Path, name: str) -> None:
    """Write one page whole."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)  # pictures fade in
    page.screenshot(path=out / f"{name}.jpg", type="jpeg", quality=QUALITY, full_page=True)


def send_samples(page: Page, stack: Stack) -> None:
    """A batch with a reference, one X-ray twice, and an image that is none; two are read."""
    files = sorted((ROOT / "var" / "samples").glob("*.jpeg"))
    page.locator("#reference").fill("Study 4711")
    drop_files(page, *files)
    done = page.locator("#all-sending")
    expect(done).to_contain_text(f"{len(files)} of {len(files)} done", timeout=120_000)
    page.locator("#reference").fill("Follow-up")
    drop_files(page, files[0])
    page.wait_for_url("**/xrays/*", timeout=30_000)
    page.goto(f"{stack.url}/xrays")
    page.locator("#reference").fill("Follow-up")
    drop_files(page, files[8])
    page.wait_for_url("**/xrays/*", timeout=30_000)


def photograph_result(page: Page, out: Path) -> None:
    """The newest X-ray: as it opens, with its heat map, beside an earlier one, and read."""
    expect(page.locator(".film")).to_have_attribute("data-depth", "full", timeout=30_000)
    save(page, out, "result")
    press(page, "h")
    save(page, out, "result-heat-map")
    press(page, "h")
    press(page, "c")
    expect(page.locator(".film.earlier")).to_be_visible(timeout=15_000)
    page.wait_for_timeout(2_000)  # until its film is drawn at full depth
    save(page, out, "result-comparison")
    press(page, "Escape")
    press(page, "a")
    page.wait_for_timeout(6_000)  # Undo is offered for five seconds
    save(page, out, "result-read")


def photograph(browser: Browser, stack: Stack, out: Path) -> None:
    """Every page in English on a desktop; what matters most on a telephone and in German, too."""
    for language, locale in LANGUAGES.items():
        for size, (width, height, scheme) in SIZES.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, locale=locale, color_scheme=scheme
            )
            page = context.new_page()
            mark = "" if (language, size) == ("en", "desktop") else f"-{size}-{language}"
            page.goto(stack.url)
            save(page, out, f"log-in{mark}")
            page.locator("#user").fill(stack.user)
            page.locator("#password").fill(stack.password)
            page.keyboard.press("Enter")
            expect(page.locator("#upload")).to_be_visible()
            page.wait_for_load_state("networkidle")
            if not mark:
                send_samples(page, stack)
                photograph_result(page, out)
                for name, path in PAGES.items():
                    page.goto(stack.url + path)
                    save(page, out, name)
            page.goto(f"{stack.url}/xrays?tab=all")
            save(page, out, f"worklist{mark}")
            if mark:
                page.locator(".worklist tbody a").first.click()
                page.wait_for_url("**/xrays/*")
                save(page, out, f"result{mark}")
            context.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Photograph; what is missing is printed as one line."""
    parser = argparse.ArgumentParser(description="Photograph every page.")
    parser.add_argument("--out", type=Path, default=Path("docs/pages"))
    arguments = parser.parse_args(argv)
    if not CHROMIUM:
        print("There is no Chromium on this machine; Debian's package chromium brings it.")
        return 1
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory() as folder,
        running_stack(Path(folder)) as stack,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, chromium_sandbox=False
        )
        photograph(browser, stack, arguments.out)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
