"""The list of what is read is true of the decoders that are installed."""

import pytest
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from model.reading.dicom.accepted import SOP_CLASSES, TRANSFER_SYNTAXES


@pytest.mark.parametrize("uid", TRANSFER_SYNTAXES, ids=lambda uid: TRANSFER_SYNTAXES[uid])
def test_each_compression_has_the_decoder_that_reads_it(uid: str) -> None:
    """The node accepts nothing that the worker would then refuse for its compression."""
    syntax = UID(uid)
    assert syntax.is_transfer_syntax
    if syntax.is_encapsulated:
        assert "pylibjpeg" in get_decoder(syntax).available_plugins


@pytest.mark.parametrize("uid", SOP_CLASSES, ids=lambda uid: SOP_CLASSES[uid])
def test_each_class_is_what_it_is_called(uid: str) -> None:
    """The names are the standard's."""
    assert UID(uid).name == SOP_CLASSES[uid]
