"""Malicious files, each small, and each a different attack on a decoder.

`HOSTILE` maps the name of each attack to a function that makes the file. Files are small enough for
a test, and large enough to hang, crash or exhaust a reader without bounds.
"""

import struct
from collections.abc import Callable

from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from tests.model.reading.hostile_dicom import (
    decoy_siz,
    deflated,
    element,
    fragments,
    in_dicom,
    large_codestream,
    layers,
    many_windows,
    nested,
    plain,
    resolutions,
    rle,
    tiles,
    tiny_elements,
    view_codes,
    with_element,
)
from tests.model.reading.hostile_jpeg import (
    GREY,
    after_start,
    exif_of,
    jpeg,
    jpeg_ls,
    many_scans,
    marker_before_frame,
    segment,
    two_frames,
)
from tests.model.reading.hostile_png import chunk, png, raw_profile, zeros
from tests.model.reading.hostile_tiff import looped_tiff, many_pages, shared_tags, strips, tiff

HOSTILE: dict[str, Callable[[], bytes]] = {
    # JPEG
    "jpeg_many_scans": lambda: many_scans(2000, 8_000),
    "jpeg_many_scans_of_60_megapixels": lambda: many_scans(7700, 2_000),
    "jpeg_many_exif_segments": lambda: after_start(
        jpeg(), *[exif_of(bytes([n & 255]) * 120) for n in range(30_000)]
    ),
    "jpeg_many_comments": lambda: after_start(jpeg(), *[segment(0xFE, b"")] * 400_000),
    "jpeg_shared_exif_tags": lambda: after_start(jpeg(), exif_of(shared_tags(2_000, 40_000))),
    "jpeg_shared_mpf_tags": lambda: after_start(
        jpeg(), segment(0xE2, b"MPF\0" + shared_tags(2_000, 40_000))
    ),
    "jpeg_many_profile_pieces": lambda: after_start(
        jpeg(), *[segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(100))] * 5_000
    ),
    "jpeg_marker_before_frame": lambda: marker_before_frame(0x01, 3_000),
    "jpeg_two_frames": two_frames,
    # TIFF
    "tiff_shared_tags": lambda: tiff(
        *[(50_000 + number, 7, 8_000_000, 8) for number in range(400)],
        pixels=GREY.tobytes() + bytes(8_000_000),
    ),
    "tiff_many_strips": lambda: strips(4_000_000),
    "tiff_loop": looped_tiff,
    "tiff_many_pages": lambda: many_pages(2_000),
    "tiff_deflate_bomb": lambda: tiff(pixels=zeros(100_000_000), compression=8),
    "tiff_many_scans": lambda: tiff(
        pixels=many_scans(2000, 8_000), size=(2000, 2000), compression=7
    ),
    "tiff_giant_tile": lambda: tiff(
        (322, 4, 1, 60_000), (323, 4, 1, 60_000), (324, 4, 1, 8), (325, 4, 1, GREY.size)
    ),
    "tiff_pixel_bomb": lambda: tiff(size=(60_000, 60_000)),
    # PNG
    "png_shared_exif_tags": lambda: png(chunk(b"eXIf", shared_tags(400, 8_000_000))),
    "png_raw_profile": lambda: png(raw_profile(shared_tags(2_000, 400_000))),
    "png_text_bombs": lambda: png(*[chunk(b"zTXt", b"k\0\0" + zeros(1_000_000))] * 600),
    "png_profile_bomb": lambda: png(chunk(b"iCCP", b"p\0\0" + zeros(50_000_000))),
    "png_data_bomb": lambda: png(data=zeros(100_000_000)),
    "png_two_headers": lambda: png(
        chunk(b"IHDR", struct.pack(">LLBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0))
    ),
    "png_pixel_bomb": lambda: png(ihdr=struct.pack(">LLBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)),
    "png_many_chunks": lambda: png(*[chunk(b"tEXt", b"k\0v")] * 600_000),
    # DICOM
    "dicom_many_scans": lambda: in_dicom(many_scans(2000, 8_000), JPEGBaseline8Bit, (2000, 2000)),
    "dicom_restart_before_frame": lambda: in_dicom(
        marker_before_frame(0xD0, 3_000), JPEGBaseline8Bit
    ),
    "dicom_marker_before_frame": lambda: in_dicom(
        marker_before_frame(0x01, 3_000), JPEGBaseline8Bit
    ),
    "dicom_two_frames": lambda: in_dicom(two_frames(), JPEGBaseline8Bit),
    "dicom_decoy_siz": lambda: in_dicom(decoy_siz(3_000), JPEG2000Lossless),
    "dicom_other_size": lambda: in_dicom(large_codestream(30_000), JPEG2000Lossless),
    "dicom_other_codec": lambda: in_dicom(jpeg(), JPEG2000Lossless),
    "dicom_many_tiles": lambda: in_dicom(tiles(2), JPEG2000Lossless),
    "dicom_many_layers": lambda: in_dicom(layers(65_535), JPEG2000Lossless),
    "dicom_many_resolutions": lambda: in_dicom(resolutions(32), JPEG2000Lossless),
    "dicom_jpeg_ls_bomb": lambda: in_dicom(jpeg_ls(30_000), JPEGLSLossless),
    "dicom_wild_rle": lambda: in_dicom(rle([1, 0xFFFFFFF0]), RLELossless),
    "dicom_many_rle_segments": lambda: in_dicom(rle([0xFFFFFFFF, *[64] * 15]), RLELossless),
    "dicom_many_fragments": lambda: fragments(2_000_000),
    "dicom_deflated_elements": lambda: deflated(tiny_elements(1_000_000)),
    "dicom_elements": lambda: plain(tiny_elements(1_000_000)),
    "dicom_deflate_bomb": lambda: deflated(element(9, 0x1001, b"OB", bytes(200_000_000))),
    "dicom_nested_sequences": lambda: plain(nested(100_000)),
    "dicom_many_windows": lambda: many_windows(8_000_000),
    "dicom_view_codes": lambda: with_element(view_codes(1_000_000)),
}
"""Attack -> function that makes the file."""


def make_hostile(name: str) -> bytes:
    """The file of one attack."""
    return HOSTILE[name]()
