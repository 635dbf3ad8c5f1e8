"""What a person does on every page: log in, drop files."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, expect

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
    log_in(opened, stack)
    yield opened
    context.close()
    assert problems == []


def log_in(page: Page, stack: Stack) -> None:
    """As the first user, by the form."""
    page.goto(stack.url)
    page.get_by_label("Name").fill(stack.user)
    page.get_by_label("Password").fill(stack.password)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{stack.url}/xrays")
    page.wait_for_load_state()  # the address changes before the page's scripts run


def await_held(page: Page, held: Sequence[Route], count: int) -> None:
    """Wait until so many requests are held, and no more."""
    for _ in range(100):
        if len(held) >= count:
            break
        page.wait_for_timeout(50)
    assert len(held) == count


def unique_copy(sample: Path, tmp_path: Path, mark: str) -> Path:
    """The same X-ray with different bytes, so that no stored prediction is reused."""
    copy = tmp_path / f"{mark}.jpeg"
    copy.write_bytes(sample.read_bytes() + mark.encode())
    return copy


def drop_files(page: Page, *files: Path) -> None:
    """Drop them all at once anywhere on the page."""
    page.evaluate(
        """(files) => {
            const transfer = new DataTransfer();
            for (const [name, base64] of files) {
                const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
                transfer.items.add(new File([bytes], name, {type: "image/jpeg"}));
            }
            document.body.dispatchEvent(
                new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }""",
        [[path.name, b64encode(path.read_bytes()).decode()] for path in files],
    )


def drop_paths(page: Page, *paths: Path) -> None:
    """Drop files and folders as from the computer's desk: the browser itself reads them."""
    session = page.context.new_cdp_session(page)
    files = [str(path) for path in paths]
    data = {"items": [], "files": files, "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 300, "data": data})
    session.detach()
