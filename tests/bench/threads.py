"""How many processes and threads of gunicorn API and web page should have, and who buffers bodies.

    python -m tests.bench.threads {api,web} [--settings 1x2 1x8 1x64 2x32] [--turns 2]

Each setting is PROCESSESxTHREADS, or one with `,direct`, for which nginx passes bodies on as they
arrive instead of buffering them. `api`: machines upload to the API. `web`: clinicians upload
through nginx and the web page. One system runs as installed; for each setting it gets a second API,
or a second web page and proxy, by the commands and settings of its own. Turns go through the
settings forwards and back. A cell is uploads a second, and the processor time of all services for
an upload in ms; or it says that some were refused as too many at once.
"""

import argparse
import shlex
import shutil
import signal
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import psutil

from local.parts import list_programs
from tests.bench.clients import Browser, Machine, Unexpected
from tests.bench.images import Images, make_images
from tests.bench.processes import find_processes
from tests.bench.sides import ROOT
from tests.bench.traced_service import wait_answer
from tests.stack import Stack, free_ports, running_stack

UPLOADS, WARM_UPS = 32, 8
CLIENTS = (1, 4, 8, 16)
SETTINGS = {
    "api": ("1x2", "1x4", "1x8", "1x16", "1x64", "2x8", "2x32"),
    "web": ("1x2", "1x4", "1x8", "1x16", "1x32", "2x16", "1x32,direct"),
}

Found = dict[tuple[str, int], list[tuple[float, float]]]
"""Uploads a second and ms of processor time, for each setting and number of clients."""

Upload = Callable[[Sequence[int]], None]


@contextmanager
def another(stack: Stack, part: str, port: int, setting: str, scratch: Path) -> Iterator[int]:
    """A second API or web page of so many processes and threads, on `port`; its process id."""
    workers, _, threads = setting.partition("x")
    model = find_processes(stack)[part][0]
    counts = scratch / f"{part}-{port}"
    counts.mkdir()
    environment = {
        **model.environ(),
        f"{part.upper()}_PORT": str(port),
        "PROMETHEUS_MULTIPROC_DIR": str(counts),
    }
    programs = list_programs(ROOT, stack.var, "", watched=False)
    command = [*shlex.split(programs[part]), "--workers", workers, "--threads", threads]
    with _running(command, environment, scratch / f"{part}-{port}.log") as process:
        wait_answer(port)
        yield process


@contextmanager
def proxy(stack: Stack, port: int, web_port: int, *, direct: bool, scratch: Path) -> Iterator[int]:
    """A second nginx on `port` in front of the web page on `web_port`; its process id."""
    model = find_processes(stack)["nginx"][0]
    before, after = stack.var / "nginx", scratch / f"nginx-{port}"
    shutil.copytree(before, after)
    replaced = {
        str(before): str(after),
        f"127.0.0.1:{stack.ports['WEB_PORT']}": f"127.0.0.1:{web_port}",
        f":{stack.ports['PORT']}": f":{port}",
    }
    for file in after.glob("*.conf"):
        text = file.read_text()
        for old, new in replaced.items():
            text = text.replace(old, new)
        if direct and file.name == "proxy.conf":
            text += "proxy_request_buffering off;\n"
        file.write_text(text)
    command = shlex.split(
        list_programs(ROOT, stack.var, "", watched=False)["nginx"].replace(str(before), str(after))
    )
    with _running(command, model.environ(), scratch / f"nginx-{port}.log") as process:
        wait_answer(port)
        yield process


@contextmanager
def _running(command: Sequence[str], environment: dict[str, str], log: Path) -> Iterator[int]:
    with log.open("wb") as out:
        process = psutil.Popen(list(command), cwd=ROOT, env=environment, stdout=out, stderr=out)
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def cpu_seconds(stack: Stack, more: Sequence[int]) -> float:
    """Processor time of all parts of the stack and of the processes `more` with their children."""
    processes = [each for part in find_processes(stack).values() for each in part]
    for pid in more:
        process = psutil.Process(pid)
        processes += [process, *process.children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def measure(
    stack: Stack, side: str, setting: str, images: Images, numbers: Iterator[int], found: Found
) -> None:
    """Add what one turn of a setting gave, for each number of clients."""
    size, _, how = setting.partition(",")
    with ExitStack() as opened:
        scratch = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="threads-")))
        ports = free_ports(["part", "proxy"])
        more = [opened.enter_context(another(stack, side, ports["part"], size, scratch))]
        if side == "web":
            more.append(
                opened.enter_context(
                    proxy(
                        stack,
                        ports["proxy"],
                        ports["part"],
                        direct=how == "direct",
                        scratch=scratch,
                    )
                )
            )
        url = f"http://127.0.0.1:{ports['proxy']}"
        browsers = [
            Browser(url, stack.user, stack.password) for _ in range(max(CLIENTS) * (side == "web"))
        ]

        def upload(client: int, mine: Sequence[int]) -> None:
            if side == "web":
                for number in mine:
                    browsers[client].judge(images.read(number))
                return
            with Machine(ports["part"], "/v1/xrays?wait=30", stack.api_key) as machine:
                for number in mine:
                    machine.judge(images.read(number))

        upload(0, [next(numbers) for _ in range(WARM_UPS)])
        for clients in CLIENTS:
            shares = [[next(numbers) for _ in range(UPLOADS // clients)] for _ in range(clients)]
            before, started = cpu_seconds(stack, more), time.monotonic()
            try:
                with ThreadPoolExecutor(clients) as pool:
                    list(pool.map(upload, range(clients), shares))
            except Unexpected:
                found[setting, clients].append((0.0, 0.0))
                continue
            seconds, spent = time.monotonic() - started, cpu_seconds(stack, more) - before
            found[setting, clients].append((UPLOADS / seconds, 1000 * spent / UPLOADS))


def format_table(settings: Sequence[str], found: Found) -> str:
    """A row for each setting: means over the turns."""
    lines = [
        f"| processes x threads | {' | '.join(f'{n} clients' for n in CLIENTS)} |",
        f"|---|{'---|' * len(CLIENTS)}",
    ]
    for setting in settings:
        cells = []
        for clients in CLIENTS:
            rates, spent = zip(*found[setting, clients], strict=True)
            shown = f"{statistics.mean(rates):.1f}/s, {statistics.mean(spent):.1f} ms"
            cells.append(shown if all(rates) else "refuses some")
        lines.append(f"| {setting} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="threads", description="Threads of API and web page.")
    parser.add_argument("side", choices=SETTINGS)
    parser.add_argument("--settings", nargs="*")
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    settings = options.settings or list(SETTINGS[options.side])
    with tempfile.TemporaryDirectory(prefix="threads-") as name:
        folder = Path(name) / "uploads"
        folder.mkdir()
        make_images(ROOT / "var" / "samples", folder)
        images, numbers = Images(folder), count()
        found: Found = defaultdict(list)
        with running_stack(Path(name) / "var") as stack:
            for _ in range(options.turns):
                for setting in settings:
                    measure(stack, options.side, setting, images, numbers, found)
                settings.reverse()
        print(format_table(options.settings or SETTINGS[options.side], found))


if __name__ == "__main__":
    main()
