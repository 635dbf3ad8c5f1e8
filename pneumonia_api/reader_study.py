"""Whether the AI result helped readers or misled them, from their answers before and after it.

Each reader is their own control: they read without the AI result, then see it, and may change their
answer. The words are those of Goddard et al. (2012, J. Am. Med. Inform. Assoc. 19:121) on
automation bias: who was right and follows wrong advice is misled, who was wrong and follows right
advice is helped. Right and wrong can be told only where somebody has confirmed the outcome.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from pneumonia_api.intervals import Share, estimate_share
from pneumonia_api.records.comparisons import Comparison

Test = Callable[[Comparison], bool]


@dataclass(frozen=True)
class Times:
    """The median of `count` measured times, in seconds; None without any."""

    count: int
    median: float | None


@dataclass(frozen=True)
class Findings:
    """What the answers of one reader, or of all, show.

    `answers` are the X-rays that were read before and after the AI result, each once for each
    reader, `confirmed` those of known outcome. Of these: `helped` is how often a wrong first answer
    became right where the AI was right, `misled` how often a right one became wrong where the AI
    was wrong; `right_before` and `right_after` are the shares of right answers. Unsure is not
    right. Of all: `towards` is how often an answer unlike the AI's became the AI's, `away` how
    often one like the AI's did not stay so.
    """

    answers: int
    confirmed: int
    helped: Share
    misled: Share
    right_before: Share
    right_after: Share
    towards: Share
    away: Share
    before: Times
    after: Times


@dataclass(frozen=True)
class Study:
    """The findings of `readers` by name, and of all of them together, whose number is `people`."""

    people: int
    overall: Findings
    readers: dict[str, Findings]


def study(comparisons: Iterable[Comparison]) -> Study:
    """The study of any number of comparisons."""
    found = sorted(comparisons, key=_reader)
    readers = {name: list(each) for name, each in groupby(found, _reader)}
    single = {name: _find([each]) for name, each in readers.items()}
    return Study(len(readers), _find(list(readers.values())), single)


def _reader(each: Comparison) -> str:
    return each.reader


def _find(readers: Sequence[Sequence[Comparison]]) -> Findings:
    """The findings of the comparisons of some readers, a list for each."""

    def share(among: Test, counts: Test) -> Share:
        chosen = [[each for each in one if among(each)] for one in readers]
        return estimate_share((sum(map(counts, one)), len(one)) for one in chosen)

    everything = [each for one in readers for each in one]
    return Findings(
        answers=len(everything),
        confirmed=sum(map(_confirmed, everything)),
        helped=share(
            lambda c: _confirmed(c) and not _right_before(c) and _advised(c), _right_after
        ),
        misled=share(
            lambda c: _confirmed(c) and _right_before(c) and not _advised(c),
            lambda c: not _right_after(c),
        ),
        right_before=share(_confirmed, _right_before),
        right_after=share(_confirmed, _right_after),
        towards=share(lambda c: c.before != c.advice, lambda c: c.after == c.advice),
        away=share(lambda c: c.before == c.advice, lambda c: c.after != c.advice),
        before=_time(each.seconds_before for each in everything),
        after=_time(each.seconds_after for each in everything),
    )


def _confirmed(each: Comparison) -> bool:
    return each.truth is not None


def _right_before(each: Comparison) -> bool:
    return each.before == each.truth


def _right_after(each: Comparison) -> bool:
    return each.after == each.truth


def _advised(each: Comparison) -> bool:
    """Whether the AI was right."""
    return each.advice == each.truth


def _time(seconds: Iterable[float | None]) -> Times:
    known = [each for each in seconds if each is not None]
    return Times(len(known), statistics.median(known) if known else None)
