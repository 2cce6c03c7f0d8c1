"""A sealed worktree: its ``.git`` is a clone that borrows the repository's objects. Nothing done to it reaches yours.

It begins as a linked worktree, registered like any other; then the file ``.git`` in it is replaced by a repository of
its own (:func:`seal`): ``git clone --shared`` in effect, made by hand, without template, hooks or the repository's own
configuration but who commits and how files are written. The clone is the agent's, who may plant anything in it. Git
never runs with it as its repository. What it says of itself is read as plain files, none of them through a link
(:mod:`worktrees.beneath`); its objects are checked and brought into the user's store (:mod:`worktrees.bringing`).

HEAD, index and branch of the linked worktree follow the clone's, and the other way round where we moved them, at every
view of the worktree (:func:`sync`). So everything else works on a sealed worktree as it does on any other, in the clean
room. :func:`unseal` makes it a linked one again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worktrees import beneath, cleanroom, cloning, durable
from worktrees.cleanroom import run, run_code
from worktrees.errors import WorktreeError

RECORD = cleanroom.SEALED
REFS = "refs/orchestrator/sealed"
REFS_READ = 500
"""Refs of a clone that are brought along; of one with more the first ones by name."""
MARKS = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG", "rebase-merge", "rebase-apply")
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_REF = re.compile(r"refs/(?!remotes/)[A-Za-z0-9._/+@=,%-]{1,200}\Z")
_locks: dict[Path, threading.RLock] = {}
_seen: dict[Path, tuple[object, ...]] = {}


@dataclass(frozen=True)
class Clone:
    """A sealed worktree as we wrote it down. ``admin``: its folder in the user's ``git_dir``, which git knows it by."""

    worktree: Path
    git_dir: Path
    admin: Path
    branch: str
    session: str

    @property
    def ref(self) -> str:
        return f"refs/heads/{self.branch}"

    @property
    def tip_ref(self) -> str:
        """What both sides agreed on last of the branch."""
        return f"{REFS}/{self.session}/tip"

    @property
    def store(self) -> Path:
        """Our copy of the clone's own objects."""
        return self.git_dir / "orchestrator" / "sealed" / self.session


@dataclass(frozen=True)
class State:
    """What the clone's ``.git`` says: what HEAD names (a ref or a commit; "" when it makes no sense), every ref."""

    head: str
    refs: dict[str, str]

    @property
    def commit(self) -> str | None:
        return self.head if _OID.match(self.head) else self.refs.get(self.head)


def find(worktree: Path) -> Clone | None:
    """What was written down of a sealed worktree; None for any other."""
    known = cleanroom.registered(worktree)
    return None if known is None else of(worktree, Path(str(known["git_dir"])), Path(str(known["admin"])))


def of(worktree: Path, git_dir: Path, admin: Path) -> Clone | None:
    """Like :func:`find`, of a worktree whose place is known."""
    record = _record(admin)
    if not record:
        return None
    return Clone(worktree, git_dir, admin, str(record["branch"]), str(record["session"]))


def seal(worktree: Path, session: str) -> Clone:
    """Give a linked worktree in which nobody works a ``.git`` of its own. One that has it already keeps it."""
    if (known := find(worktree)) is not None and (worktree / ".git").is_dir():
        return known
    seen = cleanroom.view(worktree)
    git_dir, admin = seen.room.git_dir, seen.admin
    head = run(worktree, "symbolic-ref", "HEAD").strip()
    tip = run(worktree, "rev-parse", "HEAD").strip()
    clone = Clone(worktree, git_dir, admin, head.removeprefix("refs/heads/"), session)
    fresh = admin / "sealed.new"
    shutil.rmtree(fresh, ignore_errors=True)
    cloning.make(clone, fresh, tip)
    run(git_dir, "update-ref", clone.tip_ref, tip)
    clone.store.mkdir(parents=True, exist_ok=True)
    _write_record(clone, head=head, admin_head=head)
    (worktree / ".git").unlink(missing_ok=True)  # a file that says where `admin` is: unseal writes it again
    shutil.move(fresh, worktree / ".git")
    return clone


def unseal(worktree: Path) -> None:
    """Make it a linked worktree again, once nothing runs in it; everything that the clone held was brought before."""
    from worktrees import bringing

    clone = find(worktree)
    if clone is None:
        return
    with _lock(worktree):
        sync(clone)
        bringing.pin_dropped(clone)
        old = clone.admin / "sealed.old"
        shutil.rmtree(old, ignore_errors=True)
        if os.path.lexists(worktree / ".git"):
            (worktree / ".git").rename(old) if _same_device(worktree, clone.admin) else _take_away(worktree)
        (worktree / ".git").write_text(f"gitdir: {clone.admin}\n")
        (clone.admin / RECORD).unlink(missing_ok=True)
        _seen.pop(worktree, None)
        for name in MARKS:
            mark = clone.admin / name
            if mark.is_file() and mark.stat().st_size == 0:
                mark.unlink()
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(clone.store, ignore_errors=True)


def trouble(worktree: Path) -> str:
    """Why the clone cannot be followed; "" when it can, or is none."""
    clone = find(worktree)
    if clone is None:
        return ""
    cleanroom.view(worktree)
    return str(_record(clone.admin).get("trouble", ""))


def sync(clone: Clone) -> None:
    """Let both sides say the same, each where only the other one moved. Costs a few file reads when nobody did."""
    from worktrees import bringing

    with _lock(clone.worktree):
        now = state(clone)
        marks = tuple(name for name in MARKS if _is_there(clone.worktree / ".git" / name))
        seen = (now.head, now.refs, marks, _stamps(clone), _text(clone.admin / "HEAD"), _value(clone))
        if _seen.get(clone.worktree) == seen:
            return
        record = _record(clone.admin)
        said, held = "", False
        try:
            said = bringing.bring(clone, now)
        except beneath.Locked as error:  # the agent's git is at work: told at the next view
            said, held = error.message, True
        _sync_index(clone, record)
        _sync_head(clone, record, now, apart=bool(said) and not held)
        for name in MARKS:
            mark = clone.admin / name
            if name in marks and not mark.exists():
                mark.touch()
            elif name not in marks and mark.is_file() and mark.stat().st_size == 0:
                mark.unlink()
        record["trouble"] = said
        _save(clone, record)
        if held:
            return
        _seen[clone.worktree] = (now.head, now.refs, marks, _stamps(clone), _text(clone.admin / "HEAD"), _value(clone))


def state(clone: Clone) -> State:
    """What the clone says now, read as plain files."""
    said = (beneath.read(clone.worktree, ".git/HEAD", 4096) or b"").decode("utf-8", "replace").strip()
    refs = _refs(clone.worktree)
    name = said.removeprefix("ref:").strip() if said.startswith("ref:") else ""
    return State(said if _OID.match(said) else name if _REF.match(name) else "", refs)


def _refs(worktree: Path) -> dict[str, str]:
    """Every ref but those of remotes. Loose ones win over packed ones."""
    found: dict[str, str] = {}
    for line in (beneath.read(worktree, ".git/packed-refs") or b"").decode("utf-8", "replace").splitlines():
        oid, _, name = line.partition(" ")
        if _OID.match(oid) and _REF.match(name):
            found[name] = oid
    waiting = ["refs"]
    looked = 0
    while waiting and looked < 4 * REFS_READ:
        above = waiting.pop()
        for name, is_folder in beneath.names(worktree, f".git/{above}"):
            looked += 1
            whole = f"{above}/{name}"
            if is_folder and whole != "refs/remotes":
                waiting.append(whole)
            elif _REF.match(whole):
                oid = (beneath.read(worktree, f".git/{whole}", 4096) or b"").decode("ascii", "replace").strip()
                if _OID.match(oid):
                    found[whole] = oid
    return found


def _sync_index(clone: Clone, record: dict[str, Any]) -> None:
    """The index of the side that changed it; the clone's when both did, as that of whoever is at work."""
    theirs, ours = _stamps(clone)
    before = tuple(tuple(stamp) for stamp in record.get("index", ((), ())))
    own = clone.admin / "index"
    if theirs and (theirs != before[0] or not ours):
        content = beneath.read(clone.worktree, ".git/index", beneath.INDEX_LIMIT)
        if content is not None:
            durable.write(own, content)
            os.utime(own, ns=(theirs[2], theirs[2]))
    elif ours and ours != before[1]:
        with suppress(beneath.Locked):  # the agent's git is at work: it will be told at the next view
            beneath.write(clone.worktree, ".git/index", own.read_bytes(), lock=True, time_ns=ours[2])
    record["index"] = _stamps(clone)


def _sync_head(clone: Clone, record: dict[str, Any], now: State, *, apart: bool) -> None:
    """What is checked out. Another branch than the session's own is a detached HEAD on our side: it is the clone's."""
    ours = _head(clone.admin)
    if now.head == record.get("head") and ours not in ("", record.get("admin_head")):
        with suppress(beneath.Locked):
            text = f"ref: {ours}\n" if ours.startswith("refs/") else f"{ours}\n"
            beneath.write(clone.worktree, ".git/HEAD", text.encode(), lock=True)
            record["head"] = record["admin_head"] = ours
        return
    wanted = clone.ref
    if now.commit is not None and (now.head != clone.ref or apart):
        code, _ = run_code(clone.git_dir, "cat-file", "-e", f"{now.commit}^{{commit}}", ok=(0, 1, 128))
        wanted = now.commit if code == 0 else clone.ref
    if wanted != ours:
        durable.write(clone.admin / "HEAD", (f"ref: {wanted}\n" if wanted == clone.ref else f"{wanted}\n").encode())
    record["head"], record["admin_head"] = now.head, wanted


def _lock(worktree: Path) -> threading.RLock:
    return _locks.setdefault(worktree, threading.RLock())


def _head(admin: Path) -> str:
    return _text(admin / "HEAD").removeprefix("ref: ")


def _value(clone: Clone) -> str:
    """What stands for the user's branch of that name, without asking git."""
    return _text(clone.git_dir / clone.ref) or str(_stamp(clone.git_dir / "packed-refs"))


def _stamps(clone: Clone) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return _stamp(clone.worktree / ".git" / "index"), _stamp(clone.admin / "index")


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        about = path.lstat()
    except OSError:
        return ()
    return (about.st_ino, about.st_size, about.st_mtime_ns) if stat.S_ISREG(about.st_mode) else ()


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _record(admin: Path) -> dict[str, Any]:
    path = admin / RECORD
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WorktreeError(f"{path} cannot be read: {error}", "it tells whose clone the worktree is") from error
    return dict(found)


def _write_record(clone: Clone, **more: object) -> None:
    _save(clone, {"branch": clone.branch, "session": clone.session, "index": _stamps(clone), **more})


def _save(clone: Clone, record: dict[str, Any]) -> None:
    durable.write(clone.admin / RECORD, (json.dumps(record, indent=1) + "\n").encode())


def _same_device(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def _take_away(worktree: Path) -> None:
    own = worktree / ".git"
    shutil.rmtree(own) if own.is_dir() and not own.is_symlink() else own.unlink()
