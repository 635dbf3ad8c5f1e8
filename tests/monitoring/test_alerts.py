"""Parts are broken on purpose, and the webhook receives the right alert and its resolution.

The rules are the real ones with their waits shortened; thresholds are as they are.
"""

from pathlib import Path

import pytest
import requests

from tests.monitoring.conftest import MAX_QUEUED
from tests.monitoring.prometheus.promql import list_metrics
from tests.monitoring.watched import Watched, wait
from tests.pneumonia_web.visitor import Visitor

ALERT_SECONDS = 60
"""Far longer than the few scrapes that it takes, for a busy machine."""

STUCK_SECONDS = 60
"""The longest time that an X-ray may wait."""

NOT_HERE = {
    "DCGM_FI_DEV_GPU_UTIL": "there is no GPU",
    "DCGM_FI_DEV_XID_ERRORS": "there is no GPU",
    "probe_ssl_earliest_cert_expiry": "on one machine the site is plain HTTP",
    "pneumonia_training_running": "nothing is trained",
    "pneumonia_batch_running": "no folder is scored",
    "node_textfile_mtime_seconds": "nothing is trained",
}
"""Metrics in rules that a running system does not have here, and why."""


def send(watched: Watched, data: bytes, seconds: int = 30) -> requests.Response:
    """An upload to the API that waits for its result."""
    return requests.post(
        f"{watched.stack.api_url}/v1/xrays?wait={seconds}",
        files={"xray": data},
        headers=watched.stack.headers,
        timeout=40,
    )


JOBS = {"prometheus", "alertmanager", "node", "web", "api", "worker", "redis", "nginx", "site"}


def list_pages(watched: Watched) -> set[str]:
    """The pages that fire now."""
    found = watched.query('ALERTS{alertstate="firing", severity="page"}')
    return {alert["metric"]["alertname"] for alert in found}


def list_jobs_up(watched: Watched) -> set[str]:
    """The jobs with a target that is up."""
    return {series["metric"]["job"] for series in watched.query("up == 1")}


@pytest.fixture(scope="module")
def busy(watched: Watched, samples: list[Path]) -> Watched:
    """The system after valid and invalid requests, which Prometheus has scraped."""
    doctor = Visitor(watched.stack.url)
    assert doctor.log_in(watched.stack.user, "wrong").status_code == 401
    doctor.log_in(watched.stack.user, watched.stack.password)
    page = doctor.post(
        "/xrays", "/xrays", files={"xray": ("x.jpeg", samples[0].read_bytes(), "image/jpeg")}
    )
    assert page.ok
    sent = [send(watched, path.read_bytes()) for path in samples[1:5]]
    assert [answer.status_code for answer in sent] == [200] * 4
    reviewed = requests.put(
        f"{watched.stack.api_url}/v1/xrays/{sent[0].json()['id']}/review",
        json={"label": "unsure"},
        headers=watched.stack.headers,
        timeout=10,
    )
    assert reviewed.ok
    plan = {"sensitivity": "90", "specificity": "70"}
    assert doctor.post("/acceptance/plan", "/acceptance", data=plan).ok
    assert doctor.post("/preferences", "/preferences", data={"reads_first": "on"}).ok
    assert doctor.answer(f"/xrays/{sent[1].json()['id']}", label="pneumonia").ok
    assert send(watched, b"no image").status_code == 415
    watched.wait_for('pneumonia_api_uploads_total{outcome="accepted"} >= 5', 30)
    watched.wait_for('pneumonia_api_uploads_total{outcome="refused"} >= 1', 30)
    watched.wait_for('pneumonia_api_log_ins_total{outcome="wrong_password"} >= 1', 30)
    watched.wait_for("sum(pneumonia_blind_readings) >= 1", 30)
    watched.wait_for("pneumonia_acceptance_least", 30)
    # The first scrapes may have come before a part was up, so a shortened alert may fire.
    wait(lambda: list_jobs_up(watched) == JOBS, 30, "first scrape of every target")
    wait(lambda: not list_pages(watched), 30, "calm after the start")
    return watched


def test_all_targets_answer(busy: Watched) -> None:
    """Every job has a target on one machine, except the trainer's."""
    assert list_jobs_up(busy) == JOBS
    assert busy.query("up == 0") == []


def test_every_rule_is_evaluated_on_figures_that_there_are(busy: Watched) -> None:
    """Rules are evaluated without errors, and every metric except those of NOT_HERE exists."""
    answer = requests.get(f"{busy.prometheus_url}/api/v1/rules", timeout=10).json()
    rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] == "err"} == {}
    named = {name for rule in rules for name in list_metrics(rule["query"])}
    needed = named - {rule["name"] for rule in rules}
    assert {name for name in needed if not busy.query(f"count({name})")} == set(NOT_HERE)


def test_nobody_is_woken_while_all_is_well(busy: Watched) -> None:
    """Invalid uploads cause no page either."""
    assert list_pages(busy) == set()


def test_stopped_worker_is_told_and_what_follows_is_not(busy: Watched, samples: list[Path]) -> None:
    """Uploads wait until the queue is full and are then refused: both alerts are sent, because
    clinicians are affected twice. QueueStuck is a consequence of the first and suppressed."""
    webhook, since = busy.webhook, busy.webhook.count()
    with busy.suspended("pneumonia_api.worker.tasks"):
        sent = [send(busy, path.read_bytes(), 0).status_code for path in samples[5:]]
        assert sent == [202] * MAX_QUEUED + [503] * (len(samples) - 5 - MAX_QUEUED)
        alert = webhook.wait("WorkerGone", "firing", ALERT_SECONDS, since)
        assert alert["labels"]["severity"] == "page"
        assert alert["annotations"]["runbook"] == "monitoring/RUNBOOK.md#workergone"
        webhook.wait("UploadBudgetBurning", "firing", ALERT_SECONDS, since)
        wait(
            lambda: busy.list_alerts().get("QueueStuck") == "suppressed",
            STUCK_SECONDS + ALERT_SECONDS,
            "suppressed alert QueueStuck",
        )
        assert "QueueStuck" not in webhook.list_names(since=since)
    webhook.wait("WorkerGone", "resolved", ALERT_SECONDS, since)
    # They were analysed in the end, although not within two seconds.
    webhook.wait("PredictionsLate", "firing", ALERT_SECONDS, since)
    busy.wait_for('pneumonia_xrays{status="queued"} == 0', 30)


def test_redis_that_hangs_is_told_alone(busy: Watched, samples: list[Path]) -> None:
    """The cause is sent, but not the refused uploads or the workers that cannot be counted."""
    webhook, since = busy.webhook, busy.webhook.count()
    with busy.suspended(f"127.0.0.1:{busy.stack.ports['REDIS_PORT']}"):
        webhook.wait("RedisDown", "firing", ALERT_SECONDS, since)
        assert send(busy, samples[0].read_bytes(), 0).status_code == 503
        assert "WorkerGone" not in webhook.list_names(since=since)
        assert "NobodyCanUpload" not in webhook.list_names(since=since)
    webhook.wait("RedisDown", "resolved", ALERT_SECONDS, since)
    wait(lambda: send(busy, samples[0].read_bytes()).ok, ALERT_SECONDS, "upload")


def test_web_that_hangs_is_told_as_what_clinicians_notice(busy: Watched) -> None:
    """NobodyCanUpload is sent; SiteDown, its consequence, is suppressed."""
    webhook, since = busy.webhook, busy.webhook.count()
    with busy.suspended("pneumonia_web.app:app"):
        webhook.wait("NobodyCanUpload", "firing", ALERT_SECONDS, since)
        wait(
            lambda: busy.list_alerts().get("SiteDown") == "suppressed",
            ALERT_SECONDS,
            "suppressed alert SiteDown",
        )
    webhook.wait("NobodyCanUpload", "resolved", ALERT_SECONDS, since)


def test_exporter_that_hangs_is_a_ticket(busy: Watched) -> None:
    """Missing data is not an outage: the alert is a ticket, not a page."""
    webhook, since = busy.webhook, busy.webhook.count()
    with busy.suspended("nginx-exporter"):
        alert = webhook.wait("TargetDown", "firing", ALERT_SECONDS, since)
        assert (alert["labels"]["job"], alert["labels"]["severity"]) == ("nginx", "ticket")
    webhook.wait("TargetDown", "resolved", ALERT_SECONDS, since)
