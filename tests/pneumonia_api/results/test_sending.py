"""Results reach the PACS: once each, also after it was away, and with a clear state if not."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from pneumonia_api.dicom_tls import make_listening
from pneumonia_api.records import keys
from tests.pneumonia_api.node.test_tls import make_certificate
from tests.pneumonia_api.results.site import Pacs, Site, wait
from tests.stack import free_ports


@pytest.fixture
def pacs() -> Pacs:
    """One that does not listen yet."""
    return Pacs(free_ports(["PACS"])["PACS"])


@pytest.fixture
def site(client: redis.Redis, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    """A site whose desk draws."""
    site = Site(client, redis_url, tmp_path)
    with site.drawing():
        yield site


def test_result_is_sent_when_the_xray_is_read(site: Site, pacs: Pacs) -> None:
    """A structured report and a secondary capture, to which it refers, and nothing before."""
    xray, upload = site.judge(), site.judge("doctor")
    with pacs.running(), site.sending(pacs.port):
        assert site.state(xray) is None
        pending = site.read(xray).transmission
        assert pending
        assert (pending.status, pending.reading) == ("pending", 1)
        assert site.read(upload).transmission is None  # it came by the browser
        site.wait_for(xray, "sent")
    kinds = {dataset.Modality: dataset for dataset in pacs.stored.values()}
    assert set(kinds) == {"OT", "SR"}
    report = kinds.pop("SR")
    [image] = kinds.values()
    assert image.SOPInstanceUID in str(report)
    assert image.StudyInstanceUID == report.StudyInstanceUID
    assert pacs.received == 2
    assert site.client.zcard(keys.PENDING_RESULTS) == 0
    [(_, line)] = site.client.xrange(keys.AUDIT)
    assert (line["action"], line["xray"], line["about"]) == ("export_report", xray.id, "PACS")


def test_node_that_is_away_gets_it_later(site: Site, pacs: Pacs) -> None:
    """Pending says why, and nothing is lost."""
    xray = site.judge()
    with site.sending(pacs.port):
        site.read(xray)
        site.wait_for(xray, "pending", "away")
        with pacs.running():
            site.wait_for(xray, "sent")
    assert len(pacs.stored) == pacs.received == 2


def test_refusal_is_final_and_says_its_status(site: Site, pacs: Pacs) -> None:
    """A status that another try would get again; the next reading is a new result."""
    xray = site.judge()
    pacs.status = 0xA900
    with pacs.running(), site.sending(pacs.port):
        site.read(xray)
        site.wait_for(xray, "refused", "0xA900")
        assert site.client.zrange(keys.REFUSED_RESULTS, 0, -1) == [xray.id]
        pacs.status = 0
        site.read(xray, "normal")
        site.wait_for(xray, "sent")
    assert site.client.zcard(keys.REFUSED_RESULTS) == 0


def test_pacs_without_room_is_tried_again(site: Site, pacs: Pacs) -> None:
    """A700 is no refusal."""
    xray = site.judge()
    pacs.status = 0xA700
    with pacs.running(), site.sending(pacs.port):
        site.read(xray)
        site.wait_for(xray, "pending", "0xA700")
        pacs.status = 0
        site.wait_for(xray, "sent")


def test_pacs_that_does_not_know_us_is_said(site: Site, pacs: Pacs) -> None:
    """A rejected association, until somebody corrects the title."""
    xray = site.judge()
    pacs.title = "ANOTHER"
    with site.sending(pacs.port):
        with pacs.running():
            site.read(xray)
            site.wait_for(xray, "pending", "rejected")
        pacs.title = "PACS"
        with pacs.running():
            site.wait_for(xray, "sent")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
def test_restart_with_a_full_queue_loses_nothing(site: Site, pacs: Pacs, how: int) -> None:
    """Twelve results wait; the process ends, or is killed; each arrives, and none twice."""
    xrays = [site.judge() for _ in range(12)]
    with site.sending(pacs.port) as process:
        for xray in xrays:
            site.read(xray)
        site.wait_for(xrays[-1], "pending", "away")
        process.send_signal(how)
        process.wait(20)
    with pacs.running(), site.sending(pacs.port):
        for xray in xrays:
            site.wait_for(xray, "sent")
    assert len(pacs.stored) == pacs.received == 2 * len(xrays)


def test_withdrawn_reading_and_silent_weeks_send_nothing(site: Site, pacs: Pacs) -> None:
    """What is to be shown to nobody is not sent; the state says so."""
    silent = site.judge()
    site.client.rpush(keys.SILENCE, '{"silent": true, "by": "lead", "at": ""}')
    site.read(silent)
    with pacs.running(), site.sending(pacs.port):
        site.wait_for(silent, "withheld", "silent")
    assert pacs.received == 0


def test_deleted_xray_is_not_sent(site: Site, pacs: Pacs) -> None:
    """Neither record nor pending result comes back."""
    xray = site.judge()
    site.read(xray)
    site.xrays.delete(xray)
    assert site.client.zcard(keys.PENDING_RESULTS) == 0
    with pacs.running(), site.sending(pacs.port):
        wait(lambda: site.client.llen(keys.RESULTS) == 0)
        wait(lambda: not site.client.hlen("results:unacked"))
    assert pacs.received == 0
    assert not site.xrays.exists(xray.id)


def test_results_go_by_tls_where_that_is_asked_for(site: Site, pacs: Pacs, tmp_path: Path) -> None:
    """To a PACS whose certificate is of the authority, with one of our own; never without TLS."""
    make_certificate(tmp_path, "ca", None)
    for name in ("pacs", "ours"):
        make_certificate(tmp_path, name, "ca")
    files = [tmp_path / name for name in ("pacs.pem", "pacs.key", "ca.pem")]
    settings = {
        "DICOM_RESULTS_TLS": "1",
        "DICOM_TLS_CERT": str(tmp_path / "ours.pem"),
        "DICOM_TLS_KEY": str(tmp_path / "ours.key"),
        "DICOM_TLS_CA": str(tmp_path / "ca.pem"),
    }
    xray = site.judge()
    with site.sending(pacs.port, **settings):
        site.read(xray)
        pacs.tls = make_listening(*files)
        with pacs.running():
            site.wait_for(xray, "sent")
    assert pacs.received == 2
