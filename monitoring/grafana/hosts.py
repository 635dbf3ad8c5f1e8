"""Hosts: machines, their disks, and whether Prometheus sees all of it."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from monitoring.grafana.frame import fill, frame
from monitoring.grafana.palette import BAD, GOOD, WARN
from monitoring.grafana.panels import SOURCE, Query, levels, lines, number, states

CHOSEN = 'job="node", instance=~"$instance"'
DISKS = f'{CHOSEN}, fstype!~"tmpfs|ramfs|overlay|squashfs|fuse.*|9p|virtiofs"'


def build() -> Dashboard:
    """The dashboard; the hosts can be chosen at the top."""
    board = frame("hosts", "Which machine is short of what?", "now-3h", "30s")
    every = VariableOption(selected=True, text=["All"], value=["$__all"])
    instance = dashboard.QueryVariable("instance").label("Hosts").datasource(SOURCE)
    instance.query('label_values(node_uname_info{job="node"}, instance)').current(every)
    instance.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
    board.with_variable(instance.multi(True).include_all(True).all_value(".*"))
    return fill(board, [("Seen", _seen()), ("Short of", _short()), ("Busy with", _busy())])


def _seen() -> list[Any]:
    return [
        states(
            "What Prometheus reaches",
            "Every part that is measured. What is down is gone or cut off; a host that was "
            "switched off, as the trainer mostly is, is no target and has a gap.",
            Query("min by (job, instance) (up)", "{{job}} {{instance}}"),
            size=(16, 9),
            names={0: ("down", BAD), 1: ("up", GOOD)},
            empty="Prometheus measures nothing.",
        ),
        number(
            "Certificate ends in",
            "Of the public address. It is renewed by itself 30 days before; below 21 days that "
            "has failed.",
            Query('min(probe_ssl_earliest_cert_expiry{job="site"}) - time()'),
            size=(4, 9),
            unit="s",
            steps=((None, BAD), (7 * 86400, WARN), (21 * 86400, GOOD)),
            empty="no certificate here",
        ),
        number(
            "Site answers after",
            "How long the log-in page took, as seen from outside nginx.",
            Query('max(probe_duration_seconds{job="site"})'),
            size=(4, 9),
            unit="s",
            decimals=2,
            steps=((None, GOOD), (1, WARN), (5, BAD)),
            empty="not measured",
        ),
    ]


def _short() -> list[Any]:
    return [
        levels(
            "Disks, used",
            "Full disks stop Redis and with it everything. From 80 % on make room.",
            Query(
                f"1 - max by (instance, mountpoint) (node_filesystem_avail_bytes{{{DISKS}}}"
                f" / node_filesystem_size_bytes{{{DISKS}}})",
                "{{instance}} {{mountpoint}}",
            ),
            size=(12, 8),
            steps=((None, GOOD), (0.8, WARN), (0.9, BAD)),
            decimals=0,
        ),
        levels(
            "Memory, used",
            "What programs hold and cannot give back. From 90 % on the largest program, which is "
            "a worker or Redis, may be ended.",
            Query(
                f"1 - node_memory_MemAvailable_bytes{{{CHOSEN}}}"
                f" / node_memory_MemTotal_bytes{{{CHOSEN}}}",
                "{{instance}}",
            ),
            size=(12, 8),
            steps=((None, GOOD), (0.8, WARN), (0.9, BAD)),
            decimals=0,
        ),
    ]


def _busy() -> list[Any]:
    wire = f'{{{CHOSEN}, device!="lo"}}[$__rate_interval]'
    return [
        lines(
            "Processors in use",
            "Share of all processors of the host. Workers use all of it while X-rays wait.",
            Query(
                "1 - avg by (instance) "
                f'(rate(node_cpu_seconds_total{{{CHOSEN}, mode="idle"}}[$__rate_interval]))',
                "{{instance}}",
            ),
            size=(8, 8),
            unit="percentunit",
            highest=1,
        ),
        lines(
            "Disks in use",
            "Share of the time in which the host's busiest disk works. Near 100 % on the host of "
            "Redis: every accepted upload waits for it.",
            Query(
                "max by (instance) "
                f"(rate(node_disk_io_time_seconds_total{{{CHOSEN}}}[$__rate_interval]))",
                "{{instance}}",
            ),
            size=(8, 8),
            unit="percentunit",
            highest=1,
        ),
        lines(
            "Network, in and out",
            "Bytes a second, of all interfaces but the loopback.",
            Query(
                f"sum by (instance) (rate(node_network_receive_bytes_total{wire}))"
                f" + sum by (instance) (rate(node_network_transmit_bytes_total{wire}))",
                "{{instance}}",
            ),
            size=(8, 8),
            unit="Bps",
        ),
    ]
