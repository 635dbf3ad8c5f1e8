"""Which model a worker serves, and how it switches to another one without dropping a request."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from model.serving.artifact import ArtifactError
from model.serving.artifact_store import ArtifactStore, ArtifactStoreError
from model.serving.durable import remove_folder, remove_leftovers
from model.serving.golden import check_decisions, read_golden
from model.serving.predictor import Predictor
from pneumonia_api.config import WorkerConfig
from pneumonia_api.worker.metrics import MODEL, SWITCHES

log = logging.getLogger(__name__)

POLL_SECONDS = 15
MAX_PAUSE_SECONDS = 600
"""Between two attempts at an unusable model; each downloads 150 MB."""

KEPT_VERSIONS = 3
"""Versions kept on disk: the served one and those to roll back to."""

UNUSABLE = (ArtifactStoreError, ArtifactError, OSError)
"""The store is unreachable, the model is damaged or not approved, or the disk is full."""


class ModelSwitch:
    """Opens the first model, and replaces it when the artifact store names another version."""

    def __init__(self, config: WorkerConfig) -> None:
        self._config = config
        self._folder = config.serving_dir.parent / "models"
        self.store = ArtifactStore(config.artifact_store) if config.artifact_store else None
        self._outcome = "same"

    def open_first(self) -> Predictor:
        """The version that the store names, or the newest one on disk if that is unusable.

        The artifact of MODEL_DIR if neither works, there is no store, or nothing was promoted yet.
        Raises ArtifactError when that is unusable, too.
        """
        if self.store:
            try:
                if version := self.store.read_current():
                    return self._open(self.store, version)
            except UNUSABLE as error:
                log.error("the promoted model cannot be used: %s", error)
                SWITCHES.labels("failed").inc()
                for folder in self._list_fetched():
                    try:
                        return self._open_folder(folder)
                    except ArtifactError as fault:
                        log.warning("%s cannot be used: %s", folder, fault)
        return self._open_folder(self._config.model_dir)

    def follow(
        self,
        serving: Callable[[], Predictor],
        replace: Callable[[Predictor], None],
        ended: threading.Event,
    ) -> None:
        """Poll the store every POLL_SECONDS; call `replace` when it names another version.

        Both models are in memory while the new one is opened. An unusable version is logged and
        retried with a growing pause; the worker keeps serving the previous one.
        """
        if self.store is None:
            return
        pause: float = POLL_SECONDS
        while not ended.wait(pause):
            # In its own thread, so that an unforeseen error ends this poll only, and
            # `threading.excepthook` logs its traceback.
            self._outcome = "failed"
            poll = threading.Thread(
                target=self._poll, args=(self.store, serving, replace), name="models", daemon=True
            )
            poll.start()
            poll.join()
            if self._outcome != "same":
                SWITCHES.labels(self._outcome).inc()
            failed = self._outcome == "failed"
            pause = min(2 * pause, MAX_PAUSE_SECONDS) if failed else POLL_SECONDS

    def _poll(
        self,
        store: ArtifactStore,
        serving: Callable[[], Predictor],
        replace: Callable[[Predictor], None],
    ) -> None:
        """One poll; its outcome stays `failed` unless it reaches another one."""
        try:
            version = store.read_current()
            MODEL.count_published(store.list_models().values())
        except ArtifactStoreError as error:
            log.warning("the artifact store cannot be polled: %s", error)
            self._outcome = "unreachable"
            return
        if version in (None, serving().artifact.version):
            self._outcome = "same"
            return
        try:
            replace(self._open(store, version))
        except UNUSABLE as error:
            log.error("model %s is not served: %s", version, error)
            return
        self._outcome = "switched"
        log.info("model %s is served now", version)

    def _open(self, store: ArtifactStore, version: str) -> Predictor:
        folder = store.fetch(version, self._folder, self._config.serving_dir)
        predictor = self._open_folder(folder)
        folder.touch()
        for old in self._list_fetched()[KEPT_VERSIONS:]:
            for copy in (old, self._config.serving_dir / old.name):
                if copy.is_dir():
                    remove_folder(copy)
        for parent in (self._folder, self._config.serving_dir):
            remove_leftovers(parent)
        return predictor

    def _open_folder(self, folder: Path) -> Predictor:
        """Open a model; verify its files and its answers to the golden X-rays."""
        predictor = Predictor(folder, self._config.serving_dir, precision=self._config.precision)
        artifact = predictor.artifact
        golden = read_golden(folder, artifact)
        for trial in predictor.trials:
            if trial.fault:
                log.warning("%s is not used: %s", trial.precision, trial.fault)
                continue
            log.info("%s takes %.1f ms for an X-ray", trial.precision, 1000 * trial.seconds)
            check_decisions(artifact, golden.labels, trial.outputs)
        log.info("model %s runs in %s", artifact.version, predictor.precision)
        return predictor

    def _list_fetched(self) -> list[Path]:
        """The artifacts on disk, most recently served first."""
        found = [path for path in self._folder.glob("[0-9a-f]*") if path.is_dir()]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
