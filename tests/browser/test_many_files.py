"""A hundred files, a folder or an archive at once: three in flight, each with its progress."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.person import await_held, drop_files, log_in, logged_in_page, unique_copy
from tests.browser.test_after_reading import choose
from tests.browser.test_withheld import send
from tests.stack import Stack
from tests.store import connect


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        yield opened


def count_found(desk: Page, stack: Stack, query: str) -> int:
    """How many X-rays a search finds, by the export."""
    table = desk.request.get(f"{stack.url}/xrays.csv?q={query}").text()
    return len(table.splitlines()) - 1


def read_all(stack: Stack) -> str:
    """Everything that is stored in Redis of X-rays."""
    client = connect(stack)
    found = [str(client.hgetall(key)) for key in client.scan_iter("xray:*")]
    client.close()
    return "".join(found)


def test_hundred_files_are_sent_and_numbered(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Copies of one film are X-rays of their own; no file's name is stored or kept."""
    copy = unique_copy(samples[3], tmp_path, "hundred")
    desk.get_by_label("Your reference").fill("Hundred")
    files = [
        {"name": f"DOE-JANE-{n}.jpg", "mimeType": "image/jpeg", "buffer": copy.read_bytes()}
        for n in range(100)
    ]
    desk.locator("#xray").set_input_files(files)
    expect(desk.locator("#all-sending")).to_contain_text("of 100 done")
    expect(desk.locator("#all-sending")).to_contain_text("100 of 100 done", timeout=90000)
    expect(desk.locator("#sending .good")).to_have_count(100)
    expect(desk.locator("#sending li").nth(6)).to_contain_text("Hundred 7/100 · DOE-JANE-6.jpg")
    assert count_found(desk, stack, "hundred") == 100
    assert count_found(desk, stack, "hundred+7") == 11  # 7/100, and 70/100 to 79/100
    assert "DOE" not in read_all(stack)
    assert desk.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])").find("DOE") < 0
    assert desk.evaluate("sessionStorage.getItem('unfinished-upload')") is None


def test_row_of_the_upload_has_the_result(desk: Page, samples: list[Path], tmp_path: Path) -> None:
    """In words, with the film, without opening a page for each."""
    drop_files(desk, *[unique_copy(samples[n], tmp_path, f"row{n}") for n in (8, 9)])
    rows = desk.locator("#sending .good")
    expect(rows).to_have_count(2, timeout=20000)
    expect(rows.first.locator(".pill")).to_have_text("Pneumonia likely")
    film = rows.first.locator("img")
    assert film.evaluate("image => image.decode().then(() => image.naturalWidth)") == 96


def test_row_gives_nothing_away_to_who_reads_first(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Neither the row nor the answer that it is made of."""
    choose(desk, stack, reads_first=True)
    try:
        desk.goto(f"{stack.url}/xrays")
        answers: list[str] = []
        desk.on(
            "response",
            lambda got: answers.append(got.text()) if got.request.method == "POST" else None,
        )
        drop_files(desk, *[unique_copy(samples[n], tmp_path, f"blindrow{n}") for n in (8, 9)])
        rows = desk.locator("#sending .good")
        expect(rows).to_have_count(2, timeout=20000)
        for row in rows.all():
            expect(row.locator(".pill")).to_have_text("After your reading")
        assert len(answers) == 2
        for word in ("likely", "ncertain", "detected", "probability", "0."):
            assert not [answer for answer in answers if word in answer], word
    finally:
        choose(desk, stack, reads_first=False)


def test_three_are_in_flight(desk: Page, samples: list[Path], tmp_path: Path) -> None:
    """The fourth begins when one of them has ended."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    desk.route(f"{desk.url}", hold)
    drop_files(desk, *[unique_copy(samples[n], tmp_path, f"flight{n}") for n in range(5)])
    await_held(desk, held, 3)
    expect(desk.get_by_text("Waiting", exact=True)).to_have_count(2)
    held[1].continue_()
    expect(desk.get_by_text("Waiting", exact=True)).to_have_count(1, timeout=20000)
    await_held(desk, held, 4)
    for route in (held[0], held[2], held[3]):
        route.continue_()
    await_held(desk, held, 5)
    held[4].continue_()
    expect(desk.locator("#sending .good")).to_have_count(5, timeout=20000)


def test_all_that_failed_is_sent_again_at_once(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """One press for all of them; each keeps its number."""
    desk.route("**/xrays", lambda route: route.fulfill(status=503, body="<p>No.</p>"), times=3)
    desk.get_by_label("Your reference").fill("Retried")
    drop_files(desk, *[unique_copy(samples[n], tmp_path, f"again{n}") for n in range(4)])
    expect(desk.locator("#all-sending")).to_contain_text("4 of 4 done, 3 not sent", timeout=20000)
    desk.get_by_role("button", name="Send 3 again").click()
    expect(desk.locator("#sending .good")).to_have_count(4, timeout=20000)
    expect(desk.locator("#all-sending")).to_have_text("4 of 4 done")
    assert count_found(desk, stack, "retried+4") == 4
    assert [count_found(desk, stack, f"retried+{n}") for n in (1, 2, 3)] == [1, 1, 1]


def test_folder_is_sent_without_what_is_no_xray(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """Folders in it, too; hidden files, texts and indexes are left out, and counted."""
    folder = tmp_path / "study"
    (folder / "series").mkdir(parents=True)
    for number, name in enumerate(("a.jpeg", "series/b", "series/c.JPG")):
        (folder / name).write_bytes(samples[number].read_bytes() + b"folder")
    for name in ("DICOMDIR", ".DS_Store", "report.pdf", "series/notes.txt"):
        (folder / name).write_text("no image")
    desk.get_by_label("Your reference").fill("Folder")
    desk.locator("#folder").set_input_files(folder)
    expect(desk.locator("#all-sending")).to_have_text(
        "3 of 3 done, 2 other files left out", timeout=20000
    )
    assert count_found(desk, stack, "folder") == 3


def test_upload_that_was_left_goes_on(
    browser: Browser, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """What had arrived is not stored twice, and the page says how many had not."""
    with logged_in_page(browser, stack, 1440, 900) as desk:
        files = [unique_copy(samples[n], tmp_path, f"left{n}") for n in range(5)]
        held: list[Route] = []
        desk.on("dialog", lambda dialog: dialog.accept())  # it asks before it is left

        passed: list[Route] = []

        def hold_later(route: Route) -> None:
            if route.request.method == "POST" and len(passed) == 2:
                held.append(route)
                return
            if route.request.method == "POST":
                passed.append(route)
            route.continue_()

        desk.get_by_label("Your reference").fill("Resumed")
        desk.route("**/xrays", hold_later)
        desk.locator("#xray").set_input_files(files)
        expect(desk.locator("#all-sending")).to_contain_text(" of 5 done", timeout=20000)
        expect(desk.locator("#sending .good")).not_to_have_count(0, timeout=20000)
        desk.goto(f"{stack.url}/about")
        desk.unroute("**/xrays")
        desk.goto(f"{stack.url}/xrays")
        expect(desk.locator("#unfinished")).to_contain_text("of 5 files had not been sent")
        desk.get_by_label("Your reference").fill("Resumed")
        desk.locator("#xray").set_input_files(files)
        expect(desk.locator("#all-sending")).to_contain_text("5 of 5 done", timeout=20000)
        found = desk.request.get(f"{stack.url}/xrays.csv?q=resumed").text()
        assert count_found(desk, stack, "resumed") == 5, found
        desk.reload()
        expect(desk.locator("#unfinished")).to_be_hidden()


def test_file_dropped_on_a_result_is_sent_from_there(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path
) -> None:
    """The browser does not open it, and the reader's page stays; a dragged text does nothing."""
    send(desk, stack, unique_copy(samples[8], tmp_path, "read"), "Read")
    address = desk.url
    assert desk.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.setData("text/plain", "a word");
            return document.body.dispatchEvent(
                new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }"""
    )
    drop_files(desk, unique_copy(samples[1], tmp_path, "dropped"))
    row = desk.locator("#sending .good")
    expect(row).to_be_visible(timeout=20000)
    assert desk.url == address
    desk.evaluate("document.documentElement.classList.add('locked')")
    drop_files(desk, unique_copy(samples[2], tmp_path, "locked"))
    expect(desk.locator("#sending li")).to_have_count(1)
    row.get_by_role("link", name="View result").evaluate("link => link.click()")
    expect(desk).not_to_have_url(address)


def test_too_long_reference_is_said_before_anything_is_sent(
    desk: Page, samples: list[Path]
) -> None:
    """It is neither cut nor left out."""
    posts: list[str] = []
    desk.on("request", lambda sent: posts.append(sent.url) if sent.method == "POST" else None)
    desk.get_by_label("Your reference").fill("R" * 61)
    drop_files(desk, *samples[:2])
    expect(desk.locator("#sending .bad")).to_contain_text("has no room for numbers up to 2")
    assert posts == []


def test_archive_without_script_is_refused_in_a_sentence(
    browser: Browser, stack: Stack, tmp_path: Path
) -> None:
    """It is unpacked by the page alone."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a", "a")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, stack)
    expect(page.get_by_role("button", name="Choose a folder")).to_be_hidden()
    page.locator("#xray").set_input_files(archive)
    page.get_by_role("button", name="Analyse").click()
    expect(page.locator("h1")).to_contain_text("This is not a JPEG, PNG, TIFF or DICOM image")
    context.close()
