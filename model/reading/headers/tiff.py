"""A strict, bounded reader of the directories of TIFF 6.0, BigTIFF and Exif, which is built alike.

Standard library alone. A tag states where its values lie and how many there are, and the format
lets any number of tags claim the same bytes, which a general reader would copy for each tag.
"""

import struct
from dataclasses import dataclass, field

from model.reading.headers.jpeg import MAX_SCANS
from model.reading.limits import contradictory, damaged, too_complex

MAX_DIRECTORIES = 16
"""Pages with their reduced copies; more than nine are refused as several pictures anyway."""

MAX_TAGS = 4096
"""In all directories together; scanners write about twenty, cameras about a hundred."""

MAX_PIECES = 65_536
"""Strips or tiles: one for each row of the tallest possible picture."""

MAX_NUMBERS = 500_000
"""In all tags together, because a reader makes an object of each; a colour table has 196,608."""

_MIN_TILE = 1024
"""Pixels a side; small pictures are often stored in one tile of the usual size."""

_SHARED = 65_536
"""Bytes that tags may claim beyond twice the file, for small oddities of Exif editors."""

_UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_UNITS |= {16: 8, 17: 8, 18: 8}
"""Bytes of one value, by its type."""

_NUMBERS = frozenset(_UNITS) - {1, 2, 6, 7}
_WHOLE = {1: "B", 3: "H", 4: "L", 13: "L", 16: "Q"}
_WIDTH, _HEIGHT, _COMPRESSION, _OFFSETS = 256, 257, 259, (273, 279, 324, 325)
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_JPEG = (6, 7)
"""Values of Compression by which each strip or tile is a JPEG stream."""

_INNER = (0x014A, 0x8769, 0x8825, 0xA005)
"""Tags that point to further directories: sub-images, Exif, GPS, interoperability."""

_LAYOUT_TAGS = 512
"""Tags below this decide how pixels are read; of duplicates, some readers take the first and some
the last."""


@dataclass(frozen=True)
class Tag:
    """Type, count, and the position in the file of the value or of its offset."""

    kind: int
    count: int
    at: int


@dataclass(frozen=True)
class Directory:
    """Tags by number, and the offset of the next directory or 0; not `whole` if truncated."""

    tags: dict[int, Tag]
    following: int
    whole: bool = True


@dataclass
class Walk:
    """Reads the directories of `data` and adds up what they claim.

    `order` is a prefix of `struct`; `big` means BigTIFF.
    """

    data: bytes
    order: str
    big: bool
    seen: set[int] = field(default_factory=set)
    tags: int = 0
    claimed: int = 0
    numbers: int = 0

    def chain(self, offset: int) -> list[Directory]:
        """The linked list of directories that begins at `offset`.

        Raises UnreadableXray for a loop, and when a limit is exceeded.
        """
        found: list[Directory] = []
        while offset and len(found) < MAX_DIRECTORIES:
            if offset in self.seen:
                raise contradictory()
            directory = self.read(offset)
            if directory is None:
                break
            found.append(directory)
            offset = directory.following
        return found

    def read(self, offset: int) -> Directory | None:
        """One directory, after visiting those inside it; None if it lies outside the file."""
        if offset in self.seen or len(self.seen) > MAX_DIRECTORIES * len(_INNER):
            return None
        self.seen.add(offset)
        head, entry = ("Q", "HHQ") if self.big else ("H", "HHL")
        start = offset + struct.calcsize(f"{self.order}{head}")
        if start > len(self.data):
            return None
        (count,) = struct.unpack_from(f"{self.order}{head}", self.data, offset)
        self.tags += count
        if self.tags > MAX_TAGS:
            raise too_complex("tags")
        wide = 8 if self.big else 4
        size = struct.calcsize(f"{self.order}{entry}") + wide
        tags: dict[int, Tag] = {}
        for number in range(count):
            at = start + number * size
            if at + size > len(self.data):
                return Directory(tags, 0, whole=False)
            name, kind, values = struct.unpack_from(f"{self.order}{entry}", self.data, at)
            if name in tags and name < _LAYOUT_TAGS:
                raise contradictory()
            tags[name] = Tag(kind, values, at + size - wide)
            self._count(name, kind, values, wide)
        self._enter(tags)
        end = start + count * size
        if end + wide > len(self.data):
            return Directory(tags, 0, whole=False)
        return Directory(tags, self.number(end, "Q" if self.big else "L"))

    def number(self, at: int, form: str) -> int:
        """One integer of the file."""
        return int(struct.unpack_from(f"{self.order}{form}", self.data, at)[0])

    def value(self, tag: Tag | None) -> int | None:
        """The integer of a tag that has exactly one; else None."""
        if tag is None or tag.count != 1 or tag.kind not in _WHOLE:
            return None
        if tag.kind == 16 and not self.big:
            return None
        return self.number(tag.at, _WHOLE[tag.kind])

    def _count(self, name: int, kind: int, values: int, wide: int) -> None:
        if name in _OFFSETS and values > MAX_PIECES:
            raise too_complex("strips or tiles")
        size = _UNITS.get(kind, 0) * values
        self.claimed += size if size > wide else 0
        self.numbers += values if kind in _NUMBERS else 0
        if self.claimed > 2 * len(self.data) + _SHARED or self.numbers > MAX_NUMBERS:
            raise too_complex("data in its tags")

    def _enter(self, tags: dict[int, Tag]) -> None:
        for name in _INNER:
            if (offset := self.value(tags.get(name))) is not None:
                self.read(offset)


def _open(data: bytes) -> tuple[Walk, int]:
    """A Walk over the file, and the offset of its first directory."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        raise damaged()
    walk = Walk(data, order, 43 in (data[2], data[3]))
    if walk.big and len(data) < 16:
        raise damaged()
    return walk, walk.number(8, "Q") if walk.big else walk.number(4, "L")


def read_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of the first picture of a TIFF file.

    Raises UnreadableXray, also for more directories, tags, strips or numbers than an X-ray has, for
    tags that together claim far more bytes than the file has, and for a loop of directories.
    """
    _, _, width, height = _read_page(data)
    return width, height


def check_tiff(data: bytes) -> None:
    """Raise UnreadableXray as `read_size` does, and for two more attacks on a decoder.

    These are tiles much larger than the picture, and strips or tiles in JPEG with more scans than
    any X-ray has.
    """
    walk, page, width, height = _read_page(data)
    across, down = (walk.value(page.tags.get(name)) or 0 for name in (_TILE_WIDTH, _TILE_HEIGHT))
    if across * down > 4 * max(width, _MIN_TILE) * max(height, _MIN_TILE):
        raise contradictory()
    if walk.value(page.tags.get(_COMPRESSION)) in _JPEG:
        pieces = max((page.tags[name].count for name in _OFFSETS if name in page.tags), default=1)
        if data.count(b"\xff\xda") > MAX_SCANS + 4 * pieces:
            raise too_complex("scans")


def _read_page(data: bytes) -> tuple[Walk, Directory, int, int]:
    walk, offset = _open(data)
    pages = walk.chain(offset)
    if not pages or not pages[0].whole:
        raise damaged()
    width, height = (walk.value(pages[0].tags.get(name)) for name in (_WIDTH, _HEIGHT))
    if not width or not height:
        raise damaged()
    return walk, pages[0], width, height


def check_exif(data: bytes) -> None:
    """Raise UnreadableXray for Exif that claims too much.

    Exif that is merely broken is accepted, because a picture does not need it.
    """
    if data[:2] in (b"II", b"MM") and len(data) >= 16:
        walk, offset = _open(data)
        walk.chain(offset)
