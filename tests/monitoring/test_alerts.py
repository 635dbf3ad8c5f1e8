"""Things are broken on purpose, and the right alert is told to the webhook, and its end.

The rules are the real ones with their waits shortened; thresholds are as they are.
"""

from pathlib import Path

import pytest
import requests

from tests.monitoring.conftest import MAX_QUEUED
from tests.monitoring.promql import list_metrics
from tests.monitoring.watched import Watched, wait
from tests.pneumonia_web.visitor import Visitor

TOLD_SECONDS = 60
"""Far above the few scrapes that it takes, for a busy machine."""

STUCK_SECONDS = 60
"""What an X-ray may wait at most."""

NOT_HERE = {
    "DCGM_FI_DEV_GPU_UTIL": "there is no GPU",
    "DCGM_FI_DEV_XID_ERRORS": "there is no GPU",
    "probe_ssl_earliest_cert_expiry": "on one machine the site is plain HTTP",
    "pneumonia_training_running": "nothing is trained",
    "pneumonia_batch_running": "no folder is scored",
    "node_textfile_mtime_seconds": "nothing is trained",
}
"""Metrics of rules that a running system cannot have here, and why."""


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
    """Alerts that fire now and would wake somebody."""
    found = watched.query('ALERTS{alertstate="firing", severity="page"}')
    return {alert["metric"]["alertname"] for alert in found}


def list_jobs_up(watched: Watched) -> set[str]:
    """Jobs with a target that answers."""
    return {series["metric"]["job"] for series in watched.query("up == 1")}


@pytest.fixture(scope="module")
def busy(watched: Watched, samples: list[Path]) -> Watched:
    """The same after good and bad traffic, by browser and by machine, that Prometheus has seen."""
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
    assert send(watched, b"no image").status_code == 415
    watched.wait_for('pneumonia_api_uploads_total{outcome="accepted"} >= 5', 30)
    watched.wait_for('pneumonia_api_uploads_total{outcome="refused"} >= 1', 30)
    watched.wait_for('pneumonia_api_log_ins_total{outcome="wrong_password"} >= 1', 30)
    # The first scrapes may have met parts that were still starting: a shortened alert fires soon.
    wait(lambda: list_jobs_up(watched) == JOBS, 30, "first scrape of every target")
    wait(lambda: not list_pages(watched), 30, "calm after the start")
    return watched


def test_all_targets_answer(busy: Watched) -> None:
    """Every job that there is on one machine; the trainer has no target here."""
    assert list_jobs_up(busy) == JOBS
    assert busy.query("up == 0") == []


def test_every_rule_is_evaluated_on_figures_that_there_are(busy: Watched) -> None:
    """Without an error, and each name but those of NOT_HERE is told by something that runs."""
    answer = requests.get(f"{busy.prometheus_url}/api/v1/rules", timeout=10).json()
    rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] == "err"} == {}
    named = {name for rule in rules for name in list_metrics(rule["query"])}
    told = named - {rule["name"] for rule in rules}
    assert {name for name in told if not busy.query(f"count({name})")} == set(NOT_HERE)


def test_nobody_is_woken_while_all_is_well(busy: Watched) -> None:
    """Also not by what senders did wrong."""
    assert list_pages(busy) == set()


def test_stopped_worker_is_told_and_what_follows_is_not(busy: Watched, samples: list[Path]) -> None:
    """Uploads wait until the queue is full and are refused then: both are told, for clinicians are
    concerned in two ways. That the queue is stuck follows from the first, and wakes nobody."""
    webhook, since = busy.webhook, busy.webhook.count()
    with busy.suspended("pneumonia_api.worker.tasks"):
        sent = [send(busy, path.read_bytes(), 0).status_code for path in samples[5:]]
        assert sent == [202] * MAX_QUEUED + [503] * (len(samples) - 5 - MAX_QUEUED)
        told = webhook.wait("WorkerGone", "firing", TOLD_SECONDS, since)
        assert told["labels"]["severity"] == "page"
        assert told["annotations"]["runbook"] == "monitoring/RUNBOOK.md#workergone"
        webhook.wait("UploadBudgetBurning", "firing", TOLD_SECONDS, since)
        wait(
            lambda: busy.list_alerts().get("QueueStuck") == "suppressed",
            STUCK_SECONDS + TOLD_SECONDS,
            "suppressed alert QueueStuck",
        )
        assert "QueueStuck" not in webhook.list_names(since=since)
    webhook.wait("WorkerGone", "resolved", TOLD_SECONDS, since)
    # They were judged in the end, though not within two seconds.
    webhook.wait("PredictionsLate", "firing", TOLD_SECONDS, since)
    busy.wait_for('pneumonia_xrays{status="queued"} == 0', 30)


def test_redis_that_hangs_is_told_alone(busy: Watched, samples: list[Path]) -> None:
    """The cause, and not the refused uploads or the workers that nobody can count."""
    webhook, since = busy.webhook, busy.webhook.count()
    with busy.suspended(f"127.0.0.1:{busy.stack.ports['REDIS_PORT']}"):
        webhook.wait("RedisDown", "firing", TOLD_SECONDS, since)
        assert send(busy, samples[0].read_bytes(), 0).status_code == 503
        assert "WorkerGone" not in webhook.list_names(since=since)
        assert "NobodyCanUpload" not in webhook.list_names(since=since)
    webhook.wait("RedisDown", "resolved", TOLD_SECONDS, since)
    wait(lambda: send(busy, samples[0].read_bytes()).ok, TOLD_SECONDS, "upload")


def test_web_that_hangs_is_told_as_what_clinicians_notice(busy: Watched) -> None:
    """Nobody can upload; the probe of the site says the same a second time, and is not told."""
    webhook, since = busy.webhook, busy.webhook.count()
    with busy.suspended("pneumonia_web.app:app"):
        webhook.wait("NobodyCanUpload", "firing", TOLD_SECONDS, since)
        wait(
            lambda: busy.list_alerts().get("SiteDown") == "suppressed",
            TOLD_SECONDS,
            "suppressed alert SiteDown",
        )
    webhook.wait("NobodyCanUpload", "resolved", TOLD_SECONDS, since)


def test_exporter_that_hangs_is_a_ticket(busy: Watched) -> None:
    """Blind is not broken: somebody looks at it in working hours."""
    webhook, since = busy.webhook, busy.webhook.count()
    with busy.suspended("nginx-exporter"):
        told = webhook.wait("TargetDown", "firing", TOLD_SECONDS, since)
        assert (told["labels"]["job"], told["labels"]["severity"]) == ("nginx", "ticket")
    webhook.wait("TargetDown", "resolved", TOLD_SECONDS, since)
