"""Whether the model is meant for the patient of an X-ray, and how a record's hash says so.

In the hash it is three words, such as `within 1 5`: JSON would take 45 bytes more in Redis.
"""

from dataclasses import dataclass

from model.reading.ages import OUT_OF_SCOPE, Age, AgeBand


@dataclass(frozen=True)
class ScopeRecord:
    """Whether the model is meant for this patient, as far as the file says.

    `age`, one of AGES, is where the patient is in relation to the ages from `youngest` to `oldest`,
    in completed years, that the model is for; both are None if it does not state them. Neither age
    nor date of birth is kept.
    """

    out_of_scope: bool
    age: str
    youngest: int | None
    oldest: int | None


def describe_scope(age: Age | str, ages: AgeBand | None) -> ScopeRecord:
    """The scope of a patient whose age is `age`, for a model that is for `ages`."""
    youngest, oldest = (ages.youngest, ages.oldest) if ages else (None, None)
    return ScopeRecord(age in OUT_OF_SCOPE, age, youngest, oldest)


def write_scope(scope: ScopeRecord) -> str:
    """The text in the hash."""
    ages = () if scope.youngest is None else (scope.youngest, scope.oldest)
    return " ".join(map(str, (scope.age, *ages)))


def read_scope(text: str) -> ScopeRecord:
    """The scope of a text that `write_scope` wrote."""
    age, *ages = text.split()
    return describe_scope(age, AgeBand(*map(int, ages)) if ages else None)
