"""95 % intervals of shares that several people contributed to."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Share:
    """`count` of `of`, as a share from 0 to 1 with its 95 % interval; without any, all None."""

    count: int
    of: int
    share: float | None
    low: float | None
    high: float | None


def estimate_share(counts: Iterable[tuple[int, int]]) -> Share:
    """The share over groups, each (count, of), with the interval for people like these.

    Answers of one person resemble each other, so many answers of few people say less than their
    number suggests. The interval is Wilson's (1927), with the effective sample size in place of the
    number: the variance of the ratio between people, linearised, against the binomial one, never
    below it, and Student's t for the few degrees of freedom (Korn and Graubard 1998, Survey
    Methodology 24:193; of this kind of interval Franco et al. 2019, J. Surv. Stat. Methodol. 7:334,
    found Wilson's among the best). For one person it is Wilson's, and says nothing about others.
    """
    groups = [(count, of) for count, of in counts if of]
    count, of = sum(each for each, _ in groups), sum(each for _, each in groups)
    if not of:
        return Share(0, 0, None, None, None)
    share = count / of
    effective = float(of)
    if len(groups) > 1:
        binomial = share * (1 - share) / of
        freedom = len(groups) - 1
        squares = sum((each - share * its) ** 2 for each, its in groups)
        between = len(groups) / freedom * squares / of**2
        effective *= min(1.0, binomial / between) if between else 1.0
        effective *= (Z / find_student_quantile(freedom)) ** 2
    return Share(count, of, share, *find_wilson(share, effective))


def find_wilson(share: float, of: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of `of` trials, which need not be a whole number."""
    centre = (share + Z**2 / (2 * of)) / (1 + Z**2 / of)
    half = Z / (1 + Z**2 / of) * math.sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    # At the ends rounding would leave a trace.
    low = 0.0 if share == 0 else max(0.0, centre - half)
    return low, 1.0 if share == 1 else min(1.0, centre + half)


def find_student_quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t.

    Exact for 1 and 2 degrees of freedom; from 3 on the series 26.7.5 of Abramowitz and Stegun
    (1972), which is then right to 0.2 %.
    """
    if freedom == 1:
        return math.tan(math.pi * 0.475)
    if freedom == 2:
        return 0.95 / math.sqrt(2 * 0.975 * 0.025)
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    return Z + sum(term / freedom**power for power, term in enumerate(terms, 1))
