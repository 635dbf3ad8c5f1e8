"""A request that is still arriving; only what determines its end is parsed."""

import re

MAX_HEAD_BYTES = 64 * 1024
"""Largest head of a request; real clients send far less than 8 KB."""

MAX_SMALL_BODY = 64 * 1024
"""Largest body that is buffered before a thread starts: any form or JSON, but no file."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,12})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_FILES = re.compile(rb"\r\ncontent-type:[ \t]*multipart/", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


class PartialRequest:
    """The bytes of one request so far. Each byte is scanned once, however slowly they arrive."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._searched = 0
        self._body = 0  # where the body begins; 0 until the head is complete
        self._has_files = False
        self._length: int | None = None  # None: in chunks
        self._chunk = 0  # where the next chunk begins

    def add(self, data: bytes) -> None:
        """Append received bytes."""
        if not self.data:
            data = data.lstrip(b"\r\n")  # as gunicorn does
        self.data += data
        if not self._body:
            self._find_head()

    @property
    def has_head(self) -> bool:
        """Whether the head is complete."""
        return bool(self._body)

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends its body."""
        return self.has_head and bool(_EXPECT.search(self.data, 0, self._body))

    @property
    def is_too_large(self) -> bool:
        """Whether the head exceeds its limit."""
        return not self.has_head and len(self.data) > MAX_HEAD_BYTES

    def is_complete(self) -> bool:
        """Whether a thread can handle the request without waiting for a small body.

        For a form with files the head is enough: the application checks the token or the session
        before it reads the body.
        """
        if not self.has_head:
            return False
        if self._has_files:
            return True
        received = len(self.data) - self._body
        if self._length is not None:
            return self._length > MAX_SMALL_BODY or received >= self._length
        return received > MAX_SMALL_BODY or self._ends()

    def _find_head(self) -> None:
        end = self.data.find(b"\r\n\r\n", self._searched)
        self._searched = max(0, len(self.data) - 3)
        if end < 0:
            return
        self._body = self._chunk = end + 4
        self._has_files = bool(_FILES.search(self.data, 0, self._body))
        if not _CHUNKED.search(self.data, 0, self._body):
            length = _LENGTH.search(self.data, 0, self._body)
            self._length = int(length[1]) if length else 0

    def _ends(self) -> bool:
        """Whether the last chunk has arrived, or one that gunicorn will refuse."""
        while (line_end := self.data.find(b"\r\n", self._chunk, self._chunk + 8192)) >= 0:
            try:
                size = int(self.data[self._chunk : line_end].partition(b";")[0], 16)
            except ValueError:
                return True
            if size == 0:
                return self.data.find(b"\r\n\r\n", line_end) >= 0
            after = line_end + 2 + max(size, 0) + 2
            if after > len(self.data):
                return False
            self._chunk = after
        return False
