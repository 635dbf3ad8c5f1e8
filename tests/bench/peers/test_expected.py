"""Which probabilities count as the right answer."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.bench.peers.expected import Expected, squash_logit

SCALE, OFFSET = 0.8, -0.3


def answer(logit: float) -> float:
    """Of a service whose network gives `logit`."""
    return squash_logit(SCALE * logit + OFFSET)


@given(st.floats(-8, 8), st.floats(-0.099, 0.099))
def test_within_the_tolerance_is_right(logit: float, off: float) -> None:
    """Whatever bfloat16 may do to the logit is allowed, also after rounding to four digits."""
    expected = Expected([logit], SCALE, OFFSET)
    assert expected.allows(0, answer(logit + off))
    assert expected.allows(0, round(answer(logit + off), 4))


@given(st.floats(-4, 4), st.sampled_from([-1, 1]))
def test_twice_the_tolerance_is_wrong(logit: float, sign: int) -> None:
    """The answer to another image, or of a damaged network, does not pass."""
    assert not Expected([logit], SCALE, OFFSET).allows(0, answer(logit + 0.2 * sign))


def test_each_upload_has_the_answer_of_its_file() -> None:
    """Numbers go round through the files, as in `Images`."""
    expected = Expected([-2.0, 2.0], SCALE, OFFSET)
    assert expected.allows(6, answer(-2.0))
    assert not expected.allows(7, answer(-2.0))


def test_it_survives_the_way_to_another_process(tmp_path: Path) -> None:
    """What is written is what is read."""
    expected = Expected([-2.0, 2.0], SCALE, OFFSET)
    expected.write(tmp_path / "expected.json")
    assert Expected.read(tmp_path / "expected.json") == expected


def test_squash_logit_of_huge_logits() -> None:
    """No overflow: an untrained network's logits may be far out."""
    assert squash_logit(1e6) == 1
    assert squash_logit(-1e6) == 0
