"""What a train tests next, what lands and what is rejected. Pure: no clock, no git.

The changes stand in a row on the target; a *prefix* is the target with the first so many of them. One test says whether
a prefix is good. Looked for is the first prefix that fails: all before it lands, its last change is rejected, the rest
stands up anew. That is what landing one by one would have done, provided that a failure stays one when more is added.

Where the first failure is, nobody knows; but how often changes fail gives every place its probability. The tests that
run at once divide these into equal parts, so each tells as much as it can. From this all else follows: the whole queue
first while failures are rare, a search in several parts when it fails, and a window of two when every third one fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

RATES = ((0.01, 3.0), (0.03, 3.0), (0.1, 3.0), (0.2, 2.0), (0.35, 2.0), (0.5, 1.0))
"""Shares of changes that fail, each with how far it is believed before anything was seen."""
OFTEN = 0.2
"""Above this share of failures a second test at once tells less than it costs: more tests than one by one."""
REMEMBERED = 40
"""Outcomes that count for how often changes fail."""


@dataclass(frozen=True)
class Link:
    """A change in its place; ``tree`` is the target's with all links up to this one."""

    change: str
    tree: str


@dataclass(frozen=True)
class Plan:
    """What to do now.

    ``land``: so many from the front are proven, their last one's tree passed. ``reject``: the one right behind them
    makes it fail. ``tests``: lengths of the prefixes to test now, those that run already included, the most telling
    first. ``why``: in words for the human.
    """

    land: int = 0
    reject: bool = False
    tests: tuple[int, ...] = ()
    why: str = ""


def decide(
    chain: Sequence[Link],
    results: Mapping[str, bool],
    workers: int,
    outcomes: Sequence[bool] = (),
    *,
    running: frozenset[str] = frozenset(),
) -> Plan:
    """The next step for ``chain``, whose results are known by tree. ``outcomes``: of earlier changes, True is landed.

    ``running``: trees under test. They count as chosen when they still tell something, and no others than ``workers``
    in all are asked for. An empty plan means that there is nothing to do.
    """
    if not chain:
        return Plan()
    good, bad = bounds(chain, results)
    if good == len(chain):
        return Plan(land=good, why=f"all {good} pass together" if good > 1 else "it passes")
    if bad == good + 1:
        return Plan(land=good, reject=True, why=f"{good} pass together, the next one makes them fail")
    share = failing([*outcomes, *([True] * good)], bad - good if bad <= len(chain) else None)
    most = max(1, workers) if share <= OFTEN else 1
    held = [place for place in range(good + 1, bad) if chain[place - 1].tree in running][:most]
    places = _Shares(good, bad, len(chain), outcomes).parts(most, held)
    if bad <= len(chain):
        why = f"the first failure is among {bad - good}"
    elif len(chain) - good == max(places) - good:
        why = f"all {len(chain) - good} together"
    else:
        why = f"{max(places) - good} of {len(chain) - good} together: {share:.0%} fail lately"
    return Plan(land=0, tests=tuple(places), why=why)


def bounds(chain: Sequence[Link], results: Mapping[str, bool]) -> tuple[int, int]:
    """The longest prefix known to be good (0: the target itself), and the shortest one after it known to fail.

    The latter is one more than there are links when none is known. A failure before a success counts for nothing.
    """
    good = max((place for place, link in enumerate(chain, 1) if results.get(link.tree) is True), default=0)
    failed = (place for place, link in enumerate(chain, 1) if place > good and results.get(link.tree) is False)
    return good, next(failed, len(chain) + 1)


def failing(outcomes: Sequence[bool], among: int | None = None) -> float:
    """The share of changes that is expected to fail; ``among``: one of so many more is known to."""
    believed = _believed(outcomes)
    if among is not None:
        believed = [(rate, weight * (1 - (1 - rate) ** among)) for rate, weight in believed]
    return sum(rate * weight for rate, weight in believed) / sum(weight for _rate, weight in believed)


def _believed(outcomes: Sequence[bool]) -> list[tuple[float, float]]:
    """RATES after what was seen lately."""
    seen = outcomes[-REMEMBERED:]
    bad = sum(not good for good in seen)
    return [(rate, weight * rate**bad * (1 - rate) ** (len(seen) - bad)) for rate, weight in RATES]


class _Shares:
    """How probable it is that a prefix fails, given that the first failure is after ``good`` and not after ``bad``."""

    def __init__(self, good: int, bad: int, length: int, outcomes: Sequence[bool]) -> None:
        self._good, self._bad = good, bad
        believed = _believed([*outcomes, *([True] * good)])
        stays = [sum(weight * (1 - rate) ** more for rate, weight in believed) for more in range(length - good + 1)]
        self._fails = [1 - stay / stays[0] for stay in stays]  # by how many more there are than `good`
        self._all = 1.0 if bad > length else self._fails[bad - good]

    def before(self, place: int) -> float:
        """The probability that a prefix of that length fails."""
        return 1.0 if place == self._bad else self._fails[place - self._good] / self._all

    def between(self, low: int, high: int) -> float:
        return self.before(high) - self.before(low)

    def at(self, wanted: float) -> int:
        """The prefix between that fails with the probability nearest to ``wanted``; of two, the longer."""
        return min(range(self._bad - 1, self._good, -1), key=lambda place: abs(self.before(place) - wanted))

    def parts(self, count: int, held: Sequence[int]) -> list[int]:
        """At most so many prefixes that divide the probability into parts as equal as can be; ``held`` are among them.

        The most telling first. None that is as good as known already.
        """
        if not held:
            places = {self.at(number / (count + 1)) for number in range(1, count + 1)}
            return sorted(places, key=lambda place: abs(self.before(place) - 0.5))
        places = set(held)
        while len(places) < count:
            edges = sorted({self._good, *places, self._bad})
            gaps = [pair for pair in pairwise(edges) if pair[1] - pair[0] > 1]
            low, high = max(gaps, key=lambda pair: self.between(*pair), default=(0, 0))
            if self.between(low, high) < 1 / (2 * (count + 1)) if high else True:
                break
            middle = (self.before(low) + self.before(high)) / 2
            places.add(min(range(high - 1, low, -1), key=lambda place: abs(self.before(place) - middle)))
        return [*held, *sorted(places - set(held))]
