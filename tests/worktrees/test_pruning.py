"""What thinning keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.worktrees.conftest import commit
from worktrees import operations, snapshots
from worktrees.git import run
from worktrees.models import Snapshot
from worktrees.operations import Files, Kind
from worktrees.pruning import ALL, HOURLY, Keep, prune, thinned
from worktrees.repository import Repository

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def made(*ages: timedelta, reason: str = "turn over") -> list[Snapshot]:
    """Snapshots of these ages, oldest first."""
    return [
        Snapshot(ref=f"refs/{n:06}", commit=f"{n:040}", tree="", parent="", at=NOW - age, reason=reason)
        for n, age in enumerate(sorted(ages, reverse=True), start=1)
    ]


def kept(found: list[Snapshot], keep: Keep, pinned: set[str] | None = None) -> list[timedelta]:
    going = {one.ref for one in thinned(found, NOW, keep, pinned or set())}
    return [NOW - one.at for one in found if one.ref not in going]


def every(step: timedelta, over: timedelta) -> list[timedelta]:
    return [step * n for n in range(int(over / step))]


def test_all_of_a_day_then_hourly_then_daily_then_none() -> None:
    found = made(*every(timedelta(minutes=10), timedelta(days=40)))
    ages = kept(found, Keep(snapshots=100_000, days=30))
    assert len([age for age in ages if age <= ALL]) == 6 * 24 + 1
    assert len([age for age in ages if ALL < age <= HOURLY]) == 24 * 6
    assert len([age for age in ages if age > HOURLY]) in (23, 24)
    assert max(ages) <= timedelta(days=30)


def test_the_newest_stays_however_old() -> None:
    assert kept(made(timedelta(days=400)), Keep()) == [timedelta(days=400)]


def test_the_count_takes_the_oldest_first_and_words_are_not_thinned() -> None:
    found = made(*every(timedelta(minutes=1), timedelta(hours=2)))
    assert kept(found, Keep(snapshots=50)) == sorted(every(timedelta(minutes=1), timedelta(minutes=50)), reverse=True)
    spoken = made(*every(timedelta(minutes=1), timedelta(minutes=20)), reason="by hand: before I try it")
    older = [one.model_copy(update={"at": one.at - timedelta(days=10)}) for one in spoken]
    assert len(kept(older, Keep())) == 20


@given(
    st.lists(st.timedeltas(timedelta(0), timedelta(days=60)), min_size=1, max_size=40),
    st.integers(1, 30),
    st.sets(st.integers(1, 40)),
)
def test_pinned_ones_and_the_newest_never_go(ages: list[timedelta], count: int, numbers: set[int]) -> None:
    found = made(*ages)
    pinned = {f"{n:040}" for n in numbers}
    going = thinned(found, NOW, Keep(snapshots=count, days=20), pinned)
    assert found[-1] not in going
    assert not {one.commit for one in going} & pinned
    left = [one for one in found if one not in going]
    assert len([one for one in left if one.commit not in pinned]) <= max(count, 1)
    assert thinned(left, NOW, Keep(snapshots=count, days=20), pinned) == []


def refs(repository: Repository) -> list[str]:
    said = run(repository.root, "for-each-ref", "--format=%(refname)", snapshots.REFS)
    return [ref.removeprefix(snapshots.REFS + "/") for ref in said.splitlines()]


def fill(repository: Repository, session: str, count: int) -> list[Snapshot]:
    for number in range(count):
        (repository.root / "a.txt").write_text(f"{session} {number}\n")
        snapshots.take(repository.root, session, "turn over")
    return list(snapshots.listed(repository.root, session))


def test_pruning_says_what_goes_before_it_goes(repository: Repository) -> None:
    found = fill(repository, "s1", 4)
    told: list[tuple[str, str, list[str]]] = []
    later = datetime.now(UTC) + timedelta(days=60)
    count = prune(
        repository,
        {"s1"},
        later,
        Keep(),
        lambda session, going: told.extend((session, one.commit, refs(repository)) for one in going),
    )
    assert count == 3
    assert [commit for _, commit, _ in told] == [one.commit for one in found[:3]]
    assert all(len(at_that_time) == 4 for _, _, at_that_time in told)
    assert refs(repository) == ["s1/000004"]
    assert snapshots.take(repository.root, "s1", "again").ref == found[-1].ref


def test_what_an_operation_names_stays(repository: Repository) -> None:
    found = fill(repository, "s1", 3)
    operation = operations.planned(
        Kind.RESTORE,
        "restored",
        session="s1",
        files=(Files(path=repository.root, before=found[0].commit, after=found[2].commit),),
    )
    with operations.recorded(repository, operation):
        pass
    prune(repository, {"s1"}, datetime.now(UTC) + timedelta(days=60), Keep())
    assert refs(repository) == ["s1/000001", "s1/000003"]


def test_the_newest_of_a_removed_session_goes_only_when_a_branch_holds_its_work(repository: Repository) -> None:
    fill(repository, "unmerged", 1)
    tip = commit(repository.root, "Now it is in a branch")
    fill(repository, "worked-on", 1)
    run(repository.root, "checkout", "-q", "--", ".")
    snapshots.take(repository.root, "merged", "turn over")
    fill(repository, "in-the-attic", 1)
    run(repository.root, "update-ref", "refs/orchestrator/attic/in-the-attic/tip", tip)
    prune(repository, (), datetime.now(UTC) + timedelta(days=60), Keep())
    assert refs(repository) == ["in-the-attic/000001", "unmerged/000001", "worked-on/000001"]


def test_pruned_numbers_are_not_given_again(repository: Repository, tmp_path: Path) -> None:
    fill(repository, "s1", 3)
    prune(repository, {"s1"}, datetime.now(UTC) + timedelta(days=60), Keep())
    assert [one.ref.rsplit("/")[-1] for one in fill(repository, "s1", 2)] == ["000003", "000004", "000005"]
