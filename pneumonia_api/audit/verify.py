"""Checks the files of the audit: whether a line was cut, changed, inserted or moved."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pneumonia_api.audit.chain import START, Link, NotALine, order, read_line
from pneumonia_api.audit.folder import list_files
from pneumonia_api.audit.head import Head

MOST_FAULTS = 100
"""Faults that are named; a file that was replaced would have one for each line."""


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was written: where, and one sentence."""

    file: str
    row: int
    sentence: str

    def __str__(self) -> str:
        place = f"{self.file}, row {self.row}: " if self.file else ""
        return place + self.sentence


@dataclass(frozen=True)
class Verdict:
    """What a check has found: `lines` were read, the last is `last`; without `faults` all is whole.

    `unfinished` is whether the last file ends within a line, which a process that died leaves; it
    is no fault, because that line was never confirmed.
    """

    lines: int
    last: Link
    faults: tuple[Fault, ...]
    unfinished: bool


@dataclass(frozen=True)
class _Row:
    file: str
    number: int
    text: bytes
    is_whole: bool


def _list_rows(folder: Path) -> Iterator[_Row]:
    for file in list_files(folder):
        with file.open("rb") as lines:
            for number, raw in enumerate(lines, 1):
                yield _Row(file.name, number, raw.rstrip(b"\n"), raw.endswith(b"\n"))


def verify(folder: Path, head: Head | None) -> Verdict:
    """Read all lines; with the `head` of before, also whether the chain is whole at its ends.

    Raises OSError.
    """
    check = _Check(head)
    for row in _list_rows(folder):
        check.read(row)
    check.end()
    return Verdict(check.count, check.last, tuple(check.faults), check.torn is not None)


class _Check:
    """What is known after some rows."""

    def __init__(self, head: Head | None) -> None:
        self.count = 0
        self.faults: list[Fault] = []
        self.torn: _Row | None = None
        self._head = head
        self._starts = head is None
        self.last = head.removed if head else START
        self._digest_at_head: str | None = None
        self._place = ("", 0)

    def read(self, row: _Row) -> None:
        """Compare one row with what is known."""
        if self.torn is not None:
            self._report(self.torn, "the line has no end.")
            self.torn = None
        if not row.is_whole:
            self.torn = row
            return
        try:
            line = read_line(row.text)
            order(line.link.entry)
        except (NotALine, ValueError):
            self._report(
                row, f"this is no line of the audit; line {self.last.seq + 1} was expected."
            )
            return
        self.count += 1
        link, expected = line.link, self.last.seq + 1
        if self._starts:  # nothing says where the chain begins
            self._starts = False
            self.last = Link(link.seq - 1, line.prev, START.entry)
            expected = link.seq
        if not self._place[0] and self._head and link.seq <= self._head.removed.seq:
            return  # too old; its file is about to be removed
        if link.seq > expected:
            self._report(row, f"{_name(expected, link.seq - 1)} missing before line {link.seq}.")
        elif link.seq < expected:
            how = "inserted or is there twice" if link.seq == self.last.seq else "moved or inserted"
            self._report(row, f"line {link.seq} was {how}: it stands after line {self.last.seq}.")
            return
        elif line.prev != self.last.digest:
            self._report_changed(row, link)
        elif order(link.entry) <= order(self.last.entry):
            self._report(row, f"line {link.seq} is not later than the line before it.")
        if self._head and link.seq == self._head.last.seq:
            self._digest_at_head = link.digest
        self.last, self._place = link, (row.file, row.number)

    def _report_changed(self, row: _Row, link: Link) -> None:
        if self.last.seq and self._place[0]:
            file, number = self._place
            sentence = (
                f"line {self.last.seq} was changed: line {link.seq} states another digest of it."
            )
            self._add(Fault(file, number, sentence))
        else:
            self._report(row, f"line {link.seq} states another digest of the line before it.")

    def end(self) -> None:
        """Compare the last line with what Redis has kept."""
        if self._head is None:
            return
        kept = self._head.last
        if self.last.seq < kept.seq:
            where = _name(self.last.seq + 1, kept.seq)
            self._add(Fault(self._place[0], self._place[1], f"{where} missing at the end."))
        elif self._digest_at_head is not None and self._digest_at_head != kept.digest:
            sentence = f"line {kept.seq} was changed: Redis has kept another digest of it."
            self._add(Fault(self._place[0], self._place[1], sentence))

    def _report(self, row: _Row, sentence: str) -> None:
        self._add(Fault(row.file, row.number, sentence))

    def _add(self, fault: Fault) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)


def _name(first: int, last: int) -> str:
    return f"line {first} is" if first == last else f"lines {first} to {last} are"
