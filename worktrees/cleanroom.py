"""The clean room: git on an agent's work, with nothing in it that an agent could have planted.

A linked worktree shares the user's ``.git``, so whoever works there can name programs that *our* git would run: hooks,
filters, merge and diff drivers, signers, monitors. So every repository gets a room in our own folder: a git directory
whose objects, refs and reflogs are links to the user's, and whose configuration and attributes are ours. Every checkout
gets a view in it, with a ``HEAD`` that follows the checkout's and an index of our own. :func:`run` takes the checkout's
path, like :func:`worktrees.git.run`, and runs git in the view.

::

    HOME/rooms/<repository>/             objects refs packed-refs logs shallow  → the user's
                            config       see roomconfig
                            views/<id>/  HEAD commondir index

The ``.git`` of a worktree belongs to the agent too: which repository a worktree of ours has is written down when it is
made (:func:`register`) and not asked of it again. The room is looked over before each use and made anew when it is not
as we left it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from worktrees import durable, git, locks, places
from worktrees.errors import NotARepository, NotOurs, WorktreeError
from worktrees.roomconfig import Recipe, Value, parse, recipe

_SHARED = ("objects", "refs", "packed-refs", "logs", "shallow")
NAME, EMAIL = "orchestrator", "orchestrator@localhost"
SEALED = "orchestrator-sealed.json"
"""In the folder that git knows a worktree by: its ``.git`` is a clone of its own (see :mod:`worktrees.sealed`)."""
_HEAD = re.compile(rb"(ref: refs/[^\0\n]{1,1000}|[0-9a-f]{40}|[0-9a-f]{64})\n?\Z")
_PATIENCE_S = git.DEADLINE_S
_ENV = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_EDITOR": ":",
    "GIT_ASKPASS": "true",
}


@dataclass(frozen=True)
class Room:
    """A repository as we see it. ``git_dir`` is the user's, ``folder`` ours."""

    git_dir: Path
    folder: Path
    recipe: Recipe
    stamps: tuple[tuple[str, tuple[int, ...]], ...]  # of the files that the recipe was made from


@dataclass(frozen=True)
class View:
    """A checkout as we see it. ``admin`` is its own git directory in the user's repository, ``folder`` ours."""

    room: Room
    path: Path
    admin: Path
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        return {**_ENV, "GIT_DIR": str(self.folder), "GIT_WORK_TREE": str(self.path)}


_rooms: dict[Path, Room] = {}
_places: dict[Path, tuple[tuple[int, ...], Path, Path]] = {}
_lock = threading.Lock()


def run(
    path: Path | str,
    *args: str,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    deadline_s: float = _PATIENCE_S,
    ok: tuple[int, ...] = (0,),
) -> str:
    """Run ``git args`` on the checkout or git directory at ``path``. Raises as :func:`worktrees.git.run` does."""
    return run_code(path, *args, env=env, stdin=stdin, deadline_s=deadline_s, ok=ok)[1]


def run_code(
    path: Path | str,
    *args: str,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    deadline_s: float = _PATIENCE_S,
    ok: tuple[int, ...] = (0,),
) -> tuple[int, str]:
    """Like :func:`run`, with the exit code."""
    seen = view(Path(path))
    return git.run_code(seen.path, *args, env={**seen.env, **(env or {})}, stdin=stdin, deadline_s=deadline_s, ok=ok)


def identity(path: Path) -> dict[str, str]:
    """Environment that lets a commit be made where the user has set no name; empty when there is one."""
    return {} if "[user]\n\temail" in view(path).room.recipe.text else signed()


def signed(at: int | None = None) -> dict[str, str]:
    """Environment under which commits of our own are made. ``at``: their time in seconds since 1970; now when None."""
    told = {"NAME": NAME, "EMAIL": EMAIL, **({} if at is None else {"DATE": f"@{at} +0000"})}
    return {f"GIT_{who}_{what}": text for who in ("AUTHOR", "COMMITTER") for what, text in told.items()}


def view(path: Path) -> View:
    """The view of the checkout at ``path``, ready for use."""
    git_dir, admin = _place(path)
    room = _room(git_dir)
    if admin != git_dir and (admin / SEALED).exists():
        from worktrees import sealed

        if (clone := sealed.of(path, git_dir, admin)) is not None:
            sealed.sync(clone)
    number = "main" if admin == git_dir else _digest(str(admin))
    folder = room.folder / "views" / number
    _furnish(room, admin, folder)
    return View(room, git_dir if path == git_dir else path, admin, folder)


def register(path: Path, git_dir: Path, admin: Path) -> None:
    """Write down whose worktree ``path`` is, before an agent comes near it."""
    state = path.stat()
    record = {"git_dir": str(git_dir), "admin": str(admin), "device": state.st_dev, "inode": state.st_ino}
    record["borrows"] = _alternates(git_dir)
    places.private(_record(path).parent)
    durable.write(_record(path), json.dumps(record))


def registered(path: Path) -> dict[str, str | int] | None:
    """What was written down about the worktree at ``path``: git_dir, admin, device and inode; None if nothing was."""
    try:
        found = json.loads(_record(path).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def borrows(path: Path) -> bool:
    """The repository takes objects from another store, and did not when the worktree at ``path`` was made."""
    known = registered(path)
    return known is not None and "borrows" in known and _alternates(Path(str(known["git_dir"]))) != known["borrows"]


def _alternates(git_dir: Path) -> str:
    name = git_dir / "objects" / "info" / "alternates"
    try:
        with open(name, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
            return hashlib.sha256(file.read(1 << 20)).hexdigest()
    except FileNotFoundError:
        return ""
    except OSError:
        return "unreadable"


def home_of(path: Path) -> Path | None:
    """The git directory that the worktree at ``path`` was made in, if that was written down and is still there."""
    known = registered(path)
    return Path(str(known["git_dir"])) if known is not None and Path(str(known["git_dir"])).is_dir() else None


def forget(path: Path) -> None:
    """The worktree at ``path`` is gone."""
    _record(path).unlink(missing_ok=True)
    with _lock:
        _places.pop(path, None)


def index_of(path: Path) -> Path:
    """The index of a checkout itself. Raises WorktreeError when it is no plain file: git would write where it leads."""
    seen = view(path)
    index = seen.admin / "index"
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(index.lstat().st_mode):
            raise WorktreeError(
                f"{index} is not a plain file", "something replaced git's index; remove it, then: git reset"
            )
    for part in seen.admin.glob("sharedindex.*"):
        _link(seen.folder / part.name, part)
    return index


def own_index(path: Path) -> dict[str, str]:
    """Environment that makes git use the checkout's own index, as :func:`index_of` finds it."""
    return {"GIT_INDEX_FILE": str(index_of(path))}


def set_head(path: Path, ref: str) -> None:
    """Let a checkout be on the branch ``ref``, as ``git symbolic-ref HEAD`` would; index and files stay."""
    head = view(path).admin / "HEAD"
    lock = head.with_name("HEAD.lock")
    try:
        handle = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    except FileExistsError:
        raise locks.refusal(lock) from None
    with os.fdopen(handle, "wb") as file:
        file.write(b"ref: " + os.fsencode(ref) + b"\n")
    lock.replace(head)


def _place(path: Path) -> tuple[Path, Path]:
    """The shared git directory of ``path``, and its own one."""
    known = registered(path)
    if known is not None and path.is_symlink():
        raise NotOurs(f"{path} is a link now, and no worktree", "look at what it leads to; nothing was touched")
    if known is not None:
        git_dir, admin = Path(str(known["git_dir"])), Path(str(known["admin"]))
        if git_dir.is_dir() and admin.is_dir():
            return git_dir, admin
    stamp = _stamp(path / ".git")
    with _lock:
        cached = _places.get(path)
    if cached is not None and cached[0] == stamp:
        return cached[1], cached[2]
    if not path.is_dir():
        raise NotARepository(f"the folder {path} is gone", "")
    code, said = git.run_code(
        path, "rev-parse", "--path-format=absolute", "--git-common-dir", "--absolute-git-dir", ok=(0, 128)
    )
    if code != 0:
        raise NotARepository(f"{path} is not in a git repository", "")
    common, own = said.splitlines()
    with _lock:
        _places[path] = stamp, Path(common), Path(own)
    return Path(common), Path(own)


def _room(git_dir: Path) -> Room:
    """The room of a repository: as we left it, or made anew."""
    with _lock:
        known = _rooms.get(git_dir)
        if known is None or any(_stamp(Path(name)) != stamp for name, stamp in known.stamps):
            known = _rooms[git_dir] = _read(git_dir)
    if known.recipe.unsupported:
        raise WorktreeError(
            f"{git_dir} uses {known.recipe.unsupported}, which is not supported", "clone it without that format"
        )
    if not _intact(known):
        with _lock:
            _build(known)
    return known


def _read(git_dir: Path) -> Room:
    """What the user's configuration says today. Reading it runs nothing."""
    said = git.run(
        Path("/"), "config", "--list", "-z", "--show-scope", "--show-origin", env={"GIT_DIR": str(git_dir)}
    ).split("\0")
    values: list[Value] = []
    sources = {str(git_dir / "config"), str(git_dir / "info" / "attributes"), "/etc/gitconfig"}
    home = os.environ.get("HOME", "")
    sources |= {f"{home}/.gitconfig", f"{os.environ.get('XDG_CONFIG_HOME') or home + '/.config'}/git/config"}
    for scope, origin, entry in zip(said[::3], said[1::3], said[2::3], strict=False):
        if origin.startswith("file:"):
            name = Path(origin.removeprefix("file:"))
            sources.add(str(name if name.is_absolute() else git_dir / name))
        if scope == "local" and not origin.endswith("/config") and origin != "file:config":
            continue  # an include of the repository's configuration
        values += parse(f"{scope}\0{entry}\0")
    return Room(
        git_dir,
        places.private(places.home() / "rooms" / _digest(os.path.realpath(git_dir))),
        recipe(values, str(git_dir / "lfs")),
        tuple((name, _stamp(Path(name))) for name in sorted(sources)),
    )


def _intact(room: Room) -> bool:
    try:
        return (
            (room.folder / "config").read_text() == room.recipe.text
            and all((room.folder / name).readlink() == room.git_dir / name for name in _SHARED)
            and [path.name for path in (room.folder / "info").iterdir()] == ["exclude"]
            and (room.folder / "info" / "exclude").readlink() == room.git_dir / "info" / "exclude"
        )
    except OSError:
        return False


def _build(room: Room) -> None:
    for name in ("info", "views"):
        places.private(room.folder / name)
    for stray in (room.folder / "info").iterdir():
        stray.unlink()
    for name in (*_SHARED, "info/exclude"):
        _link(room.folder / name, room.git_dir / name)
    _write(room.folder / "HEAD", b"ref: refs/heads/none\n")
    _write(room.folder / "config", room.recipe.text.encode("utf-8", "surrogateescape"))


def _furnish(room: Room, admin: Path, folder: Path) -> None:
    """Let the view's HEAD say what the checkout's says."""
    try:
        head = _head(admin)
    except OSError as error:
        raise WorktreeError(f"{admin / 'HEAD'} cannot be read: {error.strerror}", "see: git worktree list") from error
    try:
        if (folder / "HEAD").read_bytes() == head:
            return
    except OSError:
        places.private(folder)
        _write(folder / "commondir", b"../..\n")
    _write(folder / "HEAD", head)


def _head(admin: Path) -> bytes:
    """The text of a checkout's HEAD, never through a link or from anything but a file."""
    with suppress(OSError):
        return b"ref: " + os.fsencode(_symbolic(admin / "HEAD")) + b"\n"
    with open(admin / "HEAD", "rb", opener=_plainly) as file:
        text = file.read(1100)
    if not _HEAD.match(text):
        raise WorktreeError(f"{admin / 'HEAD'} is not what git writes", "see: git worktree list")
    return text


def _symbolic(head: Path) -> str:
    """A HEAD of old, which is a link to its branch."""
    target = str(head.readlink())
    if not target.startswith("refs/") or ".." in target:
        raise OSError("no branch")
    return target


def _plainly(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _link(place: Path, target: Path) -> None:
    with suppress(OSError):
        if place.readlink() == target:
            return
    fresh = place.with_name(f"{place.name}.{os.getpid()}.{threading.get_ident()}")
    fresh.symlink_to(target)
    fresh.replace(place)


def _write(path: Path, content: bytes) -> None:
    """Replace a file as a whole. What is lost in a power cut is made anew: no wait for the disk."""
    places.private(path.parent)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    fresh.write_bytes(content)
    fresh.replace(path)


def _record(path: Path) -> Path:
    return places.home() / "rooms" / "worktrees" / _digest(str(path.absolute()))


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, stat.S_IFMT(found.st_mode)


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:16]
