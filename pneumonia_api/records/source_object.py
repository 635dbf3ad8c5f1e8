"""The DICOM object that an X-ray came as, at a site that keeps what refers to it."""

from dataclasses import dataclass

Corner = tuple[float, float]


@dataclass(frozen=True)
class SourceObject:
    """The UIDs of `study`, `series`, `instance` and its class, `kind`; and where its film lies.

    `rows` and `columns` are of the stored picture, and `aspect` is the height of a pixel over its
    width. `corners` are column and row of the film's top left, top right and bottom left corner in
    the stored picture, in pixels from its own top left corner. The stored values `black` and
    `white` are shown so; `black` is the larger one where the object is inverted.
    """

    study: str
    series: str
    instance: str
    kind: str
    rows: int
    columns: int
    aspect: float
    corners: tuple[Corner, Corner, Corner]
    black: float
    white: float


def read_source(text: str) -> SourceObject:
    """What `model.reading.dicom.references` writes."""
    parts = text.split("\\")
    aspect, *numbers = map(float, parts[6:])
    first, second, third = zip(numbers[0:6:2], numbers[1:6:2], strict=True)
    rows, columns = int(parts[4]), int(parts[5])
    return SourceObject(
        parts[0],
        parts[1],
        parts[2],
        parts[3],
        rows,
        columns,
        aspect,
        (first, second, third),
        *numbers[6:],
    )
