"""`pneumonia_api.batch.scoring` and its cage: a file that kills its reader costs only itself."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model.cage.pool import Cage
from model.reading.xray import MAX_PIXELS
from pneumonia_api.batch.intake import Intake
from pneumonia_api.batch.run import count_threads
from pneumonia_api.batch.runtimes import CpuStreams
from pneumonia_api.batch.scoring import Scorer
from pneumonia_api.records.images import ImageStore
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.batch.server import Server
from tests.stack import ROOT


@pytest.mark.parametrize(
    ("attack", "status"),
    [("crash", "rejected"), ("spin", "rejected"), ("raise_error DOE^JANE", "failed")],
)
def test_file_that_ends_its_reader_costs_itself(
    server: Server, samples: list[Path], tmp_path: Path, attack: str, status: str
) -> None:
    """As in the worker; the files before and after it are judged."""
    data = tmp_path / "data"
    data.mkdir()
    for number, path in enumerate(samples[:4]):
        (data / f"{number}.jpeg").write_bytes(path.read_bytes())
    (data / "1-hostile.jpeg").write_bytes(f"attack {attack}".encode())
    xrays, images = XrayStore(server.client), ImageStore((tmp_path / "images").as_uri())
    with ThreadPoolExecutor(count_threads()) as pool:
        runtime = CpuStreams(ROOT / "model" / "artifact", ROOT / "var" / "serving", pool)
        scorer = Scorer(xrays, images, runtime, pool, MAX_PIXELS)
        scorer._cage = Cage(2, "tests.model.cage.attacks")
        intake = Intake(xrays, pool, runtime.artifact.version, 25 << 20)
        files = [file for batch in scorer.run(intake, sorted(data.iterdir())) for file in batch]
    ends = {file.path.name: file.record.status for file in files if file.record}
    assert ends.pop("1-hostile.jpeg") == status
    assert list(ends.values()) == ["done"] * 4
    assert all(file.image is None for file in files)
    assert "DOE" not in "".join(str(file.record) for file in files)
