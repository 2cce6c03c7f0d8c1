"""Makes the repository that a sealed worktree gets for its own."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from worktrees import beneath
from worktrees.cleanroom import run, run_code

if TYPE_CHECKING:
    from worktrees.sealed import Clone

_COPIED = (
    *("user.name", "user.email", "core.autocrlf", "core.eol", "core.safecrlf", "core.filemode", "core.symlinks"),
    *("core.ignorecase", "core.precomposeunicode", "core.longpaths", "i18n.commitencoding"),
)


def make(clone: Clone, fresh: Path, tip: str) -> None:
    """A repository at ``fresh`` that is to become the worktree's ``.git``. All of it is still ours."""
    git_dir = clone.git_dir
    form = run(git_dir, "rev-parse", "--show-object-format").strip()
    at = {"GIT_DIR": str(fresh), "GIT_WORK_TREE": str(clone.worktree)}
    words = ("--quiet", "--template=", f"--object-format={form}", f"--initial-branch={clone.branch}")
    run(git_dir, "init", *words, env=at)
    for name in ("objects/info", "info"):
        (fresh / name).mkdir(exist_ok=True)
    (fresh / "objects" / "info" / "alternates").write_text(_quoted(git_dir / "objects") + "\n")
    for name in ("shallow", "info/exclude"):
        with suppress(FileNotFoundError):
            shutil.copyfile(git_dir / name, fresh / name)
    beneath.write(fresh, clone.ref, f"{tip}\n".encode())
    beneath.write(fresh, "packed-refs", _packed(git_dir).encode())
    for key in _COPIED:
        code, value = run_code(git_dir, "config", "--get", key, ok=(0, 1))
        if code == 0:
            run(git_dir, "config", key, value.rstrip("\n"), env=at)
    nowhere = "nowhere: a sealed session does not push; what it commits is merged by whoever runs it"
    remote = {"url": str(git_dir), "fetch": "+refs/heads/*:refs/remotes/origin/*", "pushurl": nowhere}
    for key, value in {**{f"remote.origin.{name}": value for name, value in remote.items()}, "gc.auto": "0"}.items():
        run(git_dir, "config", key, value, env=at)
    run(git_dir, "config", "core.bare", "false", env=at)
    run(git_dir, "config", "--unset", "core.worktree", env=at, ok=(0, 5))
    index = clone.admin / "index"
    if index.exists():
        shutil.copy2(index, fresh / "index")


def _packed(git_dir: Path) -> str:
    """The user's branches as those of a remote, and the tags. Not the branches of other sessions."""
    made = set(run(git_dir, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/orchestrator/made").splitlines())
    found = {}
    for line in run(
        git_dir, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"
    ).splitlines():
        oid, name = line.split(" ", 1)
        branch = name.removeprefix("refs/heads/")
        if branch == name:
            found[name] = oid
        elif branch not in made:
            found[f"refs/remotes/origin/{branch}"] = oid
    return "".join(["# pack-refs with: sorted \n", *(f"{oid} {name}\n" for name, oid in sorted(found.items()))])


def _quoted(path: Path) -> str:
    """A line of ``objects/info/alternates``, where git reads C quotes."""
    text = str(path)
    if "\n" in text or text.startswith(('"', "#")):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return text
