"""The trainer in a rehearsal: it runs, is interrupted and hangs; its model is a candidate."""

import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from model.serving.artifact_store import REFUSED
from tests.pneumonia_web.visitor import Visitor
from tests.rehearsal.image import WORK
from tests.rehearsal.network import inside
from tests.rehearsal.people import uploading
from tests.rehearsal.scenes import BACK_SECONDS, Stage, wait
from tests.variant import make_variant

TRAINING_SECONDS = 900
TARGETS_SECONDS = 120
HANGING_RUN = "[Service]\nExecStart=\nExecStart=sleep infinity\nRuntimeMaxSec={limit}\n"
SHORT_LIMIT = "[Timer]\nOnBootSec=\nOnBootSec=10\n"

NO_GPU = "gpu"
"""The one target that is down here, because there is no GPU."""


def train(stage: Stage, doctor: Visitor) -> None:
    """The trainer is started, killed and started again; its model is a candidate."""
    stage.report.head("A training run while X-rays come in, and what becomes of its model")
    trainer = stage.machines["trainer"]
    log = WORK / "hosts/trainer/root/var/lib/pneumonia/training/job.log"
    trainer.start()
    if wait(lambda: log.is_file() and "training, " in log.read_text(), TRAINING_SECONDS):
        _check_targets(stage)
        trainer.kill()
        trainer.start()
        stage.report.check("trainer was killed during its work and started again")
    else:
        stage.report.check("trainer begins its work", trainer.console.read_text()[-2000:])
    with uploading(doctor, stage.xrays) as (ids, faults):
        off = trainer.wait_off(TRAINING_SECONDS)
        stage.report.check(
            "it ended, and powered itself off",
            "" if off else f"it is still on; its log: {log.read_text()[-2000:]}",
        )
        _check_candidate(stage, log.read_text()[-500:])
        _promote_another(stage)
    detail = f"{len(ids)} X-rays uploaded meanwhile, none refused"
    stage.report.check("without a dropped request", "; ".join(faults[:3]), detail)
    records = stage.caller.list_xrays(stage.api_addresses[0]).values()
    batch = [record["id"] for record in records if record["source"] == "batch"]
    # By search, because the worklist has pages and hundreds of newer X-rays.
    missing = [i for i in batch if f"/xrays/{i}" not in doctor.get(f"/xrays?q={i}").text]
    fault = f"{len(missing)} of {len(batch)} are not" if missing or not batch else ""
    stage.report.check("its test images are in the worklist", fault, f"{len(batch)} X-rays")


def hang(stage: Stage) -> None:
    """A run that hangs is ended by its time limit or, failing that, by the trainer's timer."""
    stage.report.head("A trainer that hangs")
    trainer = stage.machines["trainer"]
    trainer.kill()
    units = "etc/systemd/system/pneumonia-"
    for what, limit in (("a run's time limit", "2"), ("the trainer's own timer", "infinity")):
        trainer.write(f"{units}training.service.d/hang.conf", HANGING_RUN.format(limit=limit))
        trainer.start()
        off = trainer.wait_off(BACK_SECONDS)
        stage.report.check(f"{what} powers it off", "" if off else "it is still on")
        trainer.kill()
        trainer.write(f"{units}limit.timer.d/short.conf", SHORT_LIMIT)


def _check_candidate(stage: Stage, log: str) -> None:
    """A model of one epoch from random weights is a candidate, and the gate refuses it."""
    states = dict(line.split() for line in stage.account.run_store("list").splitlines())
    waiting = [version for version, state in states.items() if state == "candidate"]
    fault = "" if len(waiting) == 1 else f"the store has {states}; its log: {log}"
    stage.report.check("its model is a candidate", fault, " ".join(waiting))
    served = {version for version, state in states.items() if state == "served"}
    fault = "" if served == _served(stage) else f"API hosts serve {_served(stage)}"
    stage.report.check("and is not in service", fault, " ".join(served))
    for version in waiting:
        try:
            stage.account.run_store("promote", version)
            fault = "it was promoted"
        except subprocess.CalledProcessError as error:
            fault = "" if error.returncode == REFUSED else f"exit code {error.returncode}"
        stage.report.check("the gate refuses it", fault)


def _promote_another(stage: Stage) -> None:
    """All hosts serve a promoted candidate, and then the previous model again."""
    before = _served(stage)
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        made = make_variant(Path(folder), lambda shipped: replace(shipped, threshold=0.4))
        files = ["--artifact", str(made.artifact), "--serving", str(made.serving)]
        stage.account.run_store("publish", *files)
    stage.account.run_store("promote", made.version)
    switched = wait(lambda: _served(stage) == {made.version}, BACK_SECONDS)
    stage.report.check(
        "all API hosts serve what was promoted",
        "" if switched else f"{_served(stage)}",
        f"{min(before)} to {made.version}",
    )
    stage.account.run_store("switch", min(before))
    back = wait(lambda: _served(stage) == before, BACK_SECONDS)
    stage.report.check("and switch back to the previous model", "" if back else f"{_served(stage)}")


def _served(stage: Stage) -> set[str]:
    return {stage.caller.get(address, "/v1/model")["version"] for address in stage.api_addresses}


def _check_targets(stage: Stage) -> None:
    """While the trainer runs, so that it is a target, too. Prometheus discovers targets once a
    minute."""
    down: list[str] = []

    def all_up() -> bool:
        kinds = _ask("scrape_pools")["scrapePools"]
        targets = _ask("targets")["activeTargets"]
        down[:] = [
            f"{target['scrapePool']} {target['scrapeUrl']}: {target['lastError']}"
            for target in targets
            if target["health"] != "up" and target["scrapePool"] != NO_GPU
        ]
        down.extend(f"no {k}" for k in kinds if not any(k == t["scrapePool"] for t in targets))
        for name, host in stage.plan.hosts.items():
            if not any(f"//{host.address}:9100/" in target["scrapeUrl"] for target in targets):
                down.append(f"{name} is no target")
        return not down

    wait(all_up, TARGETS_SECONDS)
    count = int(_query('count(up{job!="gpu"})'))
    stage.report.check("Prometheus reaches every target", "; ".join(down), f"{count} targets")
    seen = wait(lambda: _query("min(probe_success)") == 1, 30)
    stage.report.check("Prometheus sees the site as a browser does", "" if seen else "it does not")


def _query(expression: str) -> float:
    """The single value of an expression."""
    return float(_ask("query", query=expression)["result"][0]["value"][1])


def _ask(what: str, **parameters: str) -> Any:
    """Call Prometheus's API on its host."""
    with inside("monitoring"):
        url = f"http://127.0.0.1:9090/api/v1/{what}"
        return requests.get(url, params=parameters, timeout=10).json()["data"]
