"""Archives to score."""

from pathlib import Path

import pytest

from tests.bench.images import Images, make_images


@pytest.fixture
def folder(tmp_path: Path, samples: list[Path]) -> Path:
    """Eight labelled X-rays, one of them twice, a broken one and a file that is not an image."""
    for path in samples[::2]:
        label = "NORMAL" if path.name.startswith("NORMAL") else "PNEUMONIA"
        (tmp_path / "data" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / label / path.name).write_bytes(path.read_bytes())
    data = tmp_path / "data"
    (data / "Doe^Jane.jpeg").write_bytes(samples[0].read_bytes())
    (data / "cut.jpeg").write_bytes(samples[1].read_bytes()[:20_000])
    (data / "notes.csv").write_text("no image")
    return data


@pytest.fixture
def many(tmp_path: Path, samples: list[Path]) -> Path:
    """Sixty-four different files."""
    (tmp_path / "jpg").mkdir()
    (tmp_path / "many").mkdir()
    make_images(samples[0].parent, tmp_path / "jpg")
    images = Images(tmp_path / "jpg")
    for number in range(64):
        (tmp_path / "many" / f"{number}.jpg").write_bytes(images.read(number))
    return tmp_path / "many"
