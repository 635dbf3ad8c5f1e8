"""Network paths between hosts: which must be open, and which closed."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.rehearsal.network import Plan, inside

SECONDS = 2.0

OPEN = (
    ("internet", "nginx public", 443),
    ("internet", "nginx public", 80),
    ("admin", "monitoring public", 443),
    ("nginx", "web", 8000),
    ("web", "api-0", 5000),
    ("web", "api-1", 5000),
    ("api-1", "api-0", 6379),
    ("trainer", "api-0", 6379),
    ("monitoring", "nginx", 443),
    ("monitoring", "nginx", 9113),
    ("monitoring", "api-0", 5000),
    ("monitoring", "api-0", 9121),
    ("monitoring", "api-1", 9200),
    ("monitoring", "web", 8000),
    ("monitoring", "web", 9100),
)
CLOSED = (
    ("internet", "nginx public", 22),
    ("internet", "nginx public", 9113),
    ("internet", "nginx", 9100),
    ("internet", "web", 8000),
    ("internet", "web", 9100),
    ("internet", "api-0", 5000),
    ("internet", "api-1", 9200),
    ("internet", "api-0", 6379),
    ("internet", "trainer", 22),
    ("internet", "monitoring public", 443),
    ("internet", "monitoring public", 3000),
    ("internet", "monitoring public", 9090),
    ("admin", "monitoring public", 9090),
    ("admin", "api-0", 5000),
    ("nginx", "api-0", 5000),
    ("nginx", "api-0", 6379),
    ("nginx", "monitoring", 9090),
    ("web", "api-0", 6379),
    ("web", "api-0", 9200),
    ("web", "trainer", 22),
    ("web", "monitoring", 443),
    ("api-0", "web", 8000),
    ("api-1", "api-0", 5000),
    ("api-0", "trainer", 9400),
    ("trainer", "web", 8000),
    ("trainer", "api-0", 5000),
    ("trainer", "monitoring", 9090),
    ("monitoring", "api-0", 6379),
    ("monitoring", "web", 22),
)


def find_faults(plan: Plan) -> Iterator[tuple[str, str]]:
    """Every path with its fault, or an empty string.

    On a closed path nothing may answer, not even a refused connection, which would come from the
    host itself. On an open path it may, because the host may be off.
    """
    probes = [(True, *path) for path in OPEN] + [(False, *path) for path in CLOSED]
    with ThreadPoolExecutor(len(probes)) as pool:
        answers = pool.map(lambda probe: _try(plan, *probe[1:]), probes)
    for (is_open, start, end, port), answer in zip(probes, answers, strict=True):
        name = f"{start} {'reaches' if is_open else 'is kept from'} {end}:{port}"
        yield name, "" if (answer == "nothing") != is_open else f"{answer} answered"


def _try(plan: Plan, start: str, end: str, port: int) -> str:
    """Who answers: "the service", "the host" (connection refused), or "nothing"."""
    name, _, public = end.partition(" ")
    host = plan.hosts[name]
    address = host.public_address if public else host.address
    try:
        with inside(start), socket.create_connection((address, port), SECONDS):
            return "the service"
    except ConnectionRefusedError:
        return "the host"
    except TimeoutError:
        return "nothing"
