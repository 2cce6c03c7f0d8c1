"""What an agent can plant, and how plain git is made to run it."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.worktrees.attacks.world import World


@dataclass(frozen=True)
class Vector:
    """``plant`` lays the trap, ``fire`` makes plain git step into it."""

    name: str
    plant: Callable[[World], None]
    fire: Callable[[World], object]
    refused: frozenset[str] = frozenset()  # steps that we rightly refuse then, by name


def _look(world: World) -> None:
    world.git(world.twin, "status")


def _add(world: World) -> None:
    world.work(world.twin, "twin")
    world.git(world.twin, "add", "-A")


def _commit(world: World) -> None:
    _add(world)
    world.git(world.twin, "commit", "-m", "Twin")


def _merge(world: World) -> None:
    world.git(world.twin, "merge", "--no-ff", "--no-edit", "main")


def _merge_cleanly(world: World) -> None:
    world.git(world.twin, "merge", "--no-ff", "--no-edit", "-X", "ours", "main")


def _diff(world: World) -> None:
    world.work(world.twin, "twin")
    world.git(world.twin, "diff", "HEAD")


def _checkout(world: World) -> None:
    (world.twin / "a.evil").unlink()
    world.git(world.twin, "checkout", "-f", "HEAD")


def _hook(name: str, fire: Callable[[World], object]) -> Vector:
    return Vector(f"hook {name}", lambda w: w.hook(w.shared / "hooks", name), fire)


def _config(name: str, fire: Callable[[World], object], *pairs: str, refused: frozenset[str] = frozenset()) -> Vector:
    """A vector in the repository's configuration; ``TRAP`` stands for the trap's path."""
    return Vector(name, lambda w: w.config(*(pair.replace("TRAP", str(w.trap)) for pair in pairs)), fire, refused)


def _included(world: World, key: str) -> None:
    extra = world.shared / "extra"
    world.config(f"core.fsmonitor={world.trap}", file=extra)
    world.config(f"{key}={extra}")


def _worktree_config(world: World, *pairs: str) -> None:
    world.config("extensions.worktreeConfig=true")
    for worktree in world.both:
        world.config(
            *(pair.replace("TRAP", str(world.trap)) for pair in pairs), file=world.admin(worktree) / "config.worktree"
        )


def _attributes(world: World) -> None:
    (world.shared / "info").mkdir(exist_ok=True)
    (world.shared / "info" / "attributes").write_text("* filter=other diff=other merge=other\n")
    world.config(f"merge.other.driver={world.trap}")


def _attributes_file(world: World) -> None:
    (world.tmp / "attributes").write_text("* filter=other\n")
    world.config(f"core.attributesFile={world.tmp / 'attributes'}", f"filter.other.clean={world.trap}")


def _evil_git_dir(world: World, folder: Path) -> None:
    """A git directory of the agent's own, with a program in its configuration."""
    world.git(world.tmp, "init", "-q", str(folder))
    world.config(f"core.fsmonitor={world.trap}", file=folder / ".git" / "config")


def _git_is_a_folder(world: World) -> None:
    for worktree in world.both:
        _evil_git_dir(world, world.tmp / f"evil-{worktree.name}")
        (worktree / ".git").unlink()
        (world.tmp / f"evil-{worktree.name}" / ".git").rename(worktree / ".git")


def _git_leads_elsewhere(world: World) -> None:
    for worktree in world.both:
        _evil_git_dir(world, world.tmp / f"evil-{worktree.name}")
        (worktree / ".git").write_text(f"gitdir: {world.tmp}/evil-{worktree.name}/.git\n")


def _git_is_a_link(world: World) -> None:
    for worktree in world.both:
        _evil_git_dir(world, world.tmp / f"evil-{worktree.name}")
        (worktree / ".git").unlink()
        (worktree / ".git").symlink_to(world.tmp / f"evil-{worktree.name}" / ".git")


def _commondir(world: World) -> None:
    for worktree in world.both:
        evil = world.tmp / f"evil-{worktree.name}"
        _evil_git_dir(world, evil)
        (world.admin(worktree) / "commondir").write_text(f"{evil}/.git\n")


def _nested(world: World, *pairs: str) -> None:
    """A repository inside the worktree, recorded as a submodule is, with a program in its configuration."""
    for worktree in world.both:
        inner = worktree / "inner"
        world.git(worktree, "init", "-q", "inner")
        (inner / "f.evil").write_text("x\n")
        (inner / ".gitattributes").write_text("*.evil filter=evil\n")
        world.git(inner, "add", "-A")
        world.git(inner, "commit", "-q", "-m", "Inner")
        world.config(*(pair.replace("TRAP", str(world.trap)) for pair in pairs), file=inner / ".git" / "config")
        world.git(worktree, "add", "inner")
        world.git(worktree, "commit", "-q", "-m", "Inner")
        (inner / "f.evil").write_text("y\n")


def _look_at_nested(world: World) -> None:
    world.git(world.twin, "add", "inner")
    os.utime(world.twin / "inner" / "f.evil", (0, 0))
    world.git(world.twin, "status")


def _submodule(world: World) -> None:
    world.git(world.tmp, "init", "-q", "part")
    (world.tmp / "part" / "f").write_text("x")
    world.git(world.tmp / "part", "add", "-A")
    world.git(world.tmp / "part", "commit", "-q", "-m", "Part")
    for worktree in world.both:
        world.git(
            worktree, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(world.tmp / "part"), "sub"
        )
        world.git(worktree, "commit", "-q", "-m", "Sub")
    world.config(f"submodule.sub.update=!{world.trap}", "submodule.sub.active=true", "submodule.recurse=true")


def _update_submodule(world: World) -> None:
    world.git(world.twin / "sub", "checkout", "-q", "--orphan", "else")
    world.git(world.twin / "sub", "commit", "-q", "-m", "Else")
    world.git(world.twin, "submodule", "update")


def _on_terminal(world: World, *words: str) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(["git", *words], cwd=world.twin, stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    process.wait(30)
    os.close(leader)


def _promised(world: World) -> None:
    """Objects that are not there and would be fetched, by a program."""
    world.config(
        "core.repositoryFormatVersion=1",
        "extensions.partialClone=evil",
        "remote.evil.promisor=true",
        f"remote.evil.url=ext::{world.trap} %S",
        "protocol.ext.allow=always",
    )


def _much_to_collect(world: World) -> None:
    """Enough loose objects, by git's way of guessing (it counts one of 256 folders)."""
    world.hook(world.shared / "hooks", "pre-auto-gc")
    (world.shared / "objects" / "17").mkdir(exist_ok=True)
    for number in range(3):
        (world.shared / "objects" / "17" / f"{number:038x}").touch()


def _collect(world: World) -> None:
    world.git(world.twin, "-c", "gc.auto=1", "-c", "gc.autoDetach=false", "gc", "--auto")


def _alternate_refs(world: World) -> None:
    world.git(world.tmp, "init", "-q", "--bare", "other.git")
    (world.shared / "objects" / "info").mkdir(exist_ok=True)
    (world.shared / "objects" / "info" / "alternates").write_text(f"{world.tmp}/other.git/objects\n")
    world.config(f"core.alternateRefsCommand={world.trap}")


def _signed(world: World) -> None:
    """A commit that claims to be signed, so that looking at it asks the program."""
    world.config(f"gpg.program={world.trap}", "log.showSignature=true")
    for worktree in world.both:
        text = world.git(worktree, "cat-file", "commit", "HEAD")
        head, _, message = text.partition("\n\n")
        signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
        made = world.git(
            worktree, "hash-object", "-t", "commit", "-w", "--stdin", fed=f"{head}\n{signature}\n\n{message}"
        )
        branch = world.shared / "refs" / "heads" / "agent" / worktree.name
        branch.write_text(made)


REMOVE = frozenset({"remove"})  # a repository inside would be lost
LANDS = frozenset(
    {
        *("land by squash", "land by merge", "land by fast-forward"),
        *("update from the target", "update by fast-forward", "undo"),
    }
)
"""Without the filter the files would land mangled."""
CLEAN = ("filter.evil.clean=TRAP", "filter.evil.required=true")
VECTORS = (
    _hook("post-checkout", _checkout),
    _hook("pre-commit", _commit),
    _hook("prepare-commit-msg", _commit),
    _hook("commit-msg", _commit),
    _hook("post-commit", _commit),
    _hook("pre-merge-commit", _merge_cleanly),
    _hook("post-merge", _merge_cleanly),
    _hook("reference-transaction", _commit),
    _hook("post-index-change", _add),
    _hook("post-rewrite", lambda w: w.git(w.twin, "commit", "--amend", "--allow-empty", "-m", "Twin")),
    _hook("pre-rebase", lambda w: w.git(w.twin, "rebase", "main")),
    Vector("hook pre-auto-gc", _much_to_collect, _collect),
    Vector(
        "core.hooksPath", lambda w: (w.hook(w.tmp / "h", "post-commit"), w.config(f"core.hooksPath={w.tmp}/h")), _commit
    ),
    Vector(
        "core.hooksPath of the worktree",
        lambda w: (w.hook(w.tmp / "h", "post-commit"), _worktree_config(w, f"core.hooksPath={w.tmp}/h")),
        _commit,
    ),
    _config("core.fsmonitor", _look, "core.fsmonitor=TRAP"),
    Vector("core.fsmonitor of the worktree", lambda w: _worktree_config(w, "core.fsmonitor=TRAP"), _look),
    Vector("include.path", lambda w: _included(w, "include.path"), _look),
    Vector("includeIf", lambda w: _included(w, "includeIf.gitdir:/**.path"), _look),
    _config("clean filter", _add, *CLEAN, refused=LANDS),
    _config("smudge filter", _checkout, "filter.evil.smudge=TRAP", refused=LANDS),
    _config("filter process", _add, "filter.evil.process=TRAP", refused=LANDS),
    Vector("clean filter of the worktree", lambda w: _worktree_config(w, *CLEAN), _add),
    Vector("core.attributesFile", _attributes_file, _add),
    _config("textconv", _diff, "diff.evil.textconv=TRAP"),
    _config("diff command", _diff, "diff.evil.command=TRAP"),
    _config("diff.external", _diff, "diff.external=TRAP"),
    _config("merge driver", _merge, "merge.evil.driver=TRAP %A"),
    Vector("merge driver by info/attributes", _attributes, _merge),
    _config("merge driver for everything", _merge, "merge.default=evil", "merge.evil.driver=TRAP %A"),
    _config("gpg.program", _commit, "gpg.program=TRAP", "commit.gpgSign=true", "user.signingKey=x"),
    _config(
        "gpg.ssh.program", _commit, "gpg.format=ssh", "gpg.ssh.program=TRAP", "commit.gpgSign=true", "user.signingKey=x"
    ),
    _config(
        "gpg.ssh.defaultKeyCommand", _commit, "gpg.format=ssh", "gpg.ssh.defaultKeyCommand=TRAP", "commit.gpgSign=true"
    ),
    Vector("log.showSignature", _signed, lambda w: w.git(w.twin, "log", "-1")),
    _config("core.editor", lambda w: w.git(w.twin, "commit", "--allow-empty"), "core.editor=TRAP"),
    _config("sequence.editor", lambda w: w.git(w.twin, "rebase", "-i", "HEAD~1"), "sequence.editor=TRAP"),
    _config("core.pager", lambda w: _on_terminal(w, "log"), "core.pager=TRAP"),
    _config("pager of a command", lambda w: _on_terminal(w, "status"), "pager.status=TRAP"),
    _config("alias", lambda w: w.git(w.twin, "st"), "alias.st=!TRAP"),
    _config("core.sshCommand", lambda w: w.git(w.twin, "fetch", "ssh://localhost/x"), "core.sshCommand=TRAP"),
    _config("core.gitProxy", lambda w: w.git(w.twin, "fetch", "git://127.0.0.1/x"), "core.gitProxy=TRAP"),
    _config("remote.uploadpack", lambda w: w.git(w.twin, "fetch", "o"), "remote.o.url=.", "remote.o.uploadpack=TRAP"),
    Vector("promised objects", _promised, lambda w: w.git(w.twin, "cat-file", "-p", "1" * 40)),
    _config(
        "credential.helper",
        lambda w: w.git(w.twin, "credential", "fill", env={"GIT_TERMINAL_PROMPT": "0"}, fed="protocol=https\nhost=h\n"),
        "credential.helper=!TRAP",
    ),
    _config(
        "core.askPass",
        lambda w: w.git(w.twin, "credential", "fill", fed="protocol=https\nhost=h\nusername=u\n"),
        "core.askPass=TRAP",
    ),
    Vector("submodule update", _submodule, _update_submodule),
    Vector("monitor of a nested repository", lambda w: _nested(w, "core.fsmonitor=TRAP"), _look_at_nested, REMOVE),
    Vector("filter of a nested repository", lambda w: _nested(w, *CLEAN), _look_at_nested, REMOVE),
    Vector("core.alternateRefsCommand", _alternate_refs, lambda w: w.git(w.twin, "rev-list", "--alternate-refs")),
    _config(
        "trailer command",
        lambda w: w.git(w.twin, "interpret-trailers", "--trailer", "x=1", fed="S\n\nb\n"),
        "trailer.x.key=X",
        "trailer.x.command=TRAP",
    ),
    Vector(".git replaced by a folder", _git_is_a_folder, _look, REMOVE),
    Vector(".git leads elsewhere", _git_leads_elsewhere, _look),
    Vector(".git is a link", _git_is_a_link, _look),
    Vector("commondir leads elsewhere", _commondir, _look),
)
ENVIRONMENT: dict[str, tuple[dict[str, str], Callable[[World], object]]] = {
    "GIT_EXTERNAL_DIFF": ({"GIT_EXTERNAL_DIFF": "TRAP"}, _diff),
    "GIT_CONFIG_COUNT": (
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": "TRAP"},
        _look,
    ),
    "GIT_CONFIG_PARAMETERS": ({"GIT_CONFIG_PARAMETERS": "'core.fsmonitor=TRAP'"}, _look),
    "GIT_TRACE": ({"GIT_TRACE": "MARK"}, _look),
    "GIT_TRACE2_EVENT": ({"GIT_TRACE2_EVENT": "MARK"}, _look),
}
"""Variables of whoever starts us. ``TRAP`` and ``MARK`` stand for the paths of the trap and its mark."""
