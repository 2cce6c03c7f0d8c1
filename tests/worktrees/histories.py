"""Random pairs of works on one base, made by one ``git fast-import``: edits, renames, clashes of all sorts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from worktrees.git import run

Tree = dict[str, tuple[str, bytes]]
"""Mode and content by path."""
FOLDERS = ("", "", "a/", "b/", "a/c/", "b/d/e/")
NAMES = ("x", "y", "z", "w.txt", "ü v")


@dataclass
class Writer:
    """Collects a stream for ``git fast-import``."""

    stream: list[bytes] = field(default_factory=list)
    marks: int = 0

    def commit(self, tree: Tree, *parents: int) -> int:
        self.marks += 1
        lines = [b"commit refs/made/%d\nmark :%d\ncommitter T <t@localhost> 0 +0000\ndata 0\n" % ((self.marks,) * 2)]
        for word, parent in zip((b"from", b"merge"), parents, strict=False):
            lines.append(b"%s :%d\n" % (word, parent))
        lines.append(b"deleteall\n")
        for path, (mode, data) in tree.items():
            lines.append(b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), path.encode(), len(data), data))
        self.stream += lines
        return self.marks


def pairs(root: Path, count: int, seed: int) -> list[tuple[str, str]]:
    """Make ``count`` pairs of commits in ``root``; some parted at two places at once (criss-cross)."""
    chance, writer = Random(seed), Writer()
    root_commit = writer.commit({})
    marks = []
    for _ in range(count):
        tree = _begin(chance)
        base = writer.commit(tree, root_commit)
        sides = []
        for _side in range(2):
            mine, tip = dict(tree), base
            for _commit in range(chance.randint(1, 2)):
                for _edit in range(chance.randint(1, 2)):
                    _edited(mine, chance)
                tip = writer.commit(mine, tip)
            sides.append((mine, tip))
        if chance.random() < 0.08:
            (left, one), (right, other) = sides
            both = {**left, **right}
            _edited(left, chance)
            sides = [(left, writer.commit(_sound(both), one, other)), (right, writer.commit(_sound(left), other, one))]
        marks.append((sides[0][1], sides[1][1]))
    run(root, "fast-import", "--quiet", stdin=b"".join(writer.stream))
    said = run(root, "for-each-ref", "--format=%(refname) %(objectname)", "refs/made")
    made = {int(ref.rsplit("/", 1)[1]): commit for ref, commit in (line.split() for line in said.splitlines())}
    return [(made[one], made[other]) for one, other in marks]


def _begin(chance: Random) -> Tree:
    tree: Tree = {}
    for folder in FOLDERS[1:]:
        for name in chance.sample(NAMES, 3):
            tree[folder + name] = _new(chance)
    return tree


def _new(chance: Random) -> tuple[str, bytes]:
    what = chance.random()
    if what < 0.08:
        return "120000", chance.choice((b"x", b"a/y", b"nowhere"))
    if what < 0.18:
        return "100644", b"\0" + chance.randbytes(30)
    lines = [f"{chance.randint(0, 10**6)} line {n}\n" for n in range(chance.randint(4, 24))]
    return chance.choice(("100644", "100644", "100755")), "".join(lines).encode()


def _edited(tree: Tree, chance: Random) -> None:
    """One thing that somebody does to the files."""
    names = sorted(tree)
    name = chance.choice(names)
    mode, data = tree[name]
    free = chance.choice(FOLDERS) + chance.choice((*NAMES, "new", "a", "b"))
    match chance.choice(
        ("edit", "edit", "edit", "add", "add", "delete", "rename", "folder", "mode", "replace", "clash")
    ):
        case "edit" if mode != "120000" and b"\0" not in data:
            lines = data.splitlines(keepends=True)
            at = chance.randrange(len(lines) + 1)
            lines[at : at + chance.randint(0, 2)] = [f"{chance.randint(0, 99)} edited\n".encode()]
            tree[name] = mode, b"".join(lines) or b"\n"
        case "add":
            tree[free] = _new(chance)
        case "delete" if len(names) > 2:
            del tree[name]
        case "rename":
            tree[free] = tree.pop(name)
        case "folder":  # a whole folder goes to another place
            folder, to = chance.choice(("a/", "b/", "a/c/", "b/d/")), chance.choice(("m/", "b/", "a/c/"))
            for old in [one for one in names if one.startswith(folder) and not to.startswith(folder)]:
                tree[to + old.removeprefix(folder)] = tree.pop(old)
        case "mode" if mode != "120000":
            tree[name] = "100644" if mode == "100755" else "100755", data
        case "replace":
            tree[name] = _new(chance)
        case "clash":  # a folder where a file was, or a file where a folder was
            target = chance.choice(("a", "b", "a/c", name + "/in", "new", "new/deep"))
            tree[target] = _new(chance)
        case _:
            tree[name + "2"] = _new(chance)
    kept = _sound(tree)
    tree.clear()
    tree.update(kept)


def _sound(tree: Tree) -> Tree:
    """No path is a file and a folder at once: the newest wins."""
    kept: Tree = {}
    for path, what in reversed(tree.items()):
        if not any(path == other or path.startswith(other + "/") or other.startswith(path + "/") for other in kept):
            kept[path] = what
    return kept


def really(checkout: Path, one: str, other: str) -> tuple[bool, frozenset[str]]:
    """Merge ``other`` into ``one`` in a real checkout: whether that is clean, and the paths left unmerged.

    Git 2.39 cannot write the index of some folder renames that conflict with files: not clean, and no paths.
    """
    from worktrees.git import run_code

    run(checkout, "clean", "-ffdxq")
    run(checkout, "checkout", "-q", "-f", "--detach", one)
    code, _ = run_code(checkout, "merge", "-q", "--no-commit", "--no-ff", other, ok=(0, 1, 128))
    said = run(checkout, "ls-files", "--unmerged", "-z")
    run(checkout, "reset", "-q", "--hard")
    names = (entry.partition("\t")[2] for entry in said.split("\0") if entry)
    # Where a file is in the way of a folder, git puts it beside, with its side in its name.
    return code == 0, frozenset(name.removesuffix("~HEAD").removesuffix(f"~{other}") for name in names)
