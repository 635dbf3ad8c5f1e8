"""Nothing that identifies a patient leaves the decoder, whichever way a film comes in.

A DICOM with a mark in every element that could name somebody is sent by every way in. Then all that
the system has written, and all that it answers, is searched for the marks.
"""

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import requests
from dotenv import dotenv_values
from PIL import Image
from pydicom.uid import UID

from run import DICOM_PORTS
from tests.pneumonia_api.node.raw import associated, send_bytes
from tests.pneumonia_api.node.test_refusals import cut_meta
from tests.pneumonia_api.test_dicomweb import KIND, join
from tests.pneumonia_web.visitor import Visitor
from tests.privacy.marked import Marked, find_marks, mark_everything
from tests.stack import ROOT, Stack, free_ports, running_stack
from tests.store import connect

FORMS = ("pdf", "fhir.json", "csv", "sr.dcm", "sc.dcm", "pm.dcm", "gsps.dcm")
IN_STUDY = ("fhir.json", "sr.dcm", "sc.dcm", "pm.dcm", "gsps.dcm")
"""Forms that belong to the study of the film where the site keeps what refers to it."""

REFERENCES = frozenset({"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"})
MACHINE = {"Manufacturer", "ManufacturerModelName"}
"""Kept for the figures by machine; DICOM's confidentiality profile (PS3.15, E.1) leaves both."""

FILE_NAME = "Zq99999qZ-Doe-Jane-19900201.dcm"


@dataclass(frozen=True)
class Sent:
    """A system after the films have gone in: what they were, and the ids of their records."""

    stack: Stack
    films: dict[str, Marked]
    ids: list[str]
    opted_in: bool
    printed: bytes


def make_films(sample: Path) -> dict[str, Marked]:
    """A chest, a lateral view that is refused, and a damaged file; each with marks of its own."""
    with Image.open(sample) as image:
        pixels = np.asarray(image.convert("L").resize((640, 520)))
    films = {
        "chest": mark_everything(pixels),
        "other chest": mark_everything(np.ascontiguousarray(255 - (255 - pixels) // 2)),
        "undated": mark_everything(pixels[2:], dated=False),
        "lateral": mark_everything(pixels, ViewPosition="LATERAL"),
    }
    damaged = mark_everything(pixels[:-1])
    films["damaged"] = replace(damaged, data=damaged.data[:-50_000])
    return films


def send_by_api(stack: Stack, film: Marked) -> str:
    """As a machine; its file has a telling name."""
    answer = requests.post(
        f"{stack.api_url}/v1/xrays",
        params={"wait": 30},
        headers=stack.headers,
        files={"xray": (FILE_NAME, film.data, "application/dicom")},
        timeout=60,
    )
    assert answer.status_code in (200, 202), answer.text
    return str(answer.json()["id"])


def send_by_page(visitor: Visitor, film: Marked) -> None:
    """As a person, by the form."""
    files = {"xray": (FILE_NAME, film.data, "application/dicom")}
    assert visitor.post("/xrays", "/xrays", files=files).ok


def send_by_node(port: int, film: Marked, folder: Path) -> None:
    """By C-STORE; a damaged one is refused by the node or by the worker."""
    instance = next(mark for mark, name in film.marks.items() if name == "SOPInstanceUID")
    with associated(port) as association:
        data_set = cut_meta(film.data)
        assert send_bytes(association, folder, data_set, UID(f"1.2.826.{instance}.3")) == 0


def send_by_web(stack: Stack, film: Marked) -> None:
    """By STOW-RS."""
    answer = requests.post(
        f"{stack.api_url}/dicomweb/studies",
        headers={**stack.headers, "Content-Type": KIND},
        data=join(film.data + b"\0\0\0\0\0\0"),
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


def send_as_archive(stack: Stack, films: dict[str, Marked], folder: Path) -> bytes:
    """A folder with a telling name, scored by the command; what that prints."""
    (folder / "Zq99999qZ").mkdir(parents=True)
    for number, film in enumerate(films.values()):
        (folder / "Zq99999qZ" / f"{number}-{FILE_NAME}").write_bytes(film.data)
    env = {name: value for name, value in dotenv_values(stack.var / "env").items() if value}
    images = f"file://{stack.var}/images"
    done = subprocess.run(
        [sys.executable, "-m", "model.inference", "--data", str(folder), "--image-store", images],
        cwd=ROOT,
        env={
            **env,
            "PATH": "/usr/bin:/bin",
            "VAR_DIR": str(stack.var),
            "SERVING_DIR": str(ROOT / "var" / "serving"),
        },
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout + done.stderr


@pytest.fixture(scope="module", params=["0", "1"], ids=["as delivered", "all that a site may want"])
def sent(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, samples: list[Path]
) -> Iterator[Sent]:
    """By DICOM, API, page and archive; then read, so that there are reports."""
    films = make_films(samples[0])
    folder = tmp_path_factory.mktemp("privacy")
    wanted = dict.fromkeys(("ACCESSION_AS_REFERENCE", "KEEP_STUDY_REFERENCES"), request.param)
    ports = {name: str(port) for name, port in free_ports(DICOM_PORTS).items()}
    dicom = {"DICOM": "1", "DICOM_PEERS": "PACS@127.0.0.1", **ports}
    with running_stack(folder / "var", **wanted, **dicom) as stack:
        for film in films.values():
            send_by_node(int(ports["DICOM_PORT"]), film, folder)
            send_by_web(stack, film)
        for film in films.values():
            send_by_api(stack, film)
        visitor = Visitor(stack.url)
        visitor.log_in(stack.user, stack.password)
        # Other bytes, so that nothing is reused; the same marks.
        for film in films.values():
            send_by_page(visitor, replace(film, data=film.data + b"\0\0"))
        visitor.session.close()
        archive = {n: replace(f, data=f.data + b"\0\0\0\0") for n, f in films.items()}
        printed = send_as_archive(stack, archive, folder / "archive")
        ids = connect(stack).zrange("xrays", 0, -1)
        for xray_id in ids:
            requests.put(
                f"{stack.api_url}/v1/xrays/{xray_id}/review",
                headers=stack.headers,
                json={"label": "normal"},
                timeout=10,
            )
        yield Sent(stack, films, ids, request.param == "1", printed)


def allowed(sent: Sent, in_study: bool) -> set[str]:
    """What may be found: the kind of machine, of which there are many; where the site wants it the
    accession number, and in few places also what refers to the study."""
    if not sent.opted_in:
        return MACHINE
    return MACHINE | {"AccessionNumber"} | (REFERENCES if in_study else set())


def check(sent: Sent, text: bytes, place: str, *, in_study: bool = False) -> set[str]:
    """No mark is in it but those that may be, and no name of a file; the marks that are."""
    assert b"Zq99999qZ" not in text, place
    found = {name for film in sent.films.values() for name in find_marks(text, film)}
    assert found <= allowed(sent, in_study), place
    return found


def test_films_are_full_of_marks(samples: list[Path]) -> None:
    """Else the search would find nothing for the wrong reason: it finds all in the file itself."""
    film = make_films(samples[0])["chest"]
    assert len(film.marks) > 800
    found = set(find_marks(film.data, film))
    assert found >= set(film.marks.values())
    names = set(film.marks.values())
    assert {"PatientName", "PatientID", "OtherPatientIDsSequence.PatientID", "preamble"} <= names
    assert {"private 0009 UN", "InstitutionName", "StudyInstanceUID", "DeviceSerialNumber"} <= names


def test_every_way_in_was_taken(sent: Sent) -> None:
    """Judged and refused ones of each; else there would be nothing to search."""
    records = [connect(sent.stack).hgetall(f"xray:{xray_id}") for xray_id in sent.ids]
    sources = {(each["source"], each["status"]) for each in records}
    for source in ("machine", sent.stack.user, "batch", "dicom:PACS", "dicom:machine"):
        assert {(source, "done"), (source, "rejected")} <= sources


def test_nothing_that_was_written_has_a_mark(sent: Sent) -> None:
    """All files of the system: records, images, logs, metrics, settings."""
    client = connect(sent.stack)
    client.save()
    searched, found = set(), set()
    for file in sorted(sent.stack.var.rglob("*")):
        if file.is_file():
            folder = file.relative_to(sent.stack.var).parts[0]
            searched.add(folder)
            found |= check(sent, file.read_bytes(), str(file), in_study=folder == "redis")
    assert {"audit", "images", "log", "redis"} <= searched
    assert found >= (REFERENCES if sent.opted_in else set())


def test_scoring_an_archive_prints_nothing_of_what_is_in_its_files(sent: Sent) -> None:
    """Their names it does print, to whoever named the folder and has to find a refused one."""
    for film in sent.films.values():
        assert find_marks(sent.printed, film) == []


def test_no_record_has_a_mark(sent: Sent) -> None:
    """Redis as it is read, key by key, names of keys included."""
    client = connect(sent.stack)
    readers = {
        "hash": client.hgetall,
        "string": client.get,
        "zset": lambda key: client.zrange(key, 0, -1),
        "set": client.smembers,
        "list": lambda key: client.lrange(key, 0, -1),
        "stream": client.xrange,
    }
    count = 0
    for key in client.scan_iter():
        text = f"{key} {readers[client.type(key)](key)}".encode()
        check(sent, text, key, in_study=key.startswith("xray:"))
        count += 1
    assert count > len(sent.ids)


def test_no_image_has_a_mark(sent: Sent) -> None:
    """Nor in what a decoder makes of it: comments, profiles, deflated chunks."""
    files = [path for path in (sent.stack.var / "images").rglob("*") if path.is_file()]
    assert files
    for file in files:
        if file.suffix in (".jpg", ".png"):
            with Image.open(io.BytesIO(file.read_bytes())) as image:
                image.load()
                check(sent, repr(image.info).encode(), str(file))


def test_no_answer_has_a_mark(sent: Sent) -> None:
    """Of API and pages: records, lists, exports, reports, metrics and whatever they refuse."""
    stack = sent.stack
    paths = ["/v1/xrays?limit=100", "/v1/reviews.csv", "/v1/model", "/v1/reader-study", "/metrics"]
    for xray_id in sent.ids:
        paths.append(f"/v1/xrays/{xray_id}")
        paths += [f"/v1/xrays/{xray_id}/{part}" for part in ("preview", "film", "thumbnail")]
        paths += [f"/v1/xrays/{xray_id}/report.{form}" for form in FORMS]
    forms, found = set(), set()
    for path in paths:
        answer = requests.get(f"{stack.api_url}{path}", headers=stack.headers, timeout=30)
        form = path.partition("/report.")[2]
        if form and answer.ok:
            forms.add(form)
        text = answer.content + repr(answer.headers).encode()
        found |= check(sent, text, path, in_study=form in IN_STUDY)
    assert forms == set(FORMS) - (set() if sent.opted_in else {"gsps.dcm"})
    assert found >= (REFERENCES if sent.opted_in else set())
    worker = requests.get(
        f"http://127.0.0.1:{stack.ports['WORKER_METRICS_PORT']}/metrics", timeout=5
    )
    check(sent, worker.content, "metrics of the worker")


def test_no_page_has_a_mark(sent: Sent) -> None:
    """Nor a URL that it links, nor the export of the list."""
    visitor = Visitor(sent.stack.url)
    visitor.log_in(sent.stack.user, sent.stack.password)
    reports = set()
    for path in ("/xrays?tab=all", "/xrays.csv", *(f"/xrays/{xray_id}" for xray_id in sent.ids)):
        page = visitor.get(path)
        assert page.ok
        check(sent, page.content + repr(page.headers).encode() + page.url.encode(), path)
        reports |= set(re.findall(r'"(/xrays/\w+/report\.[\w.]+)"', page.text))
    for path in reports:
        answer = visitor.get(path)
        text = answer.content + repr(answer.headers).encode()
        check(sent, text, path, in_study=path.partition("/report.")[2] in IN_STUDY)
    linked = {path.partition("/report.")[2] for path in reports}
    assert linked == set(FORMS) - (set() if sent.opted_in else {"gsps.dcm"})


def test_accession_number_is_kept_only_where_the_site_wants_it(sent: Sent) -> None:
    """It is the one mark that may be found, and there it is."""
    text = requests.get(
        f"{sent.stack.api_url}/v1/xrays?limit=100", headers=sent.stack.headers, timeout=10
    ).text
    assert (sent.films["chest"].accession in text) is sent.opted_in
