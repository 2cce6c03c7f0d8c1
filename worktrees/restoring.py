"""Brings a session's worktree back to a snapshot: all of it or one path, its branch too when asked.

What is there is kept as a snapshot first. Ignored files that the snapshot does not hold are left alone, links are never
followed, and nothing is touched when a file is in the way that no snapshot holds. A worktree whose folder was removed
by others is made again.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from worktrees import objects, operations, snapshots
from worktrees.changes import between, checked_out, shown
from worktrees.cleanroom import SEALED, own_index, run, run_code, set_head
from worktrees.errors import NotOurs, UnknownSnapshot, WorktreeError, WorktreeExists
from worktrees.git import run as plain
from worktrees.history import number
from worktrees.ignored import STATED, Limits
from worktrees.landing import refuse_worktree
from worktrees.models import Moment, Restoration, Snapshot
from worktrees.operations import Files, Kind, Move
from worktrees.repository import MADE, Repository


@dataclass(frozen=True)
class Wish:
    """What a human asked to have back. ``branch`` is the session's own."""

    session: str
    name: str
    branch: str
    to: Snapshot
    path: str | None = None
    head: bool = False
    limits: Limits = STATED


@dataclass(frozen=True)
class _Entry:
    """A path that differs between two trees; a mode of zeros: it is not there."""

    path: str
    old: str  # mode and object id
    new: str

    @property
    def gone(self) -> bool:
        return self.new.startswith("000000")


@dataclass(frozen=True)
class _Plan:
    found: Restoration
    wanted: str  # the tree that the worktree shall have
    entries: tuple[_Entry, ...]


def preview(repository: Repository, worktree: Path, wish: Wish) -> Restoration:
    """What :func:`restore` would do now. Writes nothing but objects that git collects again."""
    if not worktree.is_dir():
        changes, _ = between(repository.root, _empty(repository.root), wish.to.tree)
        return Restoration(to=wish.to, changes=changes, rebuilt=True, head_moves=wish.head)
    before = snapshots.tree_of(worktree, ignored=True, limits=wish.limits)
    return _planned(worktree, wish, before).found


def towards(wish: Wish, moment: Moment) -> Wish:
    """The same wish for another snapshot."""
    return replace(wish, to=moment.snapshot)


def default(repository: Repository, worktree: Path, wish: Wish, found: Sequence[Moment]) -> Wish:
    """``wish`` for the newest snapshot that would bring anything back. Raises UnknownSnapshot when there is none."""
    whole = [moment.snapshot for moment in reversed(found) if moment.snapshot.parent]
    if not worktree.is_dir() or not _head(worktree):
        if whole:
            return replace(wish, to=whole[0])
    else:
        now = snapshots.tree_of(worktree, ignored=True, limits=wish.limits)
        for moment in reversed(found):
            this = replace(wish, to=moment.snapshot)
            with suppress(UnknownSnapshot):  # it does not hold the path
                if moment.snapshot.tree != now and _planned(worktree, this, now).entries:
                    return this
    raise UnknownSnapshot(
        f"no snapshot of {wish.name} differs from what is there now", "see them: orchestrator snapshots " + wish.name
    )


def restore(repository: Repository, worktree: Path, wish: Wish) -> Restoration:
    """Do it, and return what was done; ``before`` holds what was there. Raises before anything is touched."""
    rebuilt = not worktree.is_dir()
    before: Snapshot | None = None
    if rebuilt:
        _rebuild(repository, worktree, wish)
        tree = _empty(worktree)
    else:
        reason = f"before restore of {number(wish.to)}"
        before = snapshots.take(worktree, wish.session, reason, ignored=True, limits=wish.limits)
        tree = before.tree
    plan = _planned(worktree, wish, tree)
    moves: tuple[Move, ...] = ()
    pins: tuple[str, ...] = ()
    if plan.found.head_moves:
        moves = (_move(repository, worktree, wish),)
        pins = _staged(worktree, plan.found.head_now, tree)
    after = _commit(worktree, plan.wanted, moves[0].after if moves else plan.found.head_now)
    operation = operations.planned(
        Kind.RESTORE,
        _what(wish, moves),
        session=wish.session,
        name=wish.name,
        moves=moves,
        files=(Files(path=worktree, before=before.commit if before else None, after=after),),
        pins=pins,
    )
    modes = _modes(worktree, plan)
    with operations.recorded(repository, operation):
        snapshots.bring(worktree, tree, plan.wanted, ignored=True, limits=wish.limits)
        _protect(repository, worktree, plan, modes)
        if moves:
            operations.move(repository, moves, "restore")
            set_head(worktree, moves[0].ref)
        if moves or rebuilt:
            run(worktree, "reset", "--quiet", env=own_index(worktree), ok=(0, 1), deadline_s=600)
    kept = snapshots.take(worktree, wish.session, f"restored {number(wish.to)}", ignored=True, limits=wish.limits)
    return plan.found.model_copy(update={"before": before, "after": kept, "rebuilt": rebuilt})


def path_in(worktree: Path, path: str) -> str | None:
    """``path`` as git names it, seen from the top of the worktree; None for all of it. Raises WorktreeError."""
    given = PurePosixPath(path)
    if given.is_absolute():
        try:
            given = PurePosixPath(
                Path(os.path.realpath(given.parent), given.name).relative_to(os.path.realpath(worktree))
            )
        except ValueError:
            given = PurePosixPath("..")
    if ".." in given.parts or ".git" in given.parts:
        raise WorktreeError(f"{path} is not in the worktree {worktree}", "name it as seen from the worktree's top")
    return str(given) if given.parts else None


def _planned(worktree: Path, wish: Wish, before: str) -> _Plan:
    path = path_in(worktree, wish.path) if wish.path is not None else None
    differing = list(_differing(worktree, before, wish.to.tree))
    left_alone: list[_Entry] = []
    if path is not None:
        code, _ = run_code(worktree, "rev-parse", "--verify", "--quiet", f"{wish.to.tree}:{path}", ok=(0, 1, 128))
        if code != 0:
            raise UnknownSnapshot(
                f"snapshot {number(wish.to)} does not hold {path}", f"see what it holds: git ls-tree -r {wish.to.ref}"
            )
        below, above = path + "/", [str(parent) for parent in PurePosixPath(path).parents]
        differing = [
            entry
            for entry in differing
            if entry.path == path or entry.path.startswith(below) or (entry.gone and entry.path in above)
        ]
    gone = [entry for entry in differing if entry.gone]
    if gone:
        ignored = _ignored(worktree, [entry.path for entry in gone])
        came = [entry.path for entry in differing if not entry.gone]
        left_alone = [entry for entry in gone if entry.path in ignored and not _in_the_way(entry.path, came)]
        differing = [entry for entry in differing if entry not in left_alone]
    wanted = _changed_tree(worktree, before, differing)
    changes, _ = between(worktree, before, wanted)
    head = _head(worktree)
    found = Restoration(
        to=wish.to,
        path=shown(path) if path is not None else None,
        changes=changes,
        left_alone=tuple(shown(entry.path) for entry in left_alone),
        branch=checked_out(worktree),
        head_now=head,
        head_moves=wish.head or not head,  # a branch that is gone can only come back
    )
    return _Plan(found, wanted, tuple(differing))


def _head(worktree: Path) -> str:
    """The commit that is checked out; empty when its branch is gone."""
    return run_code(worktree, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))[1].strip()


def _differing(worktree: Path, old: str, new: str) -> Iterator[_Entry]:
    fields = run(worktree, "diff-tree", "-r", "-z", "--raw", "--no-renames", old, new).split("\0")
    for about, path in zip(fields[::2], fields[1::2], strict=False):
        old_mode, new_mode, old_id, new_id, _status = about.removeprefix(":").split(" ")
        yield _Entry(path, f"{old_mode} {old_id}", f"{new_mode} {new_id}")


def _in_the_way(path: str, came: list[str]) -> bool:
    """A file that comes back needs the place of ``path``, or of a folder above it."""
    return any(other.startswith(path + "/") or path.startswith(other + "/") for other in came)


def _ignored(worktree: Path, paths: list[str]) -> set[str]:
    """Those of ``paths`` that git ignores and does not track."""
    asked = b"".join(b"./%s\0" % os.fsencode(path) for path in paths)  # a file may be called ":(top)"
    _, said = run_code(worktree, "check-ignore", "-z", "--stdin", stdin=asked, env=own_index(worktree), ok=(0, 1))
    return {path.removeprefix("./") for path in said.split("\0")}


def _changed_tree(worktree: Path, tree: str, entries: list[_Entry]) -> str:
    """``tree`` with the new side of ``entries``."""
    if not entries:
        return tree
    ordered = sorted(entries, key=lambda entry: not entry.gone)  # first make room
    fed = b"".join(b"%s\t%s\0" % (_line(entry).encode(), os.fsencode(entry.path)) for entry in ordered)
    with _empty_index() as env:
        run(worktree, "read-tree", tree, env=env)
        run(worktree, "update-index", "-z", "--index-info", env=env, stdin=fed)
        return run(worktree, "write-tree", env=env).strip()


def _line(entry: _Entry) -> str:
    mode, name = entry.new.split(" ")
    return f"0 {name}" if entry.gone else f"{mode} {name}"


@contextmanager
def _empty_index() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="orchestrator-index-") as folder:
        yield {"GIT_INDEX_FILE": str(Path(folder) / "index")}


def _empty(folder: Path) -> str:
    return run(folder, "mktree", stdin=b"").strip()


def _modes(worktree: Path, plan: _Plan) -> dict[str, int]:
    """Permissions of the files that will be written over."""
    modes = {}
    for entry in plan.entries:
        with suppress(OSError):
            status = (worktree / entry.path).lstat()
            if stat.S_ISREG(status.st_mode):
                modes[entry.path] = stat.S_IMODE(status.st_mode)
    return modes


def _protect(repository: Repository, worktree: Path, plan: _Plan, modes: dict[str, int]) -> None:
    """Git knows no permissions but the executable bit: an ignored file may hold a secret and was perhaps private.

    It gets those of the file it replaces, else of the main checkout's, else it is for its owner alone.
    """
    written = [entry.path for entry in plan.entries if not entry.gone]
    for name in _ignored(worktree, written) & set(written) if written else ():
        path, twin = worktree / name, repository.root / name
        if path.is_symlink() or not path.is_file():
            continue
        mode = modes.get(name)
        if mode is None:
            mode = stat.S_IMODE(twin.stat().st_mode) if twin.is_file() else stat.S_IMODE(path.stat().st_mode) & 0o700
        path.chmod(mode)


def _move(repository: Repository, worktree: Path, wish: Wish) -> Move:
    """The branch's way back to the snapshot's commit. Raises when it is not ours to move."""
    if not wish.to.parent:
        raise UnknownSnapshot(
            f"no commit was checked out when snapshot {number(wish.to)} was taken", "take an older one, or leave --head"
        )
    refuse_worktree(worktree)
    ref = f"refs/heads/{wish.branch}"
    has = repository.has_branch(wish.branch)
    if has and run_code(repository.root, "show-ref", "--verify", "--quiet", MADE + wish.branch, ok=(0, 1))[0] != 0:
        raise NotOurs(f"the branch {wish.branch} was not made by us", "move it yourself: git branch -f")
    for other in repository.worktrees():
        if other.branch == wish.branch and os.path.realpath(other.path) != os.path.realpath(worktree):
            raise NotOurs(f"{wish.branch} is checked out in {other.path}", "check something else out there first")
    return Move(ref=ref, before=repository.resolve(ref) if has else None, after=wish.to.parent)


def _staged(worktree: Path, head: str, files: str) -> tuple[str, ...]:
    """What is staged, as a commit, when neither HEAD nor the files hold it: the branch's move unstages it."""
    tree = run(worktree, "write-tree", env=own_index(worktree)).strip()
    held = run(worktree, "rev-parse", f"{head}^{{tree}}").strip() if head else ""
    return () if tree in (held, files) else (_commit(worktree, tree, head),)


def _commit(worktree: Path, tree: str, parent: str | None) -> str:
    return objects.commit(worktree, tree, (parent,) if parent else (), "orchestrator: restore\n")


def _what(wish: Wish, moves: tuple[Move, ...]) -> str:
    what = f"restored {shown(wish.path) if wish.path else wish.name} to snapshot {number(wish.to)}"
    return f"{what}, {wish.branch} to {moves[0].after[:10] if moves[0].after else ''}" if moves else what


def _rebuild(repository: Repository, worktree: Path, wish: Wish) -> None:
    """Make the folder of a worktree again that was removed by others; its files come from the snapshot.

    Where git still knows the worktree its HEAD, index and reflog are taken up as they were.
    """
    if worktree.is_symlink() or worktree.exists():
        raise WorktreeExists(f"{worktree} is there, but is no folder", "move it away, then try again")
    with repository.registration():
        known = next((folder for folder in _registered(repository) if _leads_to(folder, worktree)), None)
        worktree.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if known is not None:
            worktree.mkdir()
            (known / SEALED).unlink(missing_ok=True)  # its clone went with the folder; the next start seals it anew
            (worktree / ".git").write_text(f"gitdir: {known}\n")
            repository.register(worktree)
            return
        if not repository.has_branch(wish.branch):
            tip = wish.to.parent or wish.to.commit
            run(repository.root, "update-ref", "-m", "orchestrator: restore", f"refs/heads/{wish.branch}", tip, "")
        plain(repository.root, "worktree", "add", "--no-checkout", "--", str(worktree), wish.branch)
        repository.register(worktree)


def _registered(repository: Repository) -> list[Path]:
    folder = repository.git_dir / "worktrees"
    return [path for path in folder.iterdir() if (path / "gitdir").is_file()] if folder.is_dir() else []


def _leads_to(folder: Path, worktree: Path) -> bool:
    return os.path.realpath((folder / "gitdir").read_text().strip()) == os.path.realpath(worktree / ".git")
