"""What a person does at every page: log in, drop files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.stack import Stack


@contextmanager
def logged_in_page(browser: Browser, stack: Stack, width: int, height: int) -> Iterator[Page]:
    """A logged-in page in which no script fails and nothing is loaded from elsewhere."""
    context = browser.new_context(viewport={"width": width, "height": height})
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "request",
        lambda sent: (
            None if sent.url.startswith((stack.url, "blob:")) else problems.append(sent.url)
        ),
    )
    opened.goto(stack.url)
    opened.get_by_label("Name").fill(stack.user)
    opened.get_by_label("Password").fill(stack.password)
    opened.get_by_role("button", name="Log in").click()
    expect(opened).to_have_url(f"{stack.url}/xrays")
    yield opened
    context.close()
    assert problems == []


def unique_copy(sample: Path, tmp_path: Path, mark: str) -> Path:
    """The same X-ray with other bytes, so that it is judged anew."""
    copy = tmp_path / f"{mark}.jpeg"
    copy.write_bytes(sample.read_bytes() + mark.encode())
    return copy


def drop_files(page: Page, *files: Path) -> None:
    """Drop them all at once anywhere on the page."""
    page.evaluate(
        """(files) => {
            const transfer = new DataTransfer();
            for (const [name, bytes] of files) {
                transfer.items.add(new File([new Uint8Array(bytes)], name, {type: "image/jpeg"}));
            }
            document.body.dispatchEvent(
                new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }""",
        [[path.name, list(path.read_bytes())] for path in files],
    )
