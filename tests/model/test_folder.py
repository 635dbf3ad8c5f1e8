"""`model.folder`: which files are images, and how far ahead they are read."""

from collections.abc import Callable
from pathlib import Path

from model.folder import list_files, lookahead


def test_images_are_found_by_name_or_content(tmp_path: Path, samples: list[Path]) -> None:
    """DICOM files often have no suffix; hidden files, tables and DICOMDIR are no images."""
    data = samples[0].read_bytes()
    for name in ("b.JPG", "1.2.840.113619", "noname", ".hidden.jpg", "table.csv", "DICOMDIR"):
        (tmp_path / name).write_bytes(b"a,b" if name == "table.csv" else data)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "IM0001").write_bytes(bytes(128) + b"DICM")
    found, others = list_files(tmp_path)
    names = [path.name for path in found]
    assert names == ["1.2.840.113619", "b.JPG", "noname", "IM0001"]
    assert others == 2


def test_lookahead_starts_one_more_than_it_collects() -> None:
    """Memory stays bounded: the next item is started, and no other, before one is collected."""
    events: list[str] = []

    def begin(item: int) -> Callable[[], None]:
        events.append(f"start {item}")
        return lambda: events.append(f"collect {item}")

    list(lookahead(range(3), begin))
    assert events == ["start 0", "start 1", "collect 0", "start 2", "collect 1", "collect 2"]
