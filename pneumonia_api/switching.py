"""Which model a worker serves, and how it goes over to another one without dropping a request."""

import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from model.artifact import ArtifactError
from model.artifact_store import ArtifactStore, ArtifactStoreError
from model.predictor import Predictor
from pneumonia_api.config import WorkerConfig
from pneumonia_api.worker_metrics import SWITCHES

log = logging.getLogger(__name__)

POLL_SECONDS = 15
KEPT_VERSIONS = 3
"""On the disk: the one that is served, and those that one might go back to."""


class ModelSwitch:
    """Opens the model to start with, and replaces it when the artifact store says so."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._folder = config.serving_dir.parent / "models"
        self._store = ArtifactStore(config.artifact_store) if config.artifact_store else None
        self._refused: str | None = None

    def open_first(self) -> Predictor:
        """The version that the store names; when it is away, the newest that was fetched before.

        Without a store, or before anything was published, the artifact of MODEL_DIR. Raises
        ArtifactError when that cannot be used either.
        """
        if self._store:
            try:
                if version := self._store.read_current():
                    return self._open(self._store, version)
            except (ArtifactStoreError, ArtifactError) as error:
                log.error("the published model cannot be used: %s", error)
                SWITCHES.labels("failed").inc()
                for folder in self._list_fetched():
                    try:
                        return Predictor(folder, self._config.serving_dir)
                    except ArtifactError:
                        log.warning("%s is damaged", folder)
        return Predictor(self._config.model_dir, self._config.serving_dir)

    def follow(
        self,
        serving: Callable[[], Predictor],
        replace: Callable[[Predictor], None],
        ended: threading.Event,
    ) -> None:
        """Look every POLL_SECONDS; `replace` gets another Predictor when another version is named.

        For as long as it is opened there are two in memory. A version that cannot be used is told
        once, and the one that is served stays.
        """
        while self._store and not ended.wait(POLL_SECONDS):
            try:
                version = self._store.read_current()
                if version in (None, self._refused, serving().artifact.version):
                    continue
                replace(self._open(self._store, version))
                SWITCHES.labels("switched").inc()
                log.info("model %s is served now", version)
            except ArtifactStoreError as error:
                log.warning("the model stays as it is: %s", error)
            except ArtifactError as error:
                self._refused = version
                SWITCHES.labels("failed").inc()
                log.error("model %s is not served: %s", version, error)

    def _open(self, store: ArtifactStore, version: str) -> Predictor:
        folder = store.fetch(version, self._folder, self._config.serving_dir)
        predictor = Predictor(folder, self._config.serving_dir)
        folder.touch()
        for old in self._list_fetched()[KEPT_VERSIONS:]:
            shutil.rmtree(old)
            shutil.rmtree(self._config.serving_dir / old.name, ignore_errors=True)
        return predictor

    def _list_fetched(self) -> list[Path]:
        """The artifacts on the disk, the one that was served last first."""
        found = [path for path in self._folder.glob("[0-9a-f]*") if path.is_dir()]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
