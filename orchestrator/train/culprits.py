"""Which changes a rejected one conflicts with: a smallest set that fails together. Pure: no clock, no git.

The change alone on the target comes first: does that fail, nobody else is to blame. Otherwise the shortest prefix of
what stood before it that fails together with it ends in one that is to blame (a binary search); the same again with
that one in place, until the set fails by itself. A set of size k of n costs about k·log2(n) tests, and none of it can
be left out. (Zeller & Hildebrandt's ddmin finds the same with more tests; this is Junker's QuickXplain for one at a
time.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_PARTNERS = 3
"""A set of more is not looked for: nobody could do anything with it."""
MOST_TESTS = 12


@dataclass(frozen=True)
class Ask:
    """Test the target with these and the rejected one; which of them stand before it."""

    changes: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """``partners``: with them it fails, without any one of them not; none: it fails alone.

    ``exact`` False: the search was given up, and they are only all that is known to be among.
    """

    partners: tuple[str, ...]
    exact: bool = True


def explain(
    before: Sequence[str], results: Mapping[frozenset[str], bool | None], most_tests: int = MOST_TESTS
) -> Ask | Found:
    """What to test next for a change that failed behind ``before``, or the answer.

    ``results`` says by the set that stood before it whether it passed; None: that set cannot be put together.
    """
    known = dict(results)
    known.setdefault(frozenset(before), False)
    fixed: list[str] = []
    field = list(before)
    while len(fixed) <= MOST_PARTNERS:
        said = _of(known, fixed)
        if said is False:
            return Found(tuple(name for name in before if name in fixed))
        if said is _UNKNOWN:
            return _ask(before, fixed, known, most_tests)
        if len(fixed) == MOST_PARTNERS:
            break
        low, high = 0, len(field)  # with so many of the field it passes, with so many it fails
        while high - low > 1:
            middle = (low + high) // 2
            said = _of(known, [*field[:middle], *fixed])
            if said is _UNKNOWN:
                return _ask(before, [*field[:middle], *fixed], known, most_tests)
            if said is False:
                high = middle
            else:
                low = middle
        if high == 0:
            break  # it passes alone, and nothing stood before it: the failure did not stay
        fixed.append(field[high - 1])
        field = field[: high - 1]
    return Found(tuple(name for name in before if name in {*field, *fixed}), exact=False)


class _Unknown:
    pass


_UNKNOWN = _Unknown()


def _of(known: Mapping[frozenset[str], bool | None], names: Sequence[str]) -> bool | _Unknown | None:
    return known.get(frozenset(names), _UNKNOWN)


def _ask(
    before: Sequence[str], names: Sequence[str], known: Mapping[frozenset[str], bool | None], most_tests: int
) -> Ask | Found:
    if len(known) > most_tests:
        return Found(tuple(before), exact=False)
    return Ask(tuple(name for name in before if name in set(names)))
