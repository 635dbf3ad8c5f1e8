"""Where the result of an X-ray is on its way to the PACS: a part of its record."""

from dataclasses import dataclass

STATES = ("pending", "sent", "refused", "withheld")
"""`refused` for good, by the PACS; `withheld` because the result is to be shown to nobody."""


@dataclass(frozen=True)
class TransmissionRecord:
    """The state of the result with the reading `reading`, since `at` (ISO 8601, UTC).

    `answer` is the reason of the last try that failed: a status of C-STORE such as 0xA700, or a
    word (`results.sending`); None before the first and once it was sent.
    """

    status: str
    reading: int
    at: str
    answer: str | None = None
