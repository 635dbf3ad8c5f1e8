"""A folder that is dropped on the page, as the browser itself hands it over."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.person import drop_paths, logged_in_page
from tests.stack import Stack


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        yield opened


def write(folder: Path, samples: list[Path], *names: str) -> Path:
    """Copies of X-rays, each another one, under these names."""
    for number, name in enumerate(names):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(samples[number].read_bytes() + name.encode())
    return folder


def test_xrays_in_folders_of_a_dropped_folder_are_found(
    desk: Page, samples: list[Path], tmp_path: Path
) -> None:
    """At any depth, and behind the hundred entries that a browser reads at a time."""
    study = write(tmp_path / "study", samples, "a.jpeg", "series/b", "series/deep/er/c.JPG")
    for number in range(120):
        (study / "series" / f"{number}.txt").write_text("no image")
    for name in ("DICOMDIR", ".hidden.jpeg", "series/.DS_Store"):
        (study / name).write_bytes(samples[0].read_bytes())
    desk.get_by_label("Your reference").fill("Dropped")
    drop_paths(desk, study)
    expect(desk.locator("#all-sending")).to_have_text(
        "3 of 3 done, 120 other files left out", timeout=20000
    )
    expect(desk.locator("#sending .good")).to_have_count(3)
    rows = desk.locator("#sending .name").all_inner_texts()
    assert sorted(row.rpartition(" · ")[2] for row in rows) == ["a.jpeg", "b", "c.JPG"]


def test_folder_and_file_are_dropped_at_once(
    desk: Page, samples: list[Path], tmp_path: Path
) -> None:
    """Each is taken once."""
    folder = write(tmp_path / "folder", samples, "inside.jpeg")
    beside = write(tmp_path, samples, "beside.jpeg") / "beside.jpeg"
    drop_paths(desk, folder, beside)
    expect(desk.locator("#all-sending")).to_have_text("2 of 2 done", timeout=20000)
    expect(desk.locator("#sending .name")).to_have_text(["beside.jpeg", "inside.jpeg"])


@pytest.mark.parametrize(
    ("files", "sentence"),
    [(501, "More than 500 files"), (2, "None of them is an X-ray"), (0, "There is no file in")],
)
def test_folder_that_cannot_be_sent_ends_in_one_sentence(
    desk: Page, tmp_path: Path, files: int, sentence: str
) -> None:
    """Too many, none of the formats, or empty; nothing of it is sent."""
    posts: list[str] = []
    desk.on("request", lambda sent: posts.append(sent.url) if sent.method == "POST" else None)
    inner = tmp_path / "folder" / "inner"
    inner.mkdir(parents=True)
    for number in range(files):
        (inner / f"{number}.txt").write_text("no image")
    drop_paths(desk, inner.parent)
    expect(desk.locator("#sending .bad")).to_contain_text(sentence)
    expect(desk.locator("#sending li")).to_have_count(1)
    assert posts == []
