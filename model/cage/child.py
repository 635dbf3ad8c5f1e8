"""What a child of a cage runs: a loop that reads X-rays for the service."""

import json
import os
import socket
from collections.abc import Callable, Iterator

from model.cage.messages import (
    ANSWER,
    ANSWER_HEAD,
    FILM,
    FILTERED,
    HEAD,
    LARGE,
    NO_AGES,
    PREVIEW,
    REFUSAL,
    REQUEST,
    UNFILTERED,
)
from model.cage.seal import limit_memory, limit_time
from model.reading.ages import AGES, AgeBand
from model.reading.dicom.accession import read_accession
from model.reading.dicom.device import read_device
from model.reading.dicom.header import max_inflated
from model.reading.dicom.references import read_references
from model.reading.full_film import encode_film
from model.reading.kinds import is_dicom
from model.reading.limits import UnreadableXray, set_gate
from model.reading.views import VIEWS
from model.reading.xray import XrayImage, encode_preview, model_input, read_xray

CPU_SECONDS, LARGE_CPU_SECONDS = 6, 20
"""CPU time for one X-ray of up to LARGE_PIXELS, and for a larger one. The slowest format is
lossless JPEG 2000: 59 megapixels of 12 bits in 18 MB took 5.6 s on a busy machine."""

_PIXEL_BYTES, _BASE_BYTES = 10, 512 << 20
"""Address space for each pixel of the limit, and for the program, which starts with 160 MB. At
most, 59 megapixels took 780 MB in all, as DICOM in RLE."""


class Gate:
    """The lock for large decodes, which the service holds for all children; see `one_if_large`."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def __enter__(self) -> None:
        self._channel.sendall(HEAD.pack(LARGE, 0))
        if not self._channel.recv(1):
            os._exit(0)
        limit_time(LARGE_CPU_SECONDS)

    def __exit__(self, *exception: object) -> None:
        """The service releases the lock when it has the answer."""


Read = Callable[[bytes, int, AgeBand | None], XrayImage]


def serve(channel: socket.socket, memory: int, filtered: bool, read: Read = read_xray) -> None:
    """Answer requests until the other end is closed."""
    set_gate(Gate(channel))
    channel.sendall(HEAD.pack(FILTERED if filtered else UNFILTERED, 0))
    while len(request := channel.recv(REQUEST.size, socket.MSG_WAITALL)) == REQUEST.size:
        size, max_pixels, side, *years, film, accession, references = REQUEST.unpack(request)
        ages = AgeBand(*years) if tuple(years) != NO_AGES else None
        limit_memory(_BASE_BYTES + _PIXEL_BYTES * max_pixels)
        limit_time(CPU_SECONDS)
        data = os.pread(memory, size, 0)
        asked = {"film": film, "accession": accession, "references": references}
        for letter, body in answer(data, max_pixels, side, ages, read, **asked):
            channel.sendall(HEAD.pack(letter, len(body)) + body)
            if letter == PREVIEW and film:
                limit_time(LARGE_CPU_SECONDS)


def answer(
    data: bytes,
    max_pixels: int,
    side: int,
    ages: AgeBand | None = None,
    read: Read = read_xray,
    *,
    film: bool = False,
    accession: bool = False,
    references: bool = False,
) -> Iterator[tuple[bytes, bytes]]:
    """Letter and body of each message in response to one upload; see `model.cage.messages`."""
    try:
        xray = read(data, max_pixels, ages)
        image = model_input(xray, side).astype("<f4").tobytes()
        warnings = json.dumps(xray.warnings).encode()
        number = _read_accession(data, max_pixels) if accession else b""
        device = _read_device(data, max_pixels)
        uids = _read_references(data, max_pixels, xray) if references else b""
        says = AGES.index(xray.age), VIEWS.index(xray.view)
        lengths = len(number), len(device), len(uids)
        head = ANSWER_HEAD.pack(
            xray.width, xray.height, len(warnings), *says, *lengths, xray.burned_in
        )
        yield ANSWER, head + warnings + number + device + uids + image
        yield PREVIEW, encode_preview(xray)
        if film and xray.full:
            yield FILM, encode_film(xray.full())
    except UnreadableXray as error:
        yield REFUSAL, json.dumps([str(error), error.reason]).encode()
    except MemoryError:
        sentence = "The image needs more memory than an X-ray should; export it smaller."
        yield REFUSAL, json.dumps([sentence, "too_complex"]).encode()


def _read_device(data: bytes, max_pixels: int) -> bytes:
    return read_device(data, max_inflated(max_pixels)).encode() if is_dicom(data) else b""


def _read_references(data: bytes, max_pixels: int, xray: XrayImage) -> bytes:
    if not xray.find_shown:
        return b""
    return read_references(data, max_inflated(max_pixels), xray.find_shown()).encode()


def _read_accession(data: bytes, max_pixels: int) -> bytes:
    return read_accession(data, max_inflated(max_pixels)).encode() if is_dicom(data) else b""
