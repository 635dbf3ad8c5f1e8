"""The remaining error budgets, by the expressions of the dashboard."""

import json
import subprocess
from pathlib import Path

import pytest

from local.parts import find_server
from monitoring.grafana.reading import list_queries, read_dashboards

PANEL = "Error budget left (30 days)"
SPENT = """\
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - {series: 'pneumonia_api_uploads_total{outcome="unavailable"}', values: '0+5x60'}
  - {series: 'pneumonia_api_uploads_total{outcome="accepted"}', values: '0+995x60'}
  - {series: 'pneumonia_worker_xray_seconds_bucket{le="2.0"}', values: '0+95x60'}
  - {series: 'pneumonia_worker_xray_seconds_count', values: '0+100x60'}
  promql_expr_test:
  - {expr: 'round(left_0, 0.001)', eval_time: 1h, exp_samples: [{labels: '{}', value: -4}]}
  - {expr: 'round(left_1, 0.001)', eval_time: 1h, exp_samples: [{labels: '{}', value: -4}]}
"""


def test_budget_that_was_spent_five_times_is_overdrawn_four_times(tmp_path: Path) -> None:
    """0.5 % of the uploads failed where 0.1 % may, and 5 % of the results were late where 1 % may:
    both budgets are at -400 %."""
    if not (promtool := find_server("promtool")):
        pytest.skip("promtool is in Debian's package prometheus")
    asked = [q.expr for q in list_queries(read_dashboards()["overview"]) if q.source == PANEL]
    assert len(asked) == 2
    rules = [{"record": f"left_{i}", "expr": expr} for i, expr in enumerate(asked)]
    groups = {"groups": [{"name": "budgets", "rules": rules}]}
    (tmp_path / "rules.yml").write_text(json.dumps(groups))
    (tmp_path / "spent.yml").write_text(SPENT)
    done = subprocess.run(
        [promtool, "test", "rules", "spent.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
