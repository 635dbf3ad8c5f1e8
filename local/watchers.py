"""What `make run MONITORING=1` also starts: Prometheus, Alertmanager and the exporters.

They are Debian's programs, found on PATH; PyPI has none of them. The configuration is that of AWS,
with the addresses of this machine as targets.
"""

import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from local.parts import CannotStart, fill, find_server

PORTS = {
    "PROMETHEUS_PORT": 9090,
    "ALERTMANAGER_PORT": 9093,
    "NODE_EXPORTER_PORT": 9100,
    "REDIS_EXPORTER_PORT": 9121,
    "NGINX_EXPORTER_PORT": 9113,
    "NGINX_STATUS_PORT": 8081,
    "BLACKBOX_PORT": 9115,
}
PAGES = {"PROMETHEUS_PORT": "Prometheus", "ALERTMANAGER_PORT": "Alertmanager"}
"""Those with a page for the browser."""

PACKAGES = {
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "prometheus-redis-exporter": "prometheus-redis-exporter",
    "prometheus-nginx-exporter": "prometheus-nginx-exporter",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
    "nginx": "nginx-light",
}
"""Debian's packages by program. nginx, too: the one in PyPI is built without stub_status, which the
exporter reads."""

KEPT = "35d"
"""More than the four weeks and a day that the drift rules look back."""


def check_programs() -> None:
    """Raise CannotStart unless all are on PATH."""
    missing = [package for program, package in PACKAGES.items() if find_server(program) is None]
    if missing:
        raise CannotStart(
            f"MONITORING=1 needs Debian's {', '.join(missing)}; install with `apt-get install "
            f"{' '.join(missing)}`, or start without MONITORING."
        )


def prepare(root: Path, var: Path, ports: Mapping[str, int], redis_url: str) -> dict[str, str]:
    """Write the configuration below `var`; returns the commands by part.

    Prometheus scrapes every SCRAPE_SECONDS. Alerts are posted to ALERT_WEBHOOK; without it they
    appear only on Alertmanager's page. Raises CannotStart for an invalid setting.
    """
    seconds = os.environ.get("SCRAPE_SECONDS") or "15"
    if not seconds.isdecimal() or int(seconds) == 0:
        raise CannotStart(f"SCRAPE_SECONDS must be a whole number above 0, not {seconds!r}.")
    hook = os.environ.get("ALERT_WEBHOOK") or ""
    if hook and not re.fullmatch(r"https?://[!-~]+", hook):
        raise CannotStart("ALERT_WEBHOOK must be a URL such as https://example.org/alerts.")
    _write_files(root, var, ports, int(seconds), hook)
    os.environ["REDIS_ADDR"] = redis_url  # for its exporter; any account could read an option
    return _list_commands(root, var, ports)


def _write_files(root: Path, var: Path, ports: Mapping[str, int], seconds: int, hook: str) -> None:
    for name in ("prometheus/rules", "alertmanager", "metrics"):
        (var / name).mkdir(parents=True, exist_ok=True)

    def found(*names: str) -> str:
        return _list_targets(*(f"127.0.0.1:{ports[name]}" for name in names))

    sends = {"DICOM_RESULTS_METRICS_PORT"} if os.environ.get("DICOM_RESULTS_TO") else set()
    fill(
        root / "monitoring" / "prometheus" / "prometheus.yml.template",
        var / "prometheus" / "prometheus.yml",
        scrape_interval=f"{seconds}s",
        prometheus=found("PROMETHEUS_PORT"),
        alertmanager=found("ALERTMANAGER_PORT"),
        node=found("NODE_EXPORTER_PORT"),
        web=found("WEB_PORT"),
        api=found("API_PORT"),
        worker=found("WORKER_METRICS_PORT"),
        dicom=found(*{"DICOM_METRICS_PORT"} & ports.keys()),
        results=found(*sends & ports.keys()),
        redis=found("REDIS_EXPORTER_PORT"),
        nginx=found("NGINX_EXPORTER_PORT"),
        gpu=found(),
        site=_list_targets(f"http://127.0.0.1:{ports['PORT']}/login"),
        site_module="site_plain",
        blackbox=f"127.0.0.1:{ports['BLACKBOX_PORT']}",
    )
    for rules in (root / "monitoring" / "prometheus" / "rules").glob("*.yml"):
        shutil.copy(rules, var / "prometheus" / "rules")
    receiver = f"webhook_configs: [{{url: {json.dumps(hook)}}}]" if hook else ""
    fill(
        root / "monitoring" / "alertmanager" / "alertmanager.yml.template",
        var / "alertmanager" / "alertmanager.yml",
        pages=receiver,
        tickets=receiver,
    )
    fill(
        root / "nginx" / "servers-status.conf.template",
        var / "nginx" / "servers-status.conf",
        status_address=f"127.0.0.1:{ports['NGINX_STATUS_PORT']}",
    )


def _list_targets(*addresses: str) -> str:
    """The static targets of a Prometheus job, as YAML."""
    return f"static_configs: [{{targets: {json.dumps(addresses)}}}]"


def _list_commands(root: Path, var: Path, ports: Mapping[str, int]) -> dict[str, str]:
    def command(name: str, port: str, *options: str) -> str:
        program = find_server(name) or name
        listen = f"--web.listen-address=127.0.0.1:{ports[port]}"
        return shlex.join((program, listen, *options))

    status = f"http://127.0.0.1:{ports['NGINX_STATUS_PORT']}/stub_status"
    return {
        "node_exporter": command(
            "prometheus-node-exporter",
            "NODE_EXPORTER_PORT",
            f"--collector.textfile.directory={var}/metrics",
        ),
        "redis_exporter": command(
            "prometheus-redis-exporter",
            "REDIS_EXPORTER_PORT",
            # Reports a Redis that hangs as down before the scrape itself times out.
            "--connection-timeout=1s",
        ),
        # It exits unless nginx responds, and nginx may still be starting.
        "nginx_exporter": command(
            "prometheus-nginx-exporter",
            "NGINX_EXPORTER_PORT",
            f"-nginx.scrape-uri={status}",
            "-nginx.retries=8",
            "-nginx.retry-interval=1s",
        ),
        "blackbox": command(
            "prometheus-blackbox-exporter",
            "BLACKBOX_PORT",
            f"--config.file={root}/monitoring/blackbox/blackbox.yml",
        ),
        "alertmanager": command(
            "prometheus-alertmanager",
            "ALERTMANAGER_PORT",
            f"--config.file={var}/alertmanager/alertmanager.yml",
            f"--storage.path={var}/alertmanager/data",
            "--cluster.listen-address=",
        ),
        "prometheus": command(
            "prometheus",
            "PROMETHEUS_PORT",
            f"--config.file={var}/prometheus/prometheus.yml",
            f"--storage.tsdb.path={var}/prometheus/data",
            f"--storage.tsdb.retention.time={KEPT}",
        ),
    }
