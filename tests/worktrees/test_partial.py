"""Part of a work: what is picked is in the tree, byte for byte, and what is left is the rest: held to ``git apply``."""

from __future__ import annotations

import os
import re
from pathlib import Path
from random import Random

import pytest

from tests.nightly import NIGHTLY
from tests.worktrees.histories import Tree, Writer
from worktrees import partial
from worktrees.cleanroom import run
from worktrees.errors import WorktreeError
from worktrees.partial import Pick
from worktrees.patches import Body
from worktrees.repository import Repository

EXAMPLES = 200 if NIGHTLY else 25
PLAIN, RUNS, LINK = "100644", "100755", "120000"


def lines(chance: Random, count: int) -> list[bytes]:
    ends = b"\r\n" if chance.random() < 0.2 else b"\n"
    odd = b"\xff\xfe " if chance.random() < 0.2 else b""
    made = [b"%sline %d of %d" % (odd, n, chance.randrange(10**9)) + ends for n in range(count)]
    if made and chance.random() < 0.3:
        made[-1] = made[-1].rstrip(b"\r\n")
    return made


def edited(chance: Random, before: list[bytes]) -> list[bytes]:
    after = list(before)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(after) + 1)
        match chance.randrange(3):
            case 0:
                after[at:at] = lines(chance, chance.randint(1, 3))
            case 1:
                del after[at : at + chance.randint(1, 3)]
            case _:
                after[at : at + 1] = lines(chance, 1)
    # Only the last line can be without an end.
    return [line if n == len(after) - 1 or line.endswith(b"\n") else line + b"\n" for n, line in enumerate(after)]


def pair(chance: Random) -> tuple[Tree, Tree]:
    """A base and a work on it: edits, renames, modes, links, binary content, files that come and go."""
    base: Tree = {f"f{n}": (PLAIN, b"".join(lines(chance, chance.randint(0, 70)))) for n in range(chance.randint(2, 6))}
    base["d/data"] = PLAIN, bytes(chance.randrange(256) for _ in range(300)) + b"\0"
    work = dict(base)
    for name in list(base):
        mode, data = base[name]
        match chance.randrange(8):
            case 0:
                del work[name]
            case 1:
                work["moved/" + name] = work.pop(name)
            case 2:
                mine = b"".join(edited(chance, data.splitlines(keepends=True)))
                del work[name]
                work[name + ".moved"] = RUNS, mine
            case 3:
                work[name] = RUNS, data
            case 4:
                work[name] = LINK, b"d/data"
            case _ if name != "d/data":
                work[name] = mode, b"".join(edited(chance, re.findall(rb"[^\n]*\n|[^\n]+", data)))
            case _:
                work[name] = mode, data[::-1]
    work["new"] = PLAIN, b"".join(lines(chance, 5))
    return base, work


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, str]]]:
    root = tmp_path_factory.mktemp("pairs")
    run_git(root, "init", "-q")
    writer = Writer()
    marks = []
    for seed in range(EXAMPLES):
        base, work = pair(Random(seed))
        one = writer.commit(base)
        marks.append((one, writer.commit(work, one)))
    run_git(root, "fast-import", "--quiet", stdin=b"".join(writer.stream))
    said = run_git(root, "for-each-ref", "--format=%(refname) %(objectname)", "refs/made")
    ids = {int(ref.rsplit("/", 1)[1]): commit for ref, commit in (line.split() for line in said.splitlines())}
    return root, [(ids[one], ids[other]) for one, other in marks]


def run_git(root: Path, *words: str, stdin: bytes | None = None, env: dict[str, str] | None = None) -> str:
    from worktrees import git

    return git.run(root, *words, stdin=stdin, env=env)


def applied(root: Path, tree: str, patch: bytes, index: Path) -> str:
    """The tree that ``git apply`` makes of ``tree``."""
    env = {"GIT_INDEX_FILE": str(index)}
    run_git(root, "read-tree", tree, env=env)
    if patch:
        run_git(root, "apply", "--cached", "--whitespace=nowarn", stdin=patch, env=env)
    return run_git(root, "write-tree", env=env).strip()


def sections(root: Path, one: str, other: str) -> list[tuple[bytes, list[bytes]]]:
    """Head and hunks of each file of the patch, as git prints it."""
    words = ("diff", "--binary", "--full-index", "-M", "--src-prefix=a/", "--dst-prefix=b/", one, other)
    patch = os.fsencode(run_git(root, *words))
    found = []
    for text in re.split(rb"^(?=diff --git )", patch, flags=re.M)[1:]:
        head, *hunks = re.split(rb"^(?=@@ -)", text, flags=re.M)
        found.append((head, hunks))
    return found


@pytest.mark.parametrize("number", range(EXAMPLES))
def test_what_is_picked_and_what_is_left_are_all(
    made: tuple[Path, list[tuple[str, str]]], number: int, tmp_path: Path
) -> None:
    root, commits = made
    base, tip = commits[number]
    chance = Random(number)
    work = partial.between(root, base, f"{tip}^{{tree}}")
    parts = work.parts
    assert len(parts) == len(work.files)
    pieces = sections(root, base, tip)
    picks, picked, left = [], b"", b""
    for n, file in enumerate(work.files):
        mine = [pieces.pop(0) for _ in range(2 if file.kind == "T" else 1)]
        text = b"".join(head + b"".join(hunks) for head, hunks in mine)
        count = len(parts[n].pieces)
        some = tuple(sorted(chance.sample(range(count), chance.randint(1, count - 1)))) if count > 1 else ()
        if file.kind in "MR" and some and chance.random() < 0.7:
            (head, hunks), name = mine[0], os.fsencode(file.new)
            assert len(hunks) == count
            picks.append(Pick(file=n, hunks=some))
            picked += head + b"".join(hunks[at] for at in some)
            left += b"diff --git a/%s b/%s\n--- a/%s\n+++ b/%s\n" % ((name,) * 4)
            left += b"".join(hunks[at] for at in range(count) if at not in some)
        elif chance.random() < 0.5:
            picks.append(Pick(file=n))
            picked += text
        else:
            left += text
    tree = partial.tree(root, work, picks)
    assert tree == applied(root, base, picked, tmp_path / "one")
    assert applied(root, tree, left, tmp_path / "other") == run_git(root, "rev-parse", f"{tip}^{{tree}}").strip()
    assert partial.tree(root, work, ()) == run_git(root, "rev-parse", f"{base}^{{tree}}").strip()
    everything = [Pick(file=n) for n in range(len(work.files))]
    assert partial.tree(root, work, everything) == run_git(root, "rev-parse", f"{tip}^{{tree}}").strip()
    for part in parts:
        for piece in part.pieces:
            body = Body(work.patch, piece)
            assert body.signs.count("-") + body.signs.count(" ") == piece.old_count
            assert body.signs.count("+") + body.signs.count(" ") == piece.new_count
            both = [one for row in body.rows for one in dict.fromkeys(row) if one >= 0]
            assert sorted(both) == list(range(len(body.lines)))


def test_a_folder_takes_the_place_of_a_file_only_together_with_its_going(repository: Repository) -> None:
    writer = Writer()
    one = writer.commit({"x": (PLAIN, b"first\n"), "y": (PLAIN, b"y\n")})
    writer.commit({"x/z": (PLAIN, b"quite another\n"), "y": (PLAIN, b"y\n")}, one)
    run(repository.root, "fast-import", "--quiet", stdin=b"".join(writer.stream))
    work = partial.between(repository.root, "refs/made/1", "refs/made/2^{tree}")
    names = [(file.kind, file.new) for file in work.files]
    assert sorted(names) == [("A", "x/z"), ("D", "x")]
    with pytest.raises(WorktreeError, match="x/z takes the place of x, which is left out"):
        partial.tree(repository.root, work, [Pick(file=names.index(("A", "x/z")))])
    both = partial.tree(repository.root, work, [Pick(file=0), Pick(file=1)])
    assert both == run(repository.root, "rev-parse", "refs/made/2^{tree}").strip()
