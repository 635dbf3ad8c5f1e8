"""Hosts: load, memory and disks of each machine, and whether Prometheus can scrape it."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from monitoring.grafana.curves import lines, states
from monitoring.grafana.frame import fill, frame
from monitoring.grafana.palette import BAD, GOOD, WARN
from monitoring.grafana.panels import SOURCE, Query, levels, number

CHOSEN = 'job="node", instance=~"$instance"'
DISKS = f'{CHOSEN}, fstype!~"tmpfs|ramfs|overlay|squashfs|fuse.*|9p|virtiofs"'


def build() -> Dashboard:
    """The dashboard; the hosts are selected at the top."""
    board = frame("hosts", "Which machine is short of which resource?", "now-3h", "30s")
    every = VariableOption(selected=True, text=["All"], value=["$__all"])
    instance = dashboard.QueryVariable("instance").label("Hosts").datasource(SOURCE)
    instance.query('label_values(node_uname_info{job="node"}, instance)').current(every)
    instance.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
    board.with_variable(instance.multi(True).include_all(True).all_value(".*"))
    return fill(board, [("Targets", _targets()), ("Disks and memory", _space()), ("Load", _load())])


def _targets() -> list[Any]:
    return [
        states(
            "Scrape targets",
            "Every target that Prometheus scrapes. Down: the target has stopped or is "
            "unreachable. A host that is switched off, usually the trainer, is not a target and "
            "leaves a gap.",
            Query("min by (job, instance) (up)", "{{job}} {{instance}}"),
            size=(16, 9),
            names={0: ("down", BAD), 1: ("up", GOOD)},
            empty="Prometheus has no targets.",
        ),
        number(
            "Certificate expires in",
            "Remaining validity of the public certificate. It is renewed automatically 30 days "
            "before it expires; below 21 days the renewal has failed.",
            Query('min(probe_ssl_earliest_cert_expiry{job="site"}) - time()'),
            size=(4, 9),
            unit="s",
            steps=((None, BAD), (7 * 86400, WARN), (21 * 86400, GOOD)),
            empty="no certificate",
        ),
        number(
            "Site response time",
            "Response time of the log-in page, measured from outside nginx.",
            Query('max(probe_duration_seconds{job="site"})'),
            size=(4, 9),
            unit="s",
            decimals=2,
            steps=((None, GOOD), (1, WARN), (5, BAD)),
            empty="not measured",
        ),
    ]


def _space() -> list[Any]:
    return [
        levels(
            "Disk usage",
            "A full disk stops Redis, and with it the whole system. Free space from 80 % on.",
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
            "Memory usage",
            "Memory that programs hold and cannot release. From 90 % on, the kernel may kill the"
            " largest process, which is a worker or Redis.",
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


def _load() -> list[Any]:
    wire = f'{{{CHOSEN}, device!="lo"}}[$__rate_interval]'
    return [
        lines(
            "CPU utilisation",
            "Mean of all processors of the host. Workers use all of them while X-rays wait.",
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
            "Disk utilisation",
            "Share of the time in which the busiest disk of the host is active. Near 100 % on "
            "the Redis host, every accepted upload waits for the disk.",
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
            "Network traffic",
            "Bytes received and sent per second, on all interfaces except loopback.",
            Query(
                f"sum by (instance) (rate(node_network_receive_bytes_total{wire}))"
                f" + sum by (instance) (rate(node_network_transmit_bytes_total{wire}))",
                "{{instance}}",
            ),
            size=(8, 8),
            unit="Bps",
        ),
    ]
