"""What arrives by C-STORE -> a file that the API takes, without a pixel being decoded."""

from typing import cast

from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event

from model.reading.dicom.header import PARSE_ERRORS, parse
from model.reading.limits import UnreadableXray

_CLASS, _INSTANCE = Tag("SOPClassUID"), Tag("SOPInstanceUID")


class Damaged(ValueError):
    """The data set cannot be parsed."""


class Unlike(ValueError):
    """The data set is another object than its request names."""


def make_file(event: Event) -> bytes:
    """The object as a file (PS3.10), its data set byte for byte as it was sent.

    Raises Damaged or Unlike.
    """
    try:
        file: bytes = event.encoded_dataset()
    except PARSE_ERRORS:
        raise Damaged from None  # its message may hold values of elements
    if event.context.transfer_syntax != DeflatedExplicitVRLittleEndian:
        _check_identity(event, file)  # what is deflated is inflated in the worker's cage alone
    return file


def _check_identity(event: Event, file: bytes) -> None:
    try:
        dataset = parse(file, 0, [_CLASS, _INSTANCE])
        found = [str(dataset[tag].value) for tag in (_CLASS, _INSTANCE)]
    except (*PARSE_ERRORS, UnreadableXray):
        raise Damaged from None
    request = cast(C_STORE, event.request)
    if found != [str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID)]:
        raise Unlike
