"""The worker applies the site profile that is switched on for the model that it serves."""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from model.cage.pool import CagedXray
from model.reading.xray import XrayImage
from model.serving.golden import list_images
from model.serving.predictor import Prediction, Predictor
from model.serving.rule import DecisionRule
from pneumonia_api.config import read_worker_config
from pneumonia_api.records import keys
from pneumonia_api.records.profiles import ProfileRecord, Profiles
from pneumonia_api.records.publishing import TASK
from pneumonia_api.records.record import PredictionRecord, new_xray
from pneumonia_api.worker.predict_xray import PredictXray
from pneumonia_api.worker.tasks import create_worker
from tests.pneumonia_api.acceptance.profile import for_model
from tests.variant import SHIPPED

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def predictor(whole_export: Path) -> Predictor:
    """The shipped model."""
    return Predictor(SHIPPED, whole_export.parent, precision="float32")


@pytest.fixture
def profile(client: redis.Redis, predictor: Predictor) -> ProfileRecord:
    """A profile for it, stored and not switched on."""
    made = for_model(predictor.artifact.version)
    Profiles(client).add(made)
    return made


class Ward:
    """Sends the same film again and again; a worker judges each."""

    def __init__(self, redis_url: str, folder: Path, predictor: Predictor) -> None:
        self._settings = {"REDIS_URL": redis_url, "IMAGE_STORE": folder.as_uri()}
        self._predictor = predictor
        self.worker = self.start_worker()

    def start_worker(self) -> PredictXray:
        """One more worker, with the same model."""
        task: PredictXray = create_worker(read_worker_config(self._settings)).tasks[TASK]
        task.predictor = self._predictor
        return task

    def send(self) -> str:
        """A film that waits; its id."""
        xray = new_xray("doctor", "digest")
        chest, _ = list_images()[-1]
        self.worker._images.write_incoming(xray.id, chest.read_bytes())
        self.worker._xrays.add(xray)
        return xray.id

    def judge(self, xray_id: str = "", worker: PredictXray | None = None) -> PredictionRecord:
        """What a worker says of a film, of a new one unless it is given."""
        xray_id = xray_id or self.send()
        (worker or self.worker).apply((xray_id,))
        found = self.worker._xrays.get(xray_id).prediction
        assert found
        return found


@pytest.fixture
def ward(client: redis.Redis, redis_url: str, tmp_path: Path, predictor: Predictor) -> Ward:
    """With an empty Redis."""
    del client
    return Ward(redis_url, tmp_path, predictor)


def switch(client: redis.Redis, profile: ProfileRecord | None, model: str = "") -> None:
    """As an admin does."""
    if profile:
        Profiles(client).switch_on(profile.id, model or profile.model, by="lead", at=NOW)
    else:
        Profiles(client).switch_off(by="lead", at=NOW)


def test_profile_decides_while_it_is_on(
    client: redis.Redis, ward: Ward, profile: ProfileRecord
) -> None:
    """By a worker that started before, and for what had waited; off again, the model decides."""
    alone = ward.judge()
    assert (alone.profile, alone.model_probability) == (None, None)
    waits = ward.send()
    switch(client, profile)
    for found in (ward.judge(waits), ward.judge(), ward.judge(worker=ward.start_worker())):
        assert (found.profile, found.model) == (profile.id, alone.model)
        assert found.model_probability == alone.probability
        own = alone.probability
        odds = profile.intercept + profile.slope * math.log(own / (1 - own))
        assert found.probability == pytest.approx(1 / (1 + math.exp(-odds)), abs=2e-3)
        assert found.threshold == profile.threshold
        assert found.uncertain == profile.uncertain
        assert found.decision == ("pneumonia" if found.probability >= 0.2 else "normal")
    switch(client, None)
    assert ward.judge() == alone
    switch(client, profile)
    assert ward.judge().profile == profile.id


def test_switch_during_a_judgement_is_for_the_next_film(
    client: redis.Redis, ward: Ward, profile: ProfileRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each record has one profile's probability, threshold and name, never a mixture."""
    alone = ward.judge()
    predict = Predictor.predict
    change: list[Callable[[], None]] = [lambda: switch(client, profile), lambda: None]

    def predict_later(
        self: Predictor, xray: XrayImage | CagedXray, rule: DecisionRule | None = None
    ) -> Prediction:
        change.pop(0)()
        return predict(self, xray, rule)

    monkeypatch.setattr(Predictor, "predict", predict_later)
    assert ward.judge() == alone
    assert (ward.judge().profile, not change) == (profile.id, True)


@pytest.mark.parametrize("case", ["other model", "damaged", "gone"])
def test_profile_that_does_not_apply_decides_nothing(
    client: redis.Redis, ward: Ward, profile: ProfileRecord, case: str
) -> None:
    """The model decides alone, and the record says so."""
    alone = ward.judge()
    if case == "other model":
        older = replace(profile, model="0123456789ab")
        Profiles(client).add(older)
        switch(client, older)
    else:
        switch(client, profile)
        client.hset(keys.PROFILES, profile.id, "{}")
        if case == "gone":
            client.delete(keys.PROFILES)
    assert ward.judge() == alone
