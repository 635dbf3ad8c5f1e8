"""The side-by-side measurement as rows with goals and as a table."""

import statistics
from typing import Any

from tests.bench.figures import Row, percentile_ms
from tests.bench.peers.catalogue import BARE, FASTEST, FULL, KERAS, OURS
from tests.bench.peers.side_by_side import CLIENTS, measure_side_by_side
from tests.bench.section import Section

Service = dict[str, Any]

ADDED = (
    "This service does more in each request than any of the others: it syncs the upload and its "
    "record to the disk before it accepts it, decodes it in a sandboxed process, refuses what is "
    "no frontal chest X-ray, stores preview, heat map and a record that a worklist shows, and "
    "judges it also if its worker is killed meanwhile. Its cold start and memory are those of all "
    "parts: nginx, web page, API, Redis, worker and sandbox. *Bare* answers the probability alone; "
    "*full* also syncs the upload, keeps the same preview and returns the same heat map. All are "
    "asked by closed-loop clients, each a process with one persistent connection, which compete "
    "for the same processors; no two uploads have the same bytes, and each answer is checked to "
    "be within 0.1 of the float32 logit. The fastest precision of the peers is what OpenVINO takes "
    "by itself on this processor, that of this service what it chose by trial."
)


def latency(service: Service, clients: int, percent: int) -> float:
    """A percentile in milliseconds."""
    return percentile_ms(service["levels"][str(clients)]["seconds"], percent)


def rate(service: Service, clients: int) -> float:
    """Right answers a second."""
    return service["levels"][str(clients)]["per_second"]


def failures(service: Service) -> int:
    """Requests without a right answer."""
    return sum(
        sum(level["errors"].values()) + level["wrong"] for level in service["levels"].values()
    )


def find_ours(found: dict[str, Any]) -> Service | None:
    """This service in its own choice of precision."""
    mine = [one for one in found["services"] if one["variant"] == OURS]
    return next((one for one in mine if one["precision"] == FASTEST), None)


def peers_rows(found: dict[str, Any]) -> list[Row]:
    """The goals; the naive service is compared in the section `upload`."""
    ours = find_ours(found)
    if ours is None:
        return [Row("Side by side", "not measured: this service did not start", "", False)]
    rows = []
    by_variant = {
        variant: [
            one
            for one in found["services"]
            if one["variant"] == variant and one["precision"] == FASTEST
        ]
        for variant in (BARE, FULL)
    }
    if by_variant[BARE]:
        rows += _bare_rows(ours, by_variant[BARE])
    if by_variant[FULL]:
        rows.append(_full_row(ours, by_variant[FULL]))
    failed = sum(failures(one) for one in found["services"])
    asked = sum(level["sent"] for one in found["services"] for level in one["levels"].values())
    rows.append(
        Row(
            "... requests of all services without a right answer",
            f"{failed} of {asked}; other processes took {found['bystanders']:.0%} of the "
            "processors",
            "none",
            failed == 0,
        )
    )
    return rows


def _bare_rows(ours: Service, peers: list[Service]) -> list[Row]:
    fastest = min(peers, key=lambda one: latency(one, 1, 50))
    ratio = latency(ours, 1, 50) / latency(fastest, 1, 50)
    rows = [
        Row(
            "Upload to the API, p50 of 1 client, against the fastest bare peer",
            f"{latency(ours, 1, 50):.1f} ms, {latency(fastest, 1, 50):.1f} ms "
            f"({fastest['name']}); {ratio:.2f} times as long",
            "1.5 times or less",
            ratio <= 1.5,
        )
    ]
    for clients in (4, 16):
        best = max(peers, key=lambda one: rate(one, clients))
        share = rate(ours, clients) / rate(best, clients)
        rows.append(
            Row(
                f"... throughput of {clients} clients, against the best bare peer",
                f"{rate(ours, clients):.1f}/s, {rate(best, clients):.1f}/s ({best['name']}); "
                f"{share:.2f} of it",
                "0.85 or more",
                share >= 0.85,
            )
        )
    lowest = min(peers, key=lambda one: latency(one, 16, 99))
    mine, theirs = latency(ours, 16, 99), latency(lowest, 16, 99)
    rows.append(
        Row(
            "... p99 of 16 clients, against the lowest of the bare peers",
            f"{mine:.0f} ms, {theirs:.0f} ms ({lowest['name']})",
            "below theirs",
            mine < theirs,
        )
    )
    return rows


def _columns(service: Service) -> dict[str, float]:
    """The figures of a line of the table, each the better the lower it is."""
    columns = {}
    for clients in CLIENTS:
        for percent in (50, 95, 99):
            columns[f"p{percent} of {clients}"] = latency(service, clients, percent)
        columns[f"time for an answer of {clients}"] = 1 / rate(service, clients)
    return columns


def _full_row(ours: Service, peers: list[Service]) -> Row:
    mine, theirs = _columns(ours), {one["name"]: _columns(one) for one in peers}
    behind = []
    for column, value in mine.items():
        best, name = min((columns[column], name) for name, columns in theirs.items())
        if value >= best:
            behind.append(f"{column}: {value / best:.2f} times {name}")
    return Row(
        "Against full peers: p50, p95, p99 and throughput of 1, 4 and 16 clients",
        f"first in {len(mine) - len(behind)} of {len(mine)} columns"
        + (f"; behind in {'; '.join(behind)}" if behind else ""),
        "first in every column",
        not behind,
    )


def format_services(found: dict[str, Any]) -> str:
    """The table of all services, their settings, and what is not in it and why."""
    levels = [f"{n} client{'s' * (n > 1)}" for n in CLIENTS]
    lines = [
        "### Side by side",
        "",
        "p50, p95, p99 in ms; answers a second.",
        "",
        f"| Service | {' | '.join(levels)} | Errors | Cold start | Memory | CPU a request |",
        "|---|" + "---|" * (len(CLIENTS) + 4),
    ]
    for one in found["services"]:
        cells = [
            ", ".join(f"{latency(one, n, p):.0f}" for p in (50, 95, 99)) + f"; {rate(one, n):.0f}/s"
            for n in CLIENTS
            if one["levels"][str(n)]["seconds"]
        ]
        cells += ["no right answer"] * (len(CLIENTS) - len(cells))
        variant = "" if one["variant"] == OURS else f", {one['variant']}"
        lines.append(
            f"| {one['name']}{variant}, {one['precision']} | {' | '.join(cells)} | "
            f"{failures(one)} | {statistics.median(one['cold_start']):.1f} s | "
            f"{statistics.median(one['memory_mb']):.0f} MB | "
            f"{one['levels']['4']['cpu_ms']:.0f} ms |"
        )
    settings = dict.fromkeys((one["name"], one["settings"]) for one in found["services"])
    lines += ["", ADDED, "", "Settings:", ""]
    lines += [f"- {name}: {text}" for name, text in settings]
    if found["skipped"]:
        lines += ["", "Not measured:", ""]
        lines += [f"- {name}: {reason}" for name, reason in found["skipped"].items()]
    return "\n".join(lines)


def format_summary(found: dict[str, Any], machine: str) -> str:
    """The same in short, for readers who want one figure for each load."""
    lines = [
        machine.split(", load", maxsplit=1)[0] + ":",
        "",
        "| Service | p50 of 1 client | answers a second, 4 clients | p99 of 16 clients |",
        "|---|---|---|---|",
    ]
    for one in found["services"]:
        if one["precision"] == FASTEST or one["name"] == KERAS.name:
            variant = "" if one["variant"] == OURS else f", {one['variant']}"
            lines.append(
                f"| {one['name']}{variant} | {latency(one, 1, 50):.0f} ms | {rate(one, 4):.0f} | "
                f"{latency(one, 16, 99):.0f} ms |"
            )
    return "\n".join(lines)


PEERS = Section(
    "peers",
    "This service and its peers side by side",
    measure_side_by_side,
    peers_rows,
    format_services,
)
