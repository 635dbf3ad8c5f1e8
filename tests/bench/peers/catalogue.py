"""The services that are compared, each as its authors recommend, in the best settings found."""

import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.peers.environments import make_environment
from tests.bench.peers.protocols import FORM, TRITON
from tests.bench.peers.running import Running, running_ours, running_peer
from tests.bench.peers.work import Task

BARE, FULL, OURS = "bare", "full", "ours"

FASTEST, FLOAT32 = "fastest precision", "float32"


@dataclass(frozen=True)
class Place:
    """Where the model is, and where a service may write; `data` is the first X-ray."""

    model_dir: Path
    serving_dir: Path
    scratch: Path
    data: bytes


@dataclass(frozen=True)
class Peer:
    """One service and how it runs.

    `command` follows the python of `environment` (empty: the project's own); PORT in it is
    replaced. `hint` and `threads` are OpenVINO's performance hint and the threads of one inference
    (0: its default), `settings` says all of it in words.
    """

    name: str
    precision: str
    command: str
    settings: str
    environment: str = ""
    hint: str = "LATENCY"
    threads: int = 0
    variables: Mapping[str, str] = field(default_factory=dict)
    path: str = "/predict"
    protocol: str = FORM

    def prepare(self) -> Path:
        """The python that runs it. Raises CannotInstall."""
        return make_environment(self.environment) if self.environment else Path(sys.executable)

    @contextmanager
    def running(self, variant: str, place: Place) -> Iterator[Running]:
        """The service, started in `place.scratch`. Raises DidNotStart."""
        keep = place.scratch / "kept" if variant == FULL else None
        if keep:
            keep.mkdir()
        task = Task(
            place.model_dir,
            place.serving_dir,
            keep,
            "f32" if self.precision == FLOAT32 else "",
            self.hint,
            self.threads,
        )
        python = self.prepare()

        def make_command(port: int) -> list[str]:
            return [str(python), *self.command.replace("PORT", str(port)).split()]

        environment = {**task.to_environment(), **self.variables, "TF_CPP_MIN_LOG_LEVEL": "3"}
        log = place.scratch / "log"
        with running_peer(
            make_command, environment, self.path, self.protocol, place.data, log
        ) as running:
            yield running


@dataclass(frozen=True)
class Ours:
    """All parts of `make run`."""

    name: str
    precision: str
    settings: str
    environment: Mapping[str, str]

    def prepare(self) -> None:
        """Nothing to install."""

    @contextmanager
    def running(self, variant: str, place: Place) -> Iterator[Running]:
        """The system in a new folder, asked at the API."""
        settings = {
            "MODEL_DIR": str(place.model_dir),
            "SERVING_DIR": str(place.serving_dir),
            **self.environment,
        }
        with running_ours(settings, place.data, place.scratch) as running:
            yield running


def _gunicorn(app: str, workers: int, threads: int) -> str:
    # gthread, because it keeps connections alive (docs.gunicorn.org/en/stable/design.html).
    options = f"--no-control-socket --timeout 120 --worker-class gthread --threads {threads}"
    bind = f"--workers {workers} --bind 127.0.0.1:PORT tests.bench.peers.{app}:app"
    return f"-m gunicorn {options} {bind}"


KERAS = Peer(
    "Flask and `keras.Model.predict`",
    FLOAT32,
    _gunicorn("keras_view", 1, 1),
    "gunicorn, 1 worker of 1 thread; TensorFlow's own threads",
)

# The first was the fastest for one client, the second had the highest throughput of those tried;
# the hint THROUGHPUT and more threads were no better at either.
_FLASK = [
    *(
        Peer(
            "Flask with OpenVINO in the view",
            precision,
            _gunicorn("openvino_view", 1, 2),
            "gunicorn, 1 worker of 2 threads; hint LATENCY; no batching",
        )
        for precision in (FASTEST, FLOAT32)
    ),
    Peer(
        "the same with a worker for each core",
        FASTEST,
        _gunicorn("openvino_view", 2, 1),
        "gunicorn, 2 workers of 1 thread; hint LATENCY, 1 thread each; no batching",
        threads=1,
    ),
]

_BENTO = Peer(
    "BentoML",
    FASTEST,
    "-m bentoml serve tests.bench.peers.bento_service:Xrays --port PORT",
    "1 worker of 2 threads; hint LATENCY; no batching",
    environment="bentoml",
    variables={
        "PEER_WORKERS": "1",
        "PEER_WORKER_THREADS": "2",
        "BENTOML_DO_NOT_TRACK": "True",
    },
)

_LIT = Peer(
    "LitServe",
    FASTEST,
    "-m tests.bench.peers.lit_server PORT",
    "2 workers; hint LATENCY, 1 thread each; no batching",
    environment="litserve",
    threads=1,
    variables={"PEER_WORKERS": "2"},
)

_TRITON = Peer(
    "Triton (PyTriton)",
    FASTEST,
    "-m tests.bench.peers.triton_server PORT",
    "2 instances of a Python callable; hint LATENCY; no batching",
    environment="triton",
    # Triton embeds Python and must find the libpython of the interpreter that runs the callable
    # (triton-inference-server.github.io/pytriton/latest/installation/).
    variables={"PEER_WORKERS": "2", "LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR")},
    path="/v2/models/xrays/infer",
    protocol=TRITON,
)

_OURS = [
    Ours("this service", precision, "all parts of `make run`, as they come", settings)
    for precision, settings in ((FASTEST, {}), (FLOAT32, {"PRECISION": "float32"}))
]

SERVICES: tuple[tuple[Peer | Ours, str], ...] = (
    (KERAS, BARE),
    (KERAS, FULL),
    *((peer, variant) for variant in (BARE, FULL) for peer in (*_FLASK, _BENTO, _LIT, _TRITON)),
    *((ours, OURS) for ours in _OURS),
)

NOT_TO_BE_HAD = {
    "OpenVINO Model Server": "its authors publish container images, a snap and archives on GitHub; "
    "no package on PyPI or in Debian carries the server (`ovmsclient` is a client)"
}
