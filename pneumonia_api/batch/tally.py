"""Summary of a run and, where folders are named after classes, the model's scores."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from model.reading.dataset import read_patient
from model.reading.labels import CLASSES
from pneumonia_api.batch.intake import File
from pneumonia_api.batch.listing import Listing

SEED = 20
"""Of the bootstrap, so that the same archive gives the same intervals."""

METRICS = ("auc_roc", "auc_pr", "accuracy", "sensitivity", "specificity", "ece", "brier")


class Tally:
    """Counts files by result and, with `labels`, collects what the scores need."""

    def __init__(self, folder: Path, labels: bool) -> None:
        self._folder = folder
        self._labels = labels
        self._truths: list[tuple[str, int, str]] = []  # fingerprint, label, patient
        self._probabilities: dict[str, float] = {}  # by fingerprint
        self.counts: Counter[str] = Counter()
        self.skipped = 0

    def add(self, files: Sequence[File]) -> None:
        """Count the files, and print a line for each that has no prediction."""
        for file in files:
            record = file.record
            status = record.status if record else "unread"
            # Every run reports a failed file again until its record is deleted.
            if file.repeated or (file.known and status != "failed"):
                self.counts["repeated" if file.repeated else "known"] += 1
            else:
                self.counts[status] += 1
                reason = file.error or (record.reason if record else "") or ""
                if status != "done":
                    self._report(file.path, status, f"{file.fault}. " * bool(file.fault) + reason)
            if record and record.prediction and not file.repeated:
                self.counts[record.prediction.decision] += 1
                outside = record.scope and record.scope.out_of_scope
                self.counts["outside" if outside else str(record.prediction.finding)] += 1
            if self._labels and not file.error:
                self._remember(file)

    def add_unseen(self, listing: Listing) -> None:
        """Count and print what was never opened."""
        for path, reason in listing.closed:
            self.counts["unread"] += 1
            self._report(path, "unread", reason)
        for path, reason in listing.skipped:
            self.skipped += 1
            self._report(path, "skipped", reason)

    def _report(self, path: Path, status: str, reason: str) -> None:
        # Escapes bytes that are not text, and terminal control sequences.
        name = "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode()
            for c in str(path.relative_to(self._folder))
        )
        tqdm.write(f"{name}: {status}. {reason}")

    def _remember(self, file: File) -> None:
        if file.record and file.record.prediction:
            self._probabilities[file.fingerprint] = file.record.prediction.probability
        if (labelled := read_label(file.path.relative_to(self._folder))) is not None:
            self._truths.append((file.fingerprint, *labelled))

    def summarize(self, others: int, seconds: float) -> str:
        """The summary: one line per result that occurred."""
        counts = self.counts
        scored = counts["done"] + counts["rejected"]
        results = [
            ("done", "judged in this run"),
            ("rejected", "rejected: not a readable X-ray"),
            ("failed", "failed by a fault on our side; delete their records to retry them"),
            ("known", "judged or rejected by an earlier run"),
            ("repeated", "the same bytes as another file"),
            ("unread", "could not be read from disk and have no record"),
        ]
        lines = [f"{counts[name]:7} {what}" for name, what in results if counts[name]]
        if self.skipped:
            lines.append(f"{self.skipped:7} skipped: pipes, sockets, devices and links to folders")
        if others:
            lines.append(f"{others:7} are not images by suffix or content; left out")
        lines.append(f"{counts['pneumonia']:7} pneumonia, {counts['normal']} normal")
        lines.append(
            f"{counts['pneumonia_likely']:7} pneumonia likely, {counts['uncertain']} uncertain, "
            f"{counts['no_pneumonia_detected']} no pneumonia detected"
        )
        if counts["outside"]:
            lines.append(f"{counts['outside']:7} of an age that the model is not for; not in these")
        if scored:
            lines.append(f"{seconds:.0f} s, {scored / seconds:.1f} X-rays per second")
        return "\n".join(lines)

    def score(self, threshold: float) -> list[str]:
        """Lines with every metric and its 95 % interval, over the labelled files judged."""
        from model.evaluation.scores import (  # noqa: PLC0415 - scikit-learn, a second to import
            Predictions,
            score_predictions,
        )

        judged = [truth for truth in self._truths if truth[0] in self._probabilities]
        labels = np.array([label for _, label, _ in judged])
        if len(set(labels.tolist())) < len(CLASSES):
            return ["No metrics: X-rays in folders named NORMAL and PNEUMONIA are both needed."]
        probabilities = np.array([self._probabilities[fingerprint] for fingerprint, _, _ in judged])
        patients = [patient for _, _, patient in judged]
        predictions = Predictions(labels, probabilities, patients)
        scores = asdict(score_predictions(predictions, threshold, SEED))
        lines = [f"metrics of {len(judged)} labelled X-rays, {scores['patients']} patients, 95 %:"]
        for name in METRICS:
            value, low, high = scores[name]
            lines.append(f"  {name:12} {value:.3f} ({low:.3f} to {high:.3f})")
        confusion = ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in scores["confusion"].items())
        return [*lines, f"  {confusion}"]


def read_label(path: Path) -> tuple[int, str] | None:
    """Label and patient by the innermost folder named after a class; None if there is none."""
    for parent in path.parents:
        if (name := parent.name.lower()) in CLASSES:
            label = CLASSES.index(name)
            # Patients are numbered from one in each folder.
            return label, f"{parent}/{read_patient(path.name, label)}"
    return None
