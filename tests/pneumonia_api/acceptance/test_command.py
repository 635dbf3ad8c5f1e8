"""`python -m pneumonia_api.acceptance`: verdicts, exit statuses, a sentence for each fault."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from pneumonia_api.acceptance.__main__ import main
from pneumonia_api.records.record import fingerprint_file, new_xray
from pneumonia_api.records.xrays import XrayStore
from tests.pneumonia_api.acceptance.hospital import announce, confirm, fill, judge
from tests.pneumonia_api.records.judged import judged_as


@pytest.fixture
def url(client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Redis with a model, its address in the environment."""
    announce(client)
    monkeypatch.setenv("REDIS_URL", redis_url)
    return redis_url


@pytest.mark.parametrize(
    ("ill", "healthy", "wrong", "status", "words"),
    [
        (60, 60, 2, 0, "holds here"),
        (60, 60, 30, 3, "does not hold"),
        (10, 60, 0, 4, "too few to say"),
        (0, 0, 0, 4, "too few to say"),
    ],
)
@pytest.mark.usefixtures("url")
def test_verdict_is_in_words_and_status(
    client: redis.Redis,
    capsys: pytest.CaptureFixture[str],
    ill: int,
    healthy: int,
    wrong: int,
    status: int,
    words: str,
) -> None:
    """A script reads the status, a person the first line."""
    fill(client, ill, healthy, wrong)
    judge(client, 0.9)  # of which nobody knows anything
    assert main([]) == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Model m1: {words}."
    assert any(
        f"{ill + healthy + 1} judged, {ill + healthy} with a label" in each for each in lines
    )
    assert any(line.startswith("Stopping rule, specificity:") for line in lines)


@pytest.mark.usefixtures("url")
def test_json_has_every_figure(client: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as the page and the API."""
    fill(client, 60, 60, 2)
    assert main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["overall"]["specificity"]["count"] == 58
    assert found["groups"]["source"]["person"]["films"] == 120
    assert found["bounds"]["sensitivity"] == {"expected": 0.95, "least": 0.9}
    assert found["bases"] == {"outcome": 120}


@pytest.mark.usefixtures("url")
def test_stated_bounds_decide(client: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    """A hospital may accept less; not more than the card promises."""
    fill(client, 60, 60, 9)
    assert main([]) == 4
    assert main(["--least-specificity", "0.7"]) == 4  # the stopping rule has its alarm
    assert "look why" in capsys.readouterr().out
    assert main(["--least-specificity", "0.95"]) == 1
    assert "below that of the model card" in capsys.readouterr().err


@pytest.mark.usefixtures("url")
def test_since_leaves_out_earlier_films(client: redis.Redis) -> None:
    """From the day on which the silent weeks began."""
    fill(client, 60, 60, 0)
    assert main(["--since", "2020-01-01"]) == 0
    assert main(["--since", "2100-01-01"]) == 4


@pytest.fixture
def archive(client: redis.Redis, tmp_path: Path) -> Path:
    """120 scored files, half of them ill; the model is right about all. The last was rejected."""
    folder, lines, records = tmp_path / "films", ["file,label,patient"], []
    folder.mkdir()
    for number in range(121):
        ill = number < 60
        path = folder / f"{number}.png"
        path.write_bytes(b"film %d" % number)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        new = new_xray("batch", digest, fingerprint=fingerprint_file(digest, "m1"))
        probability = 0.9 if ill else 0.1
        shown = "pneumonia_likely" if ill else "no_pneumonia_detected"
        rejected = replace(new, status="rejected", reason="No X-ray.")
        records.append(judged_as(new, shown, probability) if number < 120 else rejected)
        lines.append(f"{path.name},{'Pneumonia' if ill else 'normal'},p{number}")
    XrayStore(client).add_scored(records)
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return folder


@pytest.mark.usefixtures("url")
def test_archive_with_labels_needs_no_clinician(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its files are found by their bytes; there is no order in time, so no stopping rule."""
    assert main([str(archive), "--labels", str(archive.parent / "labels.csv")]) == 0
    out = capsys.readouterr().out
    assert "121 judged, 120 with a label (120 by file)" in out
    assert "of 60 patients with pneumonia and 60 without" in out
    assert "source archive: 120 films" in out
    assert "Stopping rule" not in out


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ("file\n0.png", "has no column label."),
        ("file,label\n0.png,other", "has no line with the label pneumonia or normal."),
        (
            "file,label\nmissing.png,normal",
            "missing.png cannot be read: No such file or directory.",
        ),
        ("file,label\nnew.png,normal\n0.png,pneumonia", "1 of 2 labelled files, such as new.png,"),
        ("file,label\n0.png,pneumonia\ncopy.png,normal", "copy.png has the bytes of 0.png, but"),
        (None, "labels.csv cannot be read: No such file or directory."),
        (b"file,label\n\xff,normal", "is no CSV file in UTF-8."),
    ],
)
@pytest.mark.usefixtures("url")
def test_fault_of_an_archive_is_one_sentence(
    archive: Path, capsys: pytest.CaptureFixture[str], labels: str | bytes | None, sentence: str
) -> None:
    """What is wrong, in which file."""
    (archive / "copy.png").write_bytes((archive / "0.png").read_bytes())
    (archive / "new.png").write_bytes(b"not scored")
    path = archive.parent / "labels.csv"
    path.unlink()
    if labels is not None:
        path.write_bytes(labels if isinstance(labels, bytes) else labels.encode())
    assert main([str(archive), "--labels", str(path)]) == 1
    found = capsys.readouterr()
    assert sentence in found.err and len(found.err.splitlines()) == 1
    assert not found.out


@pytest.mark.parametrize(
    "words",
    [
        ["films"],
        ["--labels", "x.csv"],
        ["--since", "May"],
        ["f", "--labels", "l", "--since", "2026-01-01"],
    ],
)
def test_wrong_command(words: list[str]) -> None:
    """argparse answers with the usage."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_without_a_model_or_redis(
    client: redis.Redis, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing to assess, or nobody to ask."""
    confirm_nothing = client.dbsize()
    assert confirm_nothing == 0
    assert main(["--redis-url", redis_url]) == 1
    assert capsys.readouterr().err.startswith("No worker has announced its model")
    assert main(["--redis-url", "redis://127.0.0.1:1/0"]) == 1
    assert capsys.readouterr().err.startswith("Redis: ")
    assert main(["--redis-url", "nonsense"]) == 1
    assert capsys.readouterr().err.startswith("The Redis URL cannot be used")


@pytest.mark.usefixtures("url")
def test_withdrawn_outcome_is_no_label(client: redis.Redis) -> None:
    """The last entry counts."""
    fill(client, 60, 60)
    for xray_id in client.zrange("xrays", 0, 30):
        confirm(client, XrayStore(client).get(xray_id), "unknown")
    assert main([]) == 4
