"""What a child of a cage does: read one X-ray after the other for the process outside."""

import json
import os
import socket
from collections.abc import Callable

from model.cage_messages import (
    ANSWER,
    ANSWER_HEAD,
    FILTERED,
    HEAD,
    LARGE,
    REFUSAL,
    REQUEST,
    UNFILTERED,
)
from model.limits import UnreadableXray, set_gate
from model.seal import limit
from model.xray import Xray, encode_preview, model_input, read_xray

CPU_SECONDS = 8
"""Processor time for one X-ray. The slowest kind, lossless JPEG 2000 of 60 megapixels and 16 bits
in 25 MB, takes about a third of it."""

_PIXEL_BYTES, _BASE_BYTES = 14, 512 << 20
"""Address space: the decoder's and the stored pixels, and the steps in between; the program."""


class Gate:
    """Where a large picture waits until the process outside lets it in; see `one_if_large`."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def __enter__(self) -> None:
        self._channel.sendall(HEAD.pack(LARGE, 0))
        if not self._channel.recv(1):
            os._exit(0)

    def __exit__(self, *exception: object) -> None:
        """The process outside opens the gate when it has the answer."""


Read = Callable[[bytes, int], Xray]


def serve(channel: socket.socket, memory: int, filtered: bool, read: Read = read_xray) -> None:
    """Answer until the other end is closed."""
    set_gate(Gate(channel))
    channel.sendall(HEAD.pack(FILTERED if filtered else UNFILTERED, 0))
    while len(request := channel.recv(REQUEST.size, socket.MSG_WAITALL)) == REQUEST.size:
        size, max_pixels, side = REQUEST.unpack(request)
        limit(CPU_SECONDS, _BASE_BYTES + _PIXEL_BYTES * max_pixels)
        letter, body = answer(os.pread(memory, size, 0), max_pixels, side, read)
        channel.sendall(HEAD.pack(letter, len(body)) + body)


def answer(data: bytes, max_pixels: int, side: int, read: Read = read_xray) -> tuple[bytes, bytes]:
    """The letter and the body that answer one upload; see `model.cage_messages`."""
    try:
        xray = read(data, max_pixels)
        image = model_input(xray, side).astype("<f4").tobytes()
        preview = encode_preview(xray)
    except UnreadableXray as error:
        return REFUSAL, json.dumps([str(error), error.reason]).encode()
    except MemoryError:
        sentence = "The image needs more memory than an X-ray should; export it smaller."
        return REFUSAL, json.dumps([sentence, "too_complex"]).encode()
    warnings = json.dumps(xray.warnings).encode()
    head = ANSWER_HEAD.pack(xray.width, xray.height, len(warnings), len(preview))
    return ANSWER, head + warnings + image + preview
