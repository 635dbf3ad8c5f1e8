"""Zip archives are unpacked by the page: X-rays are sent, what is hostile ends in a sentence."""

import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.person import logged_in_page
from tests.stack import Stack

CENTRAL = b"PK\1\2"
BOMB = "unpacks to far more than X-rays do"
DAMAGED = "damaged or incomplete"
MANY = "More than 500 files"


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A logged-in page."""
    with logged_in_page(browser, stack, 1440, 900) as opened:
        yield opened


def pack(archive: Path, files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Write an archive."""
    with zipfile.ZipFile(archive, "w", kind) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return archive.read_bytes()


def change(data: bytes, at: int, form: str, value: int) -> bytes:
    """The archive with another value in every entry of its table of contents."""
    changed = bytearray(data)
    start = data.find(CENTRAL)
    while start >= 0:
        struct.pack_into(form, changed, start + at, value)
        start = data.find(CENTRAL, start + 4)
    return bytes(changed)


def pack_bomb(archive: Path) -> bytes:
    """Ten files of 20 MB of nothing in 200 kB."""
    return pack(archive, {f"{n}.dcm": bytes(20 << 20) for n in range(10)})


def pack_quine(archive: Path) -> bytes:
    """A thousand entries that all point to the same packed bytes."""
    data = pack(archive, {f"{n}": b"\xff\xd8\xff" + bytes(9000) for n in range(400)})
    return change(change(data, 42, "<L", 0), 20, "<L", len(data) // 300)


def pack_many(archive: Path) -> bytes:
    """More files than one batch may have."""
    return pack(archive, {f"{n}.jpg": b"\xff\xd8\xff" for n in range(501)})


def pack_locked(archive: Path) -> bytes:
    """An archive that says that it is encrypted."""
    return change(pack(archive, {"a.jpg": b"\xff\xd8\xff"}), 8, "<H", 1)


def pack_strange(archive: Path) -> bytes:
    """One packed in another way."""
    return pack(archive, {"a.jpg": b"\xff\xd8\xff" * 99}, zipfile.ZIP_LZMA)


def pack_cut(archive: Path) -> bytes:
    """Half of one."""
    data = pack(archive, {"a.jpg": b"\xff\xd8\xff" * 99})
    return data[: len(data) // 2]


def pack_wrong(archive: Path) -> bytes:
    """One whose table of contents is not where it says."""
    data = pack(archive, {"a.jpg": b"\xff\xd8\xff" * 99})
    return data[:-6] + struct.pack("<L", 3) + data[-2:]


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archive_is_sent_file_by_file(
    desk: Page, stack: Stack, samples: list[Path], tmp_path: Path, kind: int
) -> None:
    """Only its X-rays, in whatever folder, each with its number."""
    films = {f"in/{n}/film{n}": samples[n].read_bytes() + f"zip{kind}".encode() for n in range(3)}
    others = {"in/notes.txt": b"text", "__MACOSX/in/._film": b"x", "DICOMDIR": b"x", "empty/": b""}
    pack(tmp_path / "films.zip", {**films, **others}, kind)
    desk.get_by_label("Your reference").fill(f"Packed {kind}")
    desk.locator("#xray").set_input_files(tmp_path / "films.zip")
    expect(desk.locator("#all-sending")).to_have_text(
        "3 of 3 done, 1 other files left out", timeout=20000
    )
    expect(desk.locator("#sending .good")).to_have_count(3)
    expect(desk.locator("#sending li").last).to_contain_text(f"Packed {kind} 3/3 · film2")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (pack_bomb, BOMB),
        (pack_quine, BOMB),
        (pack_many, MANY),
        (pack_locked, "has a password"),
        (pack_strange, "packed in a way that is not supported"),
        (pack_cut, DAMAGED),
        (pack_wrong, DAMAGED),
    ],
)
def test_hostile_archive_ends_in_one_sentence(
    desk: Page, tmp_path: Path, make: Callable[[Path], bytes], sentence: str
) -> None:
    """Nothing of it is sent, and the page goes on."""
    posts: list[str] = []
    desk.on("request", lambda sent: posts.append(sent.url) if sent.method == "POST" else None)
    archive = tmp_path / "hostile.zip"
    archive.write_bytes(make(archive))
    desk.locator("#xray").set_input_files(archive)
    expect(desk.locator("#sending li")).to_have_count(1)
    expect(desk.locator("#sending .bad")).to_contain_text(sentence)
    assert posts == []


def test_file_larger_than_stated_stops_there(
    desk: Page, samples: list[Path], tmp_path: Path
) -> None:
    """The table of contents lies about one file; the other is sent."""
    film = samples[4].read_bytes() + b"liar"
    data = pack(tmp_path / "liar.zip", {"a.jpg": film, "b.jpg": film + b"2"})
    changed = bytearray(data)
    struct.pack_into("<L", changed, data.find(CENTRAL) + 24, 5000)
    (tmp_path / "liar.zip").write_bytes(changed)
    desk.locator("#xray").set_input_files(tmp_path / "liar.zip")
    expect(desk.locator("#sending .bad")).to_contain_text("larger than the archive states")
    expect(desk.locator("#sending .good")).to_have_count(1, timeout=20000)


def test_large_file_in_an_archive_is_not_unpacked(
    desk: Page, samples: list[Path], tmp_path: Path
) -> None:
    """Its stated size is enough to refuse it."""
    noise = samples[5].read_bytes()
    pack(
        tmp_path / "large.zip",
        {"large.jpg": noise + noise[::-1] * ((26 << 20) // len(noise)), "small.jpg": noise},
    )
    desk.locator("#xray").set_input_files(tmp_path / "large.zip")
    expect(desk.locator("#sending .bad")).to_contain_text("Larger than 25 MB")
    expect(desk.locator("#sending .good")).to_have_count(1, timeout=20000)
