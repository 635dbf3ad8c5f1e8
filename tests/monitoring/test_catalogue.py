"""METRICS.md and the running system list the same metrics."""

import re
from pathlib import Path

import pytest
import requests

from tests.monitoring.catalogue import FILE, Entry, list_catalogue, render
from tests.scrape import read_families
from tests.stack import Stack

SILENT = {
    "pneumonia_reviews": "nobody has reviewed anything",
    "pneumonia_blind_readings": "nobody has read anything before the AI result was shown",
    "pneumonia_acceptance_least": "nobody has written a plan",
    "pneumonia_worker_published_models": "there is no artifact store",
    "pneumonia_worker_model_trained_timestamp_seconds": "an artifact may lack the date",
}
"""Metrics without a value in a system that has just analysed its first X-ray, and why."""


def test_list_is_up_to_date() -> None:
    """`make metrics` would change nothing."""
    assert FILE.read_text() == render(), "METRICS.md is out of date; run `make metrics`"


def test_names_are_ours_and_in_base_units() -> None:
    """By Prometheus's conventions: the prefix, `_total` for counters alone, seconds."""
    entries = [entry for entries in list_catalogue().values() for entry in entries]
    for name, kind, labels, meaning in entries:
        assert re.fullmatch(r"pneumonia_[a-z]+(_[a-z]+)*", name)
        assert name.endswith("_total") == (kind == "counter")
        assert not re.search("_(ms|minutes|hours|percent)", name)
        assert not {"instance", "job", "le"} & set(labels)
        assert meaning.endswith(".")


@pytest.mark.parametrize(
    ("place", "setting"),
    [("API", "API_PORT"), ("Web", "WEB_PORT"), ("Worker", "WORKER_METRICS_PORT")],
)
def test_each_service_tells_what_is_listed_for_it(
    stack: Stack, samples: list[Path], place: str, setting: str
) -> None:
    """Every metric that it exposes is in the list with its type and labels, and no other is."""
    answer = requests.post(
        f"{stack.api_url}/v1/xrays?wait=30",
        files={"xray": samples[3].read_bytes() + place.encode()},
        headers=stack.headers,
        timeout=40,
    )
    assert answer.json()["status"] == "done"
    assert requests.get(f"{stack.url}/login", timeout=10).ok
    text = requests.get(f"http://127.0.0.1:{stack.ports[setting]}/metrics", timeout=10).text
    [listed] = [found for name, found in list_catalogue().items() if name.startswith(place)]
    entries = {entry.name: entry for entry in listed}
    valued = set()
    for family in read_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert name in entries, f"{name} is not listed"
        assert Entry(name, family.type, tuple(sorted(labels)), family.documentation) == entries[
            name
        ]._replace(labels=tuple(sorted(entries[name].labels) if family.samples else ()))
        valued |= {name} if family.samples else set()
    assert entries.keys() - valued <= SILENT.keys()
