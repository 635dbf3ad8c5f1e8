"""`pneumonia_api.batch.listing`: which files of a folder are images."""

from pathlib import Path

from pneumonia_api.batch.listing import list_files


def test_images_are_found_by_name_or_content(tmp_path: Path, samples: list[Path]) -> None:
    """DICOM files often have no suffix; hidden files, tables and DICOMDIR are not images."""
    data = samples[0].read_bytes()
    for name in ("b.JPG", "1.2.840.113619", "noname", ".hidden.jpg", "table.csv", "DICOMDIR"):
        (tmp_path / name).write_bytes(b"a,b" if name == "table.csv" else data)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "IM0001").write_bytes(bytes(128) + b"DICM")
    found = list_files(tmp_path)
    names = [path.name for path in found.files]
    assert names == ["1.2.840.113619", "b.JPG", "noname", "IM0001"]
    assert found.others == 2
    assert not found.skipped and not found.closed
