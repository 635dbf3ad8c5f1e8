"""An association from this process, for what no tool of dcmtk can be made to send."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from pydicom.uid import (
    UID,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)
from pynetdicom import AE, _config
from pynetdicom.association import Association
from pynetdicom.dsutils import create_file_meta, encode_file_meta

from tests.pneumonia_api.node.running import TITLE


@contextmanager
def associated(port: int, calling: str = "PACS") -> Iterator[Association]:
    """An association for DX objects, which is released or aborted at the end."""
    entity = AE(calling)
    entity.add_requested_context(DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", port, ae_title=TITLE)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()
        entity.shutdown()


def send_bytes(
    association: Association, folder: Path, data_set: bytes, instance: UID | None = None
) -> int | None:
    """The status of a C-STORE of these bytes; None if there was no answer."""
    meta = create_file_meta(
        sop_class_uid=DigitalXRayImageStorageForPresentation,
        sop_instance_uid=instance or generate_uid(),
        transfer_syntax=ExplicitVRLittleEndian,
    )
    file = folder / "raw.dcm"
    file.write_bytes(bytes(128) + b"DICM" + encode_file_meta(meta) + data_set)
    with patch.object(_config, "STORE_SEND_CHUNKED_DATASET", True):
        answer = association.send_c_store(file)
    return answer.get("Status")
