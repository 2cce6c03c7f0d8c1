"""The radar foresees what ``git merge`` does, and touches nothing."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.worktrees.conftest import commit
from tests.worktrees.histories import pairs, really
from worktrees import ancestry, git, radar, snapshots
from worktrees.cleanroom import run as clean
from worktrees.git import run
from worktrees.models import Conflict
from worktrees.radar import Forecast, Radar
from worktrees.repository import Repository


def test_it_says_what_a_real_merge_does(repository: Repository) -> None:
    made = pairs(repository.root, 40, seed=20)
    found = Radar().look(repository.root, made)
    conflicting = 0
    for one, other in made:
        clean, unmerged = really(repository.root, one, other)
        forecast = found[one, other]
        assert not forecast.error
        assert (not forecast.conflicts) is clean, (one, other)
        if unmerged:
            assert {conflict.path for conflict in forecast.conflicts} == unmerged
        conflicting += not clean
    assert 8 < conflicting < 32  # both are tried


def test_its_filter_lets_no_conflict_through(repository: Repository) -> None:
    made = pairs(repository.root, 80, seed=7)
    bases = {pair: found[0] for pair, found in ancestry.merge_bases(repository.root, made).items() if len(found) == 1}
    sides = radar.touched(repository.root, sorted({(base, tip) for pair, base in bases.items() for tip in pair}))
    quiet = [pair for pair, base in bases.items() if radar.apart(sides[base, pair[0]], sides[base, pair[1]])]
    assert len(quiet) > 20
    assert set(radar.merges(repository.root, quiet).values()) == {Forecast()}


def test_merge_bases_are_those_of_git(repository: Repository) -> None:
    made = pairs(repository.root, 30, seed=3)
    across = [(one[0], other[1]) for one, other in pairwise(made)]
    found = ancestry.merge_bases(repository.root, [*made, *across])
    several = 0
    for one, other in (*made, *across):
        said = run(repository.root, "merge-base", "--all", one, other).split()
        assert sorted(found[one, other]) == sorted(said)
        several += len(said) > 1
    assert several  # criss-cross histories are among them


def test_a_history_of_its_own_is_asked_of_git(repository: Repository) -> None:
    made = pairs(repository.root, 2, seed=3)
    alone = run(repository.root, "rev-parse", "HEAD").strip()
    assert ancestry.merge_bases(repository.root, [*made, (made[0][0], alone)]) == {}
    found = Radar().look(repository.root, [*made, (made[0][0], alone)])
    assert "unrelated histories" in found[made[0][0], alone].error
    assert not any(found[pair].error for pair in made)


def test_a_git_without_batches_is_asked_one_by_one(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pairs(repository.root, 12, seed=5)
    together = radar.merges(repository.root, made)
    monkeypatch.setattr(radar, "_batches", lambda: False)
    assert radar.merges(repository.root, made) == together


def works(repository: Repository, *texts: str) -> list[str]:
    """Branches off main that each write ``a.txt``."""
    begin = run(repository.root, "rev-parse", "HEAD").strip()
    made = []
    for text in texts:
        run(repository.root, "checkout", "-q", "--detach", begin)
        (repository.root / "a.txt").write_text(text)
        made.append(commit(repository.root, "Work"))
    run(repository.root, "checkout", "-q", "main")
    return made


def test_an_error_is_no_conflict_and_spoils_no_other_pair(repository: Repository) -> None:
    one, other, third = works(repository, "1\ntwo\nthree\n", "one!\ntwo\nthree\n", "one\ntwo\n3\n")
    missing = "0" * 39 + "1"
    found = Radar().look(repository.root, [(one, other), (one, missing), (one, third)])
    assert found[one, other].conflicts == (Conflict(path="a.txt", kind="content"),)
    assert found[one, missing].conflicts == ()
    assert found[one, missing].error.startswith("git merge-tree failed: "), found[one, missing].error
    assert found[one, third] == Forecast()


def test_what_was_seen_is_not_asked_again_and_the_rest_of_it_is(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, third = works(repository, "1\ntwo\nthree\n", "one!\ntwo\nthree\n", "one?\ntwo\nthree\n")
    asked: list[tuple[str, ...]] = []
    real = git._once
    monkeypatch.setattr(git, "_once", lambda cwd, args, *rest: asked.append(args) or real(cwd, args, *rest))
    seen = Radar()
    first = seen.look(repository.root, [(one, other)])
    asked.clear()
    assert seen.look(repository.root, [(one, other)]) == first
    assert asked == []
    seen.look(repository.root, [(one, other), (one, third)])
    assert sum(args[0] == "merge-tree" for args in asked) == 1


def test_what_it_remembers_is_bounded_by_what_it_holds_and_forgetting_changes_no_answer(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pairs(repository.root, 40, seed=20)
    expected = Radar().look(repository.root, made)
    monkeypatch.setattr(radar, "HEAVIEST", 30)
    seen = Radar()
    for pair in made:
        assert seen.look(repository.root, [pair]) == {pair: expected[pair]}
        held = [len(one.paths) + len(one.above) + len(one.entered) + len(one.left) for one in seen._touched.values()]
        assert sum(held) <= 30
        assert sum(len(one.conflicts) + len(one.shared) for one in seen._known.values()) <= 30
    assert seen.look(repository.root, made) == expected
    assert seen.changed(repository.root, made) == Radar().changed(repository.root, made)


def test_nothing_of_the_repository_is_written(repository: Repository) -> None:
    made = works(repository, "1\ntwo\nthree\n", "one!\ntwo\nthree\n")
    before = run(repository.root, "count-objects", "-v"), run(repository.root, "for-each-ref")
    assert Radar().look(repository.root, [(made[0], made[1])])[made[0], made[1]].conflicts
    assert (run(repository.root, "count-objects", "-v"), run(repository.root, "for-each-ref")) == before


def test_the_work_is_what_would_land(repository: Repository) -> None:
    assert radar.work(repository.root) == run(repository.root, "rev-parse", "HEAD").strip()
    (repository.root / "new.txt").write_text("new\n")
    (repository.root / ".env").write_text("PORT=4001\n")
    seen = radar.work(repository.root)
    assert radar.work(repository.root) == seen
    assert clean(repository.root, "ls-tree", "-r", "--name-only", seen).split() == [".gitignore", "a.txt", "new.txt"]
    kept = snapshots.take(repository.root, "s", "turn over", ignored=True)
    assert ".env" in clean(repository.root, "ls-tree", "-r", "--name-only", kept.commit)


def test_a_clash_shows_what_each_side_did(repository: Repository) -> None:
    one, other = works(repository, "1\ntwo\nthree\n", "one!\ntwo\nthree\n")
    (clash,) = radar.clashes(repository.root, one, other)
    assert (clash.conflict.path, "<<<<<<<" in clash.conflict.text) == ("a.txt", True)
    shown = [[line.sign + line.text for line in side[0].hunks[0].lines][:2] for side in (clash.one, clash.other)]
    assert shown == [["-one", "+1"], ["-one", "+one!"]]


def test_a_folder_that_both_sides_move_is_told_though_no_file_is_in_conflict(repository: Repository) -> None:
    said = "0\0" + "a" * 40 + "\0" + "\0" + "2\0old\0new\0CONFLICT (directory rename split)\0text\0" + "\0"
    (forecast,) = radar.parsed(said, [("one", "other")])
    assert {conflict.kind for conflict in forecast.conflicts} == {"directory rename split"}


@pytest.mark.parametrize("said", ["", "1\0tree", "0\0tree\0\0\0", "maybe\0tree\0\0"])
def test_another_answer_of_git_is_refused(said: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        radar.parsed(said, [("one", "other")])


def test_folders_with_a_colon_in_their_name_are_quoted(tmp_path: Path) -> None:
    assert radar._quoted("/a/b") == "/a/b"
    assert radar._quoted('/a:b"c') == '"/a:b\\"c"'
