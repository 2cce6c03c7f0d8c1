"""Every kind of conflict, on real repositories: told for what it is, and resolved into the tree that was chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.nightly import NIGHTLY
from tests.worktrees.conftest import commit
from worktrees import text_merge
from worktrees.errors import ApprovalVoid, WorktreeError
from worktrees.git import run
from worktrees.operations import holding, listed
from worktrees.problems import Kind, Pick, Problem, Resolution, Take, ThreeWay, left, take
from worktrees.repository import Repository
from worktrees.resolving import Work, accept, resolved_tree
from worktrees.three_way import Names, look
from worktrees.undo import undo

NAMES = Names("main", "agent/x")


def parted(root: Path, ours: Callable[[Path], None], theirs: Callable[[Path], None]) -> ThreeWay:
    """Two branches that did different things since the commit that is checked out."""
    run(root, "checkout", "-q", "-b", "agent/x")
    theirs(root)
    other = commit(root, "Theirs")
    run(root, "checkout", "-q", "main")
    ours(root)
    return look(root, commit(root, "Ours"), other, NAMES)


def files(root: Path, tree: str) -> dict[str, str]:
    names = run(root, "ls-tree", "-r", "-z", "--name-only", tree).split("\0")
    return {name: run(root, "cat-file", "blob", f"{tree}:{name}") for name in names if name}


def chosen(root: Path, found: ThreeWay, choice: str) -> dict[str, str]:
    """What stands in the tree when the only conflict is resolved by ``choice``."""
    (problem,) = found.problems
    made = files(root, resolved_tree(root, found, [Resolution(problem=problem.id, choice=choice)]))
    made.pop(".gitignore")
    return made


def write(text: str, name: str = "a.txt") -> Callable[[Path], None]:
    def do(root: Path) -> None:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)

    return do


def test_hunks_are_taken_one_by_one(repository: Repository) -> None:
    root = repository.root
    (root / "a.txt").write_text("".join(f"{n}\n" for n in range(1, 10)))
    commit(root, "Nine lines")
    nine = (root / "a.txt").read_text()
    ours = write(nine.replace("1\n", "1 ours\n").replace("9\n", "9 ours\n"))
    theirs = write(nine.replace("1\n", "1 theirs\n").replace("9\n", "9 theirs\n").replace("5\n", "5 theirs\n"))
    found = parted(root, ours, theirs)
    (problem,) = found.problems
    assert (problem.kind, problem.path, len(problem.hunks)) == (Kind.CONTENT, "a.txt", 2)
    assert problem.hunks[0].base == ("1\n",)
    half = Resolution(problem=problem.id, picks=(Pick(take=Take.OURS), None))
    assert left(problem, half) == 1
    with pytest.raises(WorktreeError, match=r"nobody decided yet about a\.txt"):
        resolved_tree(root, found, [half])
    full = half.model_copy(update={"picks": (Pick(take=Take.OURS), Pick(take=Take.THEIRS_OURS))})
    tree = resolved_tree(root, found, [full])
    assert files(root, tree)["a.txt"] == "1 ours\n2\n3\n4\n5 theirs\n6\n7\n8\n9 theirs\n9 ours\n"


def test_one_deleted_what_the_other_changed(repository: Repository) -> None:
    found = parted(repository.root, lambda root: (root / "a.txt").unlink(), write("one\n2\nthree\n"))
    (problem,) = found.problems
    assert (problem.kind, problem.words) == (Kind.DELETED, "main deleted it, agent/x changed it")
    assert chosen(repository.root, found, "ours") == {}
    assert chosen(repository.root, found, "theirs") == {"a.txt": "one\n2\nthree\n"}
    assert chosen(repository.root, found, "base") == {"a.txt": "one\ntwo\nthree\n"}


def test_both_renamed_it_and_changed_the_same_line(repository: Repository) -> None:
    root = repository.root
    (root / "a.txt").write_text("".join(f"line {n}\n" for n in range(20)))
    commit(root, "Twenty lines")

    def rename(name: str) -> Callable[[Path], None]:
        def do(root: Path) -> None:
            (root / "a.txt").rename(root / name)
            (root / name).write_text((root / name).read_text().replace("line 9\n", f"{name} 9\n"))

        return do

    found = parted(root, rename("o.txt"), rename("t.txt"))
    (problem,) = found.problems
    assert (problem.kind, len(problem.hunks)) == (Kind.RENAMED, 1)
    assert [choice.key for choice in problem.choices] == ["ours", "theirs", "both", "base"]
    mixed = Resolution(problem=problem.id, choice="both", picks=(Pick(take=Take.THEIRS),))
    assert left(problem, mixed) == 0
    made = files(root, resolved_tree(root, found, [mixed]))
    assert sorted(made) == [".gitignore", "o.txt", "t.txt"]
    assert made["o.txt"] == made["t.txt"]
    assert "t.txt 9\n" in made["o.txt"]


def test_one_renamed_what_the_other_deleted(repository: Repository) -> None:
    found = parted(
        repository.root,
        lambda root: (root / "a.txt").unlink(),
        lambda root: (root / "a.txt").rename(root / "b.txt") and None,
    )
    assert found.problems[0].kind is Kind.RENAMED_AWAY
    text = "one\ntwo\nthree\n"
    assert chosen(repository.root, found, "ours") == {}
    assert chosen(repository.root, found, "theirs") == {"b.txt": text}
    assert chosen(repository.root, found, "base") == {"a.txt": text}


def test_a_folder_where_the_other_has_a_file(repository: Repository) -> None:
    found = parted(repository.root, write("file\n", "d"), write("inside\n", "d/in"))
    assert found.problems[0].kind is Kind.PLACE
    text = {"a.txt": "one\ntwo\nthree\n"}
    assert chosen(repository.root, found, "ours") == {**text, "d": "file\n"}
    assert chosen(repository.root, found, "theirs") == {**text, "d/in": "inside\n"}
    assert chosen(repository.root, found, "both") == {**text, "d/in": "inside\n", "d~main": "file\n"}


def test_links_bytes_and_modes(repository: Repository) -> None:
    root = repository.root
    (root / "l").symlink_to("base")
    (root / "b").write_bytes(b"\0base")
    commit(root, "More")

    def side(word: str, mode: int) -> Callable[[Path], None]:
        def do(root: Path) -> None:
            (root / "l").unlink()
            (root / "l").symlink_to(word)
            (root / "b").write_bytes(b"\0" + word.encode())
            (root / "latin").write_bytes(b"caf\xe9 " + word.encode())
            (root / "x").write_text("run\n")
            (root / "x").chmod(mode)

        return do

    found = parted(root, side("ours", 0o644), side("theirs", 0o755))
    kinds = {problem.path: problem.kind for problem in found.problems}
    assert kinds == {"b": Kind.BINARY, "l": Kind.SYMLINK, "latin": Kind.BINARY, "x": Kind.MODE}
    link = next(problem for problem in found.problems if problem.path == "l")
    assert [choice.words for choice in link.choices] == [
        "main: → ours",
        "agent/x: → theirs",
        "as it was before: → base",
    ]
    tree = resolved_tree(root, found, [take(problem, Take.THEIRS) for problem in found.problems])
    assert run(root, "diff-tree", "-r", "--name-only", tree, found.theirs) == ""
    tree = resolved_tree(root, found, [take(problem, Take.OURS) for problem in found.problems])
    assert run(root, "diff-tree", "-r", "--name-only", tree, found.ours) == ""


def test_a_link_on_one_side_and_a_file_on_the_other(repository: Repository) -> None:
    found = parted(repository.root, write("file\n", "t"), lambda root: (root / "t").symlink_to("a.txt"))
    assert found.problems[0].kind is Kind.TYPE
    text = {"a.txt": "one\ntwo\nthree\n"}
    assert chosen(repository.root, found, "ours") == {**text, "t": "file\n"}
    assert chosen(repository.root, found, "theirs") == {**text, "t": "a.txt"}
    assert chosen(repository.root, found, "both") == {**text, "t": "a.txt", "t~main": "file\n"}


def test_a_submodule_that_both_moved(repository: Repository, tmp_path: Path) -> None:
    root = repository.root
    tips = [run(root, "commit-tree", "HEAD^{tree}", "-m", str(n)).strip() for n in range(3)]

    def at(tip: str) -> Callable[[Path], None]:
        def do(root: Path) -> None:
            run(root, "update-index", "--add", "--cacheinfo", f"160000,{tip},sub")
            (root / "sub").mkdir(exist_ok=True)

        return do

    at(tips[0])(root)
    run(root, "commit", "-q", "-m", "Base")
    ends = []
    for tip in tips[1:]:
        tree = run(root, "rev-parse", "HEAD^{tree}").strip()
        listed_ = run(root, "ls-tree", tree).replace(tips[0], tip)
        made = run(root, "mktree", "--missing", stdin=listed_.encode()).strip()
        ends.append(run(root, "commit-tree", made, "-p", "HEAD", "-m", tip).strip())
    found = look(root, ends[0], ends[1], NAMES)
    (problem,) = found.problems
    assert problem.kind is Kind.SUBMODULE
    assert tips[2][:10] in problem.choices[1].words
    tree = resolved_tree(root, found, [take(problem, Take.THEIRS)])
    assert run(root, "ls-tree", tree, "sub").split()[2] == tips[2]


def test_a_file_added_to_a_folder_that_the_other_renamed(repository: Repository) -> None:
    root = repository.root
    (root / "old").mkdir()
    for n in range(3):
        (root / "old" / str(n)).write_text(f"{n}\n" * 5)
    commit(root, "A folder")
    found = parted(root, write("new\n", "old/added"), lambda root: (root / "old").rename(root / "new") and None)
    assert found.problems[0].kind is Kind.MOVED
    assert "old/added" in chosen(root, found, "ours")
    assert "new/added" in chosen(root, found, "theirs")


def test_marks_that_were_left_are_refused(repository: Repository) -> None:
    found = parted(repository.root, write("1\ntwo\nthree\n"), write("I\ntwo\nthree\n"))
    (problem,) = found.problems
    typed = Pick(take=Take.EDIT, text="<<<<<<< ours\n1\n=======\nI\n>>>>>>> theirs\n")
    with pytest.raises(WorktreeError, match=r"a\.txt would have a conflict mark in line 1"):
        resolved_tree(repository.root, found, [Resolution(problem=problem.id, picks=(typed,))])
    with pytest.raises(WorktreeError, match=r"a\.txt would have a conflict mark"):
        resolved_tree(repository.root, found, [], proposed=found.tree)


def test_marks_that_a_side_has_already_are_its_text(repository: Repository) -> None:
    text = "<<<<<<< HEAD\nas an example\n>>>>>>> other\n"
    found = parted(repository.root, write("1\ntwo\nthree\n" + text), write("I\ntwo\nthree\n" + text))
    (problem,) = found.problems
    tree = resolved_tree(repository.root, found, [take(problem, Take.OURS)])
    assert files(repository.root, tree)["a.txt"].endswith(text)


def test_the_branch_gets_the_merge_and_undo_takes_it_back(repository: Repository) -> None:
    root = repository.root
    path = root.parent / "wt"
    run(root, "worktree", "add", "-q", "-b", "agent/x", str(path))
    (path / "a.txt").write_text("one\ntheirs\nthree\n")
    (path / "new.txt").write_text("untracked\n")
    (root / "a.txt").write_text("one\nours\nthree\n")
    commit(root, "Ours")
    work = Work(path, "main")
    found = work.look(NAMES)
    both = Resolution(problem=found.problems[0].id, picks=(Pick(take=Take.OURS_THEIRS),))

    def resolve(now: Work) -> str:
        return resolved_tree(path, now.look(NAMES), [both])

    before = (path / "a.txt").read_text()
    assert before == "one\ntheirs\nthree\n"
    tip = accept(path, "s1", "main", work.id, resolve)
    assert (path / "a.txt").read_text() == "one\nours\ntheirs\nthree\n"
    assert (path / "new.txt").read_text() == "untracked\n"
    assert run(path, "status", "--porcelain") == ""
    assert run(path, "rev-parse", f"{tip}^2", "HEAD").split() == [run(root, "rev-parse", "main").strip(), tip]
    assert (root / "a.txt").read_text() == "one\nours\nthree\n"
    undo(repository, holding(listed(repository))[0])
    assert (path / "a.txt").read_text() == before


def test_what_moved_since_it_was_looked_at_is_not_accepted(repository: Repository) -> None:
    root = repository.root
    path = root.parent / "wt"
    run(root, "worktree", "add", "-q", "-b", "agent/x", str(path))
    (path / "a.txt").write_text("one\ntheirs\nthree\n")
    (root / "a.txt").write_text("one\nours\nthree\n")
    commit(root, "Ours")
    work = Work(path, "main")
    (path / "a.txt").write_text("one\ntheirs again\nthree\n")
    with pytest.raises(ApprovalVoid, match="has moved since the conflicts were looked at"):
        accept(path, "s1", "main", work.id, lambda _work: pytest.fail("nothing may be built"))
    assert (path / "a.txt").read_text() == "one\ntheirs again\nthree\n"


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "=======", "<<<<<<< x", "\tq", "é"]), max_size=8)
EXAMPLES = 400 if NIGHTLY else 40


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.tuples(LINES, LINES, LINES), ends=st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_each_side_everywhere_is_what_git_says(
    repository: Repository, texts: tuple[list[str], ...], ends: tuple[bool, ...]
) -> None:
    ours, base, theirs = ("\n".join(text) + ("\n" if end else "") for text, end in zip(texts, ends, strict=True))
    parts = text_merge.three_way(repository.root, ours, base, theirs)
    problem = Problem(id="p", kind=Kind.CONTENT, path="f", words="", parts=parts)
    for side, option in ((Take.OURS, "--ours"), (Take.THEIRS, "--theirs")):
        picks = tuple(pick for pick in take(problem, side).picks if pick is not None)
        said = [pick.of(hunk) for pick, hunk in zip(picks, problem.hunks, strict=True)]
        assert _assembled(parts, said) == _git(repository.root, option, ours, base, theirs)


def _assembled(parts: tuple[text_merge.Part, ...], said: list[str]) -> str:
    pieces = iter(said)
    return "".join("".join(part.lines) if part.hunk is None else next(pieces) for part in parts)


def _git(root: Path, option: str, ours: str, base: str, theirs: str) -> str:
    names = []
    for name, text in (("ours", ours), ("base", base), ("theirs", theirs)):
        (root.parent / name).write_text(text)
        names.append(str(root.parent / name))
    return run(root, "merge-file", "-p", "--diff3", option, *names)
