"""`model.reading.dicom.values`: finite numbers from whatever a device wrote, and never an error."""

import io
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pydicom.valuerep import DSfloat

from model.reading.dicom.values import read_number, read_numbers, read_pairs
from tests.model.reading.dicom_objects import build, save

repeatable = settings(derandomize=True, deadline=None, max_examples=200)

VRS = (None, "DS", "IS", "US", "SS", "UL", "SL", "FL", "FD", "LO", "OB", "OW", "UN", "SQ", "??")
SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)

numeric_text = st.text("0123456789+-.,eE\\ \0nanif", max_size=40).map(str.encode)


@st.composite
def raw_elements(draw: st.DrawFn) -> RawDataElement:
    """A window centre as pydicom leaves it before it is parsed: any VR over any bytes."""
    value = draw(st.none() | st.binary(max_size=64) | numeric_text)
    vr = draw(st.sampled_from(VRS))
    little = draw(st.booleans())
    length = len(value or b"")
    return RawDataElement(Tag("WindowCenter"), vr, length, value, 0, vr is None, little)


@repeatable
@given(raw_elements())
def test_any_bytes_under_any_vr_give_finite_numbers(raw: RawDataElement) -> None:
    """Broken text, infinities and half a number raise nothing and yield nothing but numbers."""
    dataset = Dataset()
    dataset._dict[raw.tag] = raw
    numbers = read_numbers(dataset, "WindowCenter")
    assert all(map(math.isfinite, numbers))
    assert read_number(dataset, "WindowCenter") == (numbers[0] if numbers else None)
    assert read_pairs(dataset, "WindowCenter", "WindowCenter") == [(one, one) for one in numbers]


@repeatable
@given(
    st.none()
    | st.text()
    | st.floats()
    | st.integers()
    | st.lists(st.floats() | st.integers() | st.text())
)
def test_any_parsed_value_gives_finite_numbers(value: object) -> None:
    """pydicom may have parsed the element before: a text, a number or a list of either."""
    dataset = Dataset()
    dataset.add_new("PixelPaddingValue", "UN", None)
    dataset["PixelPaddingValue"]._value = value
    assert all(map(math.isfinite, read_numbers(dataset, "PixelPaddingValue")))


def read_back(element: str, vr: str, values: object, syntax: object) -> list[float]:
    """The numbers of an element after pydicom has written it and read the file again, unparsed."""
    dataset = Dataset()
    dataset.add_new(element, vr, values)
    buffer = io.BytesIO()
    little = syntax != ExplicitVRBigEndian
    implicit = syntax == ImplicitVRLittleEndian
    dataset.save_as(buffer, implicit_vr=implicit, little_endian=little)
    buffer.seek(0)
    return read_numbers(dcmread(buffer, force=True), element)


decimals = st.floats(-1e300, 1e300)


@pytest.mark.parametrize("implicit", [True, False])
@repeatable
@given(st.lists(decimals, min_size=1, max_size=5))
def test_decimal_strings_that_pydicom_writes_are_read_back(
    implicit: bool, values: list[float]
) -> None:
    """To the precision of sixteen characters."""
    texts = [DSfloat(value, auto_format=True) for value in values]
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    found = read_back("WindowCenter", "DS", texts, syntax)
    assert found == [float(str(text)) for text in texts]
    assert found == pytest.approx(values, rel=1e-8)


@pytest.mark.parametrize(
    ("element", "vr", "code"),
    [
        ("PixelPaddingValue", "US", "H"),
        ("SamplesPerPixel", "US", "H"),
        ("LUTDescriptor", "US", "H"),
        ("RecommendedDisplayFrameRateInFloat", "FL", "f"),
        ("EventTimeOffset", "FD", "d"),
        ("ReferencePixelX0", "SL", "l"),
        ("SelectorULValue", "UL", "L"),
        ("SelectorSSValue", "SS", "h"),
    ],
)
@repeatable
@given(data=st.data())
def test_binary_numbers_that_pydicom_writes_are_read_back(
    element: str, vr: str, code: str, data: st.DataObject
) -> None:
    """To the last bit, in explicit and implicit objects and in either byte order."""
    size = struct.calcsize(f"<{code}")
    packed = data.draw(st.binary(min_size=size, max_size=size))
    [value] = struct.unpack(f"<{code}", packed)
    for syntax in SYNTAXES if vr in ("US", "SS") else SYNTAXES[:2]:
        expected = [value] if math.isfinite(value) else []
        assert read_back(element, vr, value, syntax) == expected


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize(("signed", "value"), [(0, 65_000), (1, -2_000)])
def test_padding_value_is_signed_as_the_pixels_are(syntax: str, signed: int, value: int) -> None:
    """An implicit object does not say whether its padding is signed; Pixel Representation does."""
    dataset = build(np.zeros((4, 4), np.int16 if signed else np.uint16))
    dataset.add_new("PixelPaddingValue", "SS" if signed else "US", value)
    found = dcmread(io.BytesIO(save(dataset, syntax)), force=True)
    assert read_number(found, "PixelPaddingValue") == value
