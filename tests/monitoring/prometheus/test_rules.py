"""The rules are valid, tested and explained, and use only existing metrics."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.prometheus.promql import list_metrics
from tests.stack import ROOT

MONITORING = ROOT / "monitoring"
RULES = sorted((MONITORING / "prometheus" / "rules").glob("*.yml"))
TESTS = sorted((MONITORING / "prometheus" / "rule_tests").glob("*.yml"))
SECTION = ("For clinicians", "First look", "Likely causes", "What helps", "How it ends")


def read_rules() -> list[dict[str, Any]]:
    """All rules of all files."""
    files = [yaml.safe_load(file.read_text()) for file in RULES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


ALERTS = [rule for rule in read_rules() if "alert" in rule]


def read_cases() -> list[dict[str, Any]]:
    """Every check of an alert in the rule tests."""
    files = [yaml.safe_load(file.read_text()) for file in TESTS]
    return [case for file in files for test in file["tests"] for case in test["alert_rule_test"]]


def read_known_metrics() -> set[str]:
    """The metrics of METRICS.md, with histograms' series, and the reviewed ones of exporters."""
    ours = re.findall(r"^\| `(\w+)` \| (\w+)", (MONITORING / "METRICS.md").read_text(), re.M)
    known = {name for name, _ in ours}
    for name, kind in ours:
        if kind == "histogram":
            known |= {f"{name}_{part}" for part in ("bucket", "sum", "count")}
    listed = (MONITORING / "prometheus" / "exporter_metrics.txt").read_text()
    return known | set(re.findall(r"^\w+ (\w+)$", listed, re.M))


def run(*command: str | Path) -> None:
    """Run a checker; fail with its output."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here; Debian's package of that family brings it")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_are_valid() -> None:
    """promtool accepts the rules."""
    run("promtool", "check", "rules", *RULES)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_rules_do_what_their_cases_say(file: Path) -> None:
    """`promtool test rules` passes for each file."""
    run("promtool", "test", "rules", file)


@pytest.mark.parametrize("alert", [rule["alert"] for rule in ALERTS])
def test_each_alert_has_a_case_before_and_after_it_fires(alert: str) -> None:
    """The rule tests check each alert before it fires, and its text when it does."""
    cases = [bool(case["exp_alerts"]) for case in read_cases() if case["alertname"] == alert]
    assert False in cases, "no case shows that it does not fire yet"
    assert True in cases, "no case shows that it fires"


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """An alert has severity, summary, description, a dashboard and a complete runbook section."""
    assert set(rule["labels"]) == {"severity"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "dashboard", "runbook"}
    assert notes["dashboard"] in {
        f"/d/{uid}" for uid in ("overview", "serving", "model", "training", "hosts")
    }
    assert notes["runbook"] == f"monitoring/RUNBOOK.md#{rule['alert'].lower()}"
    runbook = (MONITORING / "RUNBOOK.md").read_text()
    [section] = re.findall(rf"(?ms)^## {rule['alert']}\n(.*?)(?=^## |\Z)", runbook)
    assert re.findall(r"(?m)^\*\*([^*]+)\.\*\*", section) == list(SECTION)


def test_runbook_has_only_existing_alerts() -> None:
    """The runbook has no section for a removed alert; other headings have several words."""
    headings = re.findall(r"(?m)^## (\S+)$", (MONITORING / "RUNBOOK.md").read_text())
    assert set(headings) == {rule["alert"] for rule in ALERTS}


def test_every_metric_is_known() -> None:
    """An alert on a metric that does not exist would never fire."""
    rules = read_rules()
    recorded = {rule["record"] for rule in rules if "record" in rule}
    used = {name for rule in rules for name in list_metrics(rule["expr"])}
    assert used - recorded - read_known_metrics() == set()
    assert "pneumonia_queue_workers" in used


def test_recording_rules_are_named_by_level_metric_and_operations() -> None:
    """Names look like job:pneumonia_api_uploads_unavailable:ratio_rate5m."""
    names = [rule["record"] for rule in read_rules() if "record" in rule]
    assert [name for name in names if not re.fullmatch(r"[a-z_]+:\w+:\w+", name)] == []


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('sum by (job) (rate(a_total{b="c"}[5m]))', {"a_total"}),
        ("max without (instance) (a) > 14.4 * 0.001 and on (x) b:c:d5m", {"a", "b:c:d5m"}),
        ("a / ignoring (le) group_left () (b >= 99.5) offset 4w", {"a", "b"}),
        ('label_replace(absent(a), "metric", "x", "", "") or time() - b', {"a", "b"}),
    ],
)
def test_metrics_are_found_in_expressions(expression: str, names: set[str]) -> None:
    """Only metrics are found: no function, label, number or keyword."""
    assert list_metrics(expression) == names
