"""Whatever two sides do to a tree: every conflict that git finds is told, and each side everywhere resolves it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.nightly import NIGHTLY
from worktrees import conflicts
from worktrees.git import run
from worktrees.problems import Kind, Take, left, take
from worktrees.proposals import of_tree
from worktrees.repository import Repository
from worktrees.resolving import resolved_tree
from worktrees.three_way import Names, look

EXAMPLES = 300 if NIGHTLY else 12
TEXT = "".join(f"line {n}\n" for n in range(8))
BASE = {
    "a": ("100644", TEXT),
    "b": ("100644", TEXT.upper()),
    "d/x": ("100644", "x\n" * 5),
    "d/y": ("100644", "y\n" * 5),
}
Tree = dict[str, tuple[str, str]]
NAMES = ("a", "b", "c", "d", "d/x", "d/y", "d/z", "e/x", "e/y", "a/in")

step = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(NAMES), st.sampled_from(["new\n", "other\n", "\0bytes", "caf\udce9"])),
    st.tuples(st.just("edit"), st.sampled_from(("a", "b")), st.sampled_from(["1st\n", "2nd\n", "no end"])),
    st.tuples(st.just("write"), st.just("c"), st.sampled_from(["new\n", "other\n", "\0bytes"])),
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.just("")),
    st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.just("folder"), st.just("d"), st.just("e")),
    st.tuples(st.just("link"), st.sampled_from(NAMES), st.sampled_from(["here", "there"])),
    st.tuples(st.just("mode"), st.sampled_from(NAMES), st.just("")),
)
steps = st.lists(step, min_size=1, max_size=4)


def done(tree: Tree, what: tuple[str, str, str]) -> Tree:
    """The tree after one step; one that cannot be done changes nothing."""
    act, name, word = what
    tree = dict(tree)
    match act:
        case "write":
            tree = placed(tree, name, ("100644", word))
        case "link":
            tree = placed(tree, name, ("120000", word))
        case "delete":
            tree.pop(name, None)
        case "edit" if name in tree and tree[name][0] != "120000":
            lines = tree[name][1].splitlines(keepends=True)
            tree[name] = (tree[name][0], "".join([*lines[:2], word, *lines[3:]]))
        case "mode" if name in tree and tree[name][0] == "100644":
            tree[name] = ("100755", tree[name][1])
        case "rename" if name in tree and word != name:
            tree = placed(tree, word, tree.pop(name))
        case "folder":
            tree = {path.replace("d/", "e/", 1) if path.startswith("d/") else path: one for path, one in tree.items()}
    return tree


def placed(tree: Tree, name: str, entry: tuple[str, str]) -> Tree:
    """With a file there, and nothing that cannot stand beside it."""
    kept = {
        path: one for path, one in tree.items() if not path.startswith(f"{name}/") and not name.startswith(f"{path}/")
    }
    return {**kept, name: entry}


def committed(root: Path, tree: Tree, *parents: str) -> str:
    index = {"GIT_INDEX_FILE": str(root / ".git" / "test-index")}
    (root / ".git" / "test-index").unlink(missing_ok=True)
    lines = []
    for path, (mode, text) in tree.items():
        oid = run(root, "hash-object", "-w", "--stdin", stdin=text.encode("utf-8", "surrogateescape")).strip()
        lines.append(f"{mode} {oid} 0\t{path}\n")
    run(root, "update-index", "--add", "--index-info", env=index, stdin="".join(lines).encode())
    made = run(root, "write-tree", env=index).strip()
    return run(root, "commit-tree", made, *(word for one in parents for word in ("-p", one)), "-m", "x").strip()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ours=steps, theirs=steps)
def test_each_side_everywhere_resolves_whatever_git_finds(
    repository: Repository, ours: list[tuple[str, str, str]], theirs: list[tuple[str, str, str]]
) -> None:
    root = repository.root
    base = committed(root, BASE)
    trees = []
    for does in (ours, theirs):
        tree: Tree = BASE
        for one in does:
            tree = done(tree, one)
        trees.append(tree)
    one, other = (committed(root, tree, base) for tree in trees)
    merged = conflicts.merge(root, one, other)
    found = look(root, one, other, Names("main", "agent/x"))
    assert len({problem.id for problem in found.problems}) == len(found.problems)
    told = {path for effect in found.effects.values() for path in effect}
    assert set(merged.stages) <= told
    for side, commit in ((Take.OURS, one), (Take.THEIRS, other)):
        decided = [take(problem, side) for problem in found.problems]
        assert not any(left(*pair) for pair in zip(found.problems, decided, strict=True))
        tree_ = resolved_tree(root, found, decided)
        has = {row.partition("\t")[2]: row for row in run(root, "ls-tree", "-r", "-z", tree_).split("\0") if row}
        want = {row.partition("\t")[2]: row for row in run(root, "ls-tree", "-r", "-z", commit).split("\0") if row}
        for problem in found.problems:
            if problem.kind in (Kind.BINARY, Kind.SYMLINK, Kind.MODE, Kind.OTHER, Kind.DELETED, Kind.TYPE):
                for path in found.effects[problem.id, side]:
                    assert has.get(path) == want.get(path) or path in told - set(merged.stages), problem
        again, _also = of_tree(root, found, tree_)
        assert {made.problem for made in again} == {made.problem for made in decided}
