"""Snapshots are found by the words of a human, and told as what a turn did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.worktrees.conftest import commit
from worktrees import history, snapshots
from worktrees.errors import UnknownSnapshot
from worktrees.models import Moment, Snapshot
from worktrees.repository import Repository

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def made(*reasons: str) -> list[Moment]:
    """One an hour, the newest half an hour ago, oldest first."""
    return [
        Moment(
            number=number,
            snapshot=Snapshot(
                ref=f"refs/orchestrator/snap/s1/{number:06}",
                commit=f"{number:x}abc".ljust(40, "0"),
                tree="",
                parent="",
                at=NOW - timedelta(minutes=30, hours=len(reasons) - number),
                reason=reason,
            ),
        )
        for number, reason in enumerate(reasons, start=1)
    ]


FOUND = made("begins", "turn over", "before merge", "by hand: Before I try it", "turn over")


@pytest.mark.parametrize(
    ("words", "number"),
    [
        *(("1", 1), ("5", 5), ("000004", 4), ("-1", 5), ("-5", 1)),
        *(("refs/orchestrator/snap/s1/000002", 2), ("3abc", 3), ("3abc0", 3)),
        *(("30m", 5), ("29m", 5), ("31m", 4), ("90m", 4), ("1h30m", 4), ("2h", 3), ("4h", 1)),
        *(("before merge", 3), ("  Before   I try it ", 4), ("turn", 5), ("merge", 3)),
    ],
)
def test_words_mean_a_snapshot(words: str, number: int) -> None:
    assert history.resolve(FOUND, words, NOW + timedelta(minutes=1) if words == "30m" else NOW).number == number


@pytest.mark.parametrize(
    "words", ["6", "0", "-6", "-0", "5h", "refs/orchestrator/snap/s1/9", "ffff", "nothing", "", " "]
)
def test_words_that_mean_none_are_refused_with_those_that_exist(words: str) -> None:
    with pytest.raises(UnknownSnapshot, match="there are 1 to 5"):
        history.resolve(FOUND, words, NOW)


def test_the_beginning_of_several_commits_is_refused() -> None:
    two = [FOUND[0], FOUND[1].model_copy(update={"snapshot": FOUND[1].snapshot.model_copy(update={"commit": "1abcd"})})]
    with pytest.raises(UnknownSnapshot, match="begins several"):
        history.resolve(two, "1abc", NOW)


def test_without_any_the_next_step_is_named() -> None:
    with pytest.raises(UnknownSnapshot) as caught:
        history.resolve([], "1", NOW)
    assert "orchestrator snapshot" in caught.value.hint


def test_a_turn_is_told_from_its_begin_though_head_moved_within(repository: Repository) -> None:
    root, base = repository.root, repository.resolve("HEAD")
    snapshots.take(root, "s1", "begins")
    (root / "a.txt").write_text("one\ntwo\nthree\nfour\n")
    commit(root, "Work")
    snapshots.take(root, "s1", history.MOVED)
    (root / "b.txt").write_text("b\n")
    snapshots.take(root, "s1", history.TURN_OVER)
    (root / "c.txt").write_text("c\n")
    snapshots.take(root, "s1", history.TURN_BEGINS)
    found = history.moments(root, "s1", base)
    assert [(moment.files, moment.added) for moment in found] == [(0, 0), (1, 1), (2, 2), (1, 1)]
    turn = history.last_turn(found)
    assert turn.number == 3
    began = history.before(found, turn)
    assert began is not None
    assert began.number == 1
    changes, patch = history.compare(root, began.snapshot.tree, turn.snapshot.tree)
    assert [change.path for change in changes] == ["a.txt", "b.txt"]
    assert "+four" in patch
    assert history.before(found, found[0]) is None


def test_the_first_is_counted_against_the_base(repository: Repository) -> None:
    base = repository.resolve("HEAD")
    (repository.root / "a.txt").write_text("one\n")
    snapshots.take(repository.root, "s1", history.TURN_OVER)
    (only,) = history.moments(repository.root, "s1", base)
    assert (only.files, only.added, only.removed) == (1, 0, 2)
