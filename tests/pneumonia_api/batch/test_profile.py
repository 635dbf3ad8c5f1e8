"""`model.inference` applies the site profile that is on, and never mixes two."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from model.serving.artifact import read_artifact
from pneumonia_api.acceptance.calibration import to_log_odds, to_probability
from pneumonia_api.batch.run import main
from pneumonia_api.batch.tally import Tally
from pneumonia_api.records.profiles import ProfileRecord, Profiles
from pneumonia_api.records.record import PredictionRecord, read_hash
from tests.pneumonia_api.acceptance.profile import for_model
from tests.pneumonia_api.batch.server import Server, arguments, read_records
from tests.variant import SHIPPED

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)


@pytest.fixture
def profile(server: Server) -> ProfileRecord:
    """One for the shipped model, not switched on."""
    made = for_model(read_artifact(SHIPPED).version)
    Profiles(server.client).add(made)
    return made


def switch(server: Server, profile: ProfileRecord | None) -> None:
    """As an admin does."""
    profiles = Profiles(server.client)
    if profile:
        profiles.switch_on(profile.id, profile.model, by="lead", at=NOW)
    else:
        profiles.switch_off(by="lead", at=NOW)


def read_judges(server: Server) -> dict[tuple[str, str], PredictionRecord]:
    """Every prediction, by the bytes and by what decided."""
    found = [read_hash(values) for values in read_records(server).values()]
    return {(x.digest, x.prediction.judge): x.prediction for x in found if x.prediction}


def test_archive_is_scored_by_what_is_on(
    server: Server,
    folder: Path,
    tmp_path: Path,
    profile: ProfileRecord,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each way once: what another decided is no answer, and what it decided itself is."""
    monkeypatch.setenv("PRECISION", "float32")  # close calls are others, and these are exact
    command = arguments(server, folder, tmp_path / "images")
    assert main(command) == 0
    alone = read_judges(server)
    capsys.readouterr()
    switch(server, profile)
    assert main(command) == 0
    out = capsys.readouterr().out
    assert f"model {profile.model} with the site profile {profile.id} on CPU" in out
    found = read_judges(server)
    assert len(found) == 2 * len(alone)
    for digest, _ in alone:
        own = found[digest, profile.model]
        local = found[digest, f"{profile.model}+{profile.id}"]
        assert local.model_probability == own.probability
        odds = profile.intercept + profile.slope * to_log_odds(own.probability)
        assert local.probability == pytest.approx(to_probability(odds), abs=5e-3)
        assert (local.threshold, local.uncertain) == (profile.threshold, profile.uncertain)
    for each in (None, profile):
        switch(server, each)
        assert main(command) == 0
        assert read_judges(server) == found


def test_switch_during_a_run_ends_it(
    server: Server,
    many: Path,
    tmp_path: Path,
    profile: ProfileRecord,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a sentence; the same command scores all of it by what is on then."""
    add = Tally.add

    def add_then_switch(self: Tally, files: Sequence[object]) -> None:
        switch(server, profile)
        add(self, files)

    monkeypatch.setattr(Tally, "add", add_then_switch)
    command = arguments(server, many, tmp_path / "images")
    assert main(command) == 1
    assert "The site profile was switched during this run" in capsys.readouterr().err
    judges = {judge for _, judge in read_judges(server)}
    assert judges == {profile.model}
    monkeypatch.undo()
    assert main(command) == 0
    local = [judge for _, judge in read_judges(server) if judge != profile.model]
    assert local == [f"{profile.model}+{profile.id}"] * 64
