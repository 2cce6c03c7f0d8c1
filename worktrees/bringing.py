"""Brings what a sealed clone holds into the user's object store, where refs of ours may then point to it.

The clone's objects are copied, as plain files and without following a link, into a store of ours that borrows from
nowhere: what its ``objects/info/alternates`` names (the objects of another repository, say) stays outside. Git packs
what is new from there, names and checks every object anew (``index-pack --strict``), and only then are they the user's.
No ``upload-pack``, no configuration, no hook of the clone's has any part in it.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from worktrees import beneath, sealed
from worktrees.ancestry import is_ancestor
from worktrees.cleanroom import run, run_code
from worktrees.errors import GitFailed, WorktreeError
from worktrees.sealed import Clone, State

COPIED_LIMIT = 4 << 30
"""Bytes of objects that are taken over from a clone at a time."""
UNPACK_LIMIT = 100
"""Up to so many objects are stored loose, as git's own fetch does it; more stay a pack."""
DROPPED = 200
"""Newest commits of a clone's reflogs that are kept when it goes."""
_NAMED = re.compile(r"^[0-9a-f]{40,64} ([0-9a-f]{40,64}) ", re.M)
HELD = 200
"""Newest refs of the user's whose objects are not packed anew."""
_LOOSE = re.compile(r"[0-9a-f]{38}(?:[0-9a-f]{24})?\Z")
_PACK = re.compile(r"pack-[0-9a-f]{40,64}\.(pack|idx)\Z")
_FAN = re.compile(r"[0-9a-f]{2}\Z")
DEADLINE_S = 600.0


class NotWhole(WorktreeError):
    """Commits of which objects are missing."""


def bring(clone: Clone, now: State) -> str:
    """Bring the clone's commits and let both branches say the same; returns why that cannot be, "" when it could.

    A clone that is broken stays what it was when it was last brought: its files are still there to be kept.
    """
    if not now.head:
        return f"the .git of {clone.worktree} is broken or gone"
    kept = _kept(clone)
    wanted = {name: oid for name, oid in sorted(now.refs.items())[: sealed.REFS_READ] if kept.get(name) != oid}
    if wanted or now.commit not in kept.values():
        try:
            _copy(clone)
            _take_over(clone, {now.commit} if now.commit else set())
        except (GitFailed, NotWhole) as error:
            return error.message
        lines = [f"update {sealed.REFS}/{clone.session}/{name} {oid}" for name, oid in _whole_ones(clone, wanted)]
        if lines:
            run(clone.git_dir, "update-ref", "--stdin", stdin="\n".join([*lines, ""]).encode())
    tip = now.refs.get(clone.ref)
    return _agree(clone, tip) if tip is not None else ""


def _agree(clone: Clone, theirs: str) -> str:
    """Move the branch that was not moved to where the other one is."""
    ours, before = (_value(clone, ref) for ref in (clone.ref, clone.tip_ref))
    moves: list[str] = []
    if theirs != ours:
        if theirs == before and ours is not None:
            beneath.write(clone.worktree, f".git/{clone.ref}", f"{ours}\n".encode(), lock=True)
            theirs = ours
        elif ours is None or ours == before or is_ancestor(clone.git_dir, ours, theirs):
            moves.append(f"update {clone.ref} {theirs} {ours or '0' * len(theirs)}")
        else:
            return f"{clone.branch} was moved in your repository and in the session's clone"
    if theirs != before:
        moves.append(f"update {clone.tip_ref} {theirs}")
    if moves:
        words = "\n".join(["start", *moves, "prepare", "commit", ""]).encode()
        run(clone.git_dir, "update-ref", "-m", "orchestrator: from the sealed clone", "--stdin", stdin=words)
    return ""


def pin_dropped(clone: Clone) -> None:
    """Bring and pin what only the clone's reflogs name: commits that were reset away, amended, rebased."""
    logs = (beneath.read(clone.worktree, f".git/logs/{name}") or b"" for name in ("HEAD", clone.ref, "refs/stash"))
    named = dict.fromkeys(_NAMED.findall(b"\n".join(logs).decode("ascii", "replace")))
    dropped = {f"refs/dropped/{oid}": oid for oid in list(named)[-DROPPED:] if oid.strip("0")}
    _copy(clone)
    lines = [f"update {sealed.REFS}/{clone.session}/{name} {oid}" for name, oid in _whole_ones(clone, dropped)]
    if lines:
        run(clone.git_dir, "update-ref", "--stdin", stdin="\n".join([*lines, ""]).encode())


def _value(clone: Clone, ref: str) -> str | None:
    code, said = run_code(clone.git_dir, "rev-parse", "--verify", "--quiet", ref, ok=(0, 1, 128))
    return said.strip() if code == 0 else None


def _kept(clone: Clone) -> dict[str, str]:
    """The clone's refs as they were when they were last brought."""
    above = f"{sealed.REFS}/{clone.session}/refs/"
    said = run(clone.git_dir, "for-each-ref", "--format=%(objectname) %(refname)", above)
    return {"refs/" + name.removeprefix(above): oid for oid, name in (line.split(" ", 1) for line in said.splitlines())}


def _whole_ones(clone: Clone, wanted: dict[str, str]) -> list[tuple[str, str]]:
    """Those of the refs whose commits could be brought; one that is broken does not keep the others back."""
    try:
        _take_over(clone, set(wanted.values()))
    except (GitFailed, NotWhole):
        good = []
        for name, oid in wanted.items():
            with suppress(GitFailed, NotWhole):
                _take_over(clone, {oid})
                good.append((name, oid))
        return good
    return list(wanted.items())


def _take_over(clone: Clone, tips: set[str]) -> None:
    """Pack what the user's store lacks of ``tips`` and let git check every object of it."""
    git_dir = clone.git_dir
    if not tips or _whole(git_dir, tips):
        return
    borrowed = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(clone.store)}
    with tempfile.TemporaryDirectory(prefix="bring-", dir=git_dir / "orchestrator") as folder:
        held = _newest(git_dir)
        asked = "\n".join([*sorted(tips), "--not", *held, ""]).encode()
        name = run(
            git_dir,
            *("pack-objects", "--revs", "--quiet", "--no-reuse-object", "--delta-base-offset", f"{folder}/new"),
            stdin=asked,
            env=borrowed,
            deadline_s=DEADLINE_S,
        ).strip()
        pack = Path(folder) / f"new-{name}.pack"
        pack.with_suffix(".idx").unlink(missing_ok=True)  # it says what the clone's own said
        count = int.from_bytes(pack.read_bytes()[8:12], "big")
        if count <= UNPACK_LIMIT:
            run(git_dir, "unpack-objects", "-q", "--strict", stdin=pack.read_bytes(), deadline_s=DEADLINE_S)
        else:
            checked = run(git_dir, "index-pack", "--strict", str(pack), deadline_s=DEADLINE_S).split()[-1]
            target = _objects(git_dir) / "pack" / f"pack-{checked}"
            target.parent.mkdir(exist_ok=True)
            for suffix in (".pack", ".idx"):  # the index last: a pack without one does not exist for git
                source = pack.with_suffix(suffix)
                source.chmod(0o444)
                source.replace(target.with_suffix(suffix))
    if not _whole(git_dir, tips):
        raise NotWhole(
            f"the commits of {clone.worktree} are not whole: objects are missing in its .git",
            "its files are kept by snapshots all the same; tell the agent to run: git fsck",
        )


def _newest(git_dir: Path) -> list[str]:
    words = (f"--count={HELD}", "--sort=-committerdate", "--format=%(objecttype) %(objectname) %(*objecttype)")
    rows = (line.split(" ") for line in run(git_dir, "for-each-ref", *words, "refs").splitlines())
    return [row[1] for row in rows if "commit" in (row[0], row[2])]


def _whole(git_dir: Path, tips: set[str]) -> bool:
    """The user's store holds everything that ``tips`` need beyond what refs hold already."""
    code, _ = run_code(
        git_dir,
        *("rev-list", "--objects", "--quiet", "--stdin", "--not", "--all"),
        stdin="\n".join([*sorted(tips), ""]).encode(),
        ok=(0, 1, 128),
        deadline_s=DEADLINE_S,
    )
    return code == 0


def _copy(clone: Clone) -> None:
    """Copy what our copy lacks of the clone's own objects."""
    target = clone.store
    total = 0
    for fan, is_folder in beneath.names(clone.worktree, ".git/objects"):
        if not is_folder or not (_FAN.match(fan) or fan == "pack"):
            continue
        known = _PACK if fan == "pack" else _LOOSE
        with beneath.folder(clone.worktree, f".git/objects/{fan}") as holder:
            if holder is None:
                continue
            for name, _ in beneath.names(clone.worktree, f".git/objects/{fan}"):
                if known.match(name) and not (target / fan / name).exists():
                    total += _copy_one(holder, name, target / fan / name)
                    if total > COPIED_LIMIT:
                        raise WorktreeError(
                            f"{clone.worktree} holds more than {COPIED_LIMIT >> 30} GiB of new objects",
                            "look what was committed there: git count-objects -vH",
                        )


def _copy_one(holder: int, name: str, target: Path) -> int:
    """Copy one regular file; returns its bytes. Anything else is left where it is."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=holder)
    except OSError:
        return 0  # packed away meanwhile, or a link
    with os.fdopen(descriptor, "rb") as source:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            return 0
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(target.name + ".new")
        with fresh.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        fresh.chmod(0o444)
        fresh.replace(target)
    return about.st_size


def _objects(git_dir: Path) -> Path:
    return Path(run(git_dir, "rev-parse", "--path-format=absolute", "--git-path", "objects").strip())


def _quoted(path: Path) -> str:
    """One path of a list that git parts at colons, unless they are in quotes."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
