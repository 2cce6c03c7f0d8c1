"""A branch goes to its remote: on demand only, never by force, and written down before.

Git pushes from the clean room: with the user's own configuration (credential helpers, ssh command), but without that of
the repository, which an agent can write, and without its hooks. Of the repository only the remote's address is taken.
``own_config`` pushes as the user's own ``git push`` would, hooks included.

A push that was cut off is settled by asking the remote, which alone knows whether it happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from worktrees import cleanroom, git, operations
from worktrees.ancestry import is_ancestor
from worktrees.changes import shown
from worktrees.errors import GitFailed, WorktreeError
from worktrees.faultpoints import point
from worktrees.models import Push
from worktrees.operations import Kind, Operation, State
from worktrees.repository import Repository

REMOTE = "origin"
PUSH_S = 300.0
ASK_S = 20.0
_PROTOCOLS = "file:git:http:https:ssh"
_ROOM_ONLY = ("GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL", "GIT_ALLOW_PROTOCOL", "GIT_ASKPASS")


def remote_url(repository: Repository) -> str:
    """Where a push goes. Raises WorktreeError without a remote."""
    for key in ("pushurl", "url"):
        code, said = git.run_code(repository.root, "config", "--get", f"remote.{REMOTE}.{key}", ok=(0, 1))
        if code == 0 and said.strip():
            url = said.strip()
            if url.startswith("-") or not url.isprintable():
                raise WorktreeError(f"the address of {REMOTE} is none: {shown(url)[:100]}", "see: git remote -v")
            return url
    raise WorktreeError(f"{repository.name} has no remote {REMOTE}", f"add it: git remote add {REMOTE} URL")


def look(repository: Repository, branch: str, *, env: Mapping[str, str] | None = None) -> Push:
    """What a push of ``branch`` would do now; asks the remote. Raises WorktreeError when it would be refused."""
    url = remote_url(repository)
    after = repository.resolve(f"refs/heads/{branch}")
    before = _at_remote(repository, url, branch, env)
    if before is not None and not is_ancestor(repository.root, before, after):
        raise WorktreeError(
            f"{branch} at {REMOTE} has commits that yours lacks ({before[:10]})",
            f"get them first: git fetch {REMOTE}, then merge or rebase {branch}; nothing is ever forced",
        )
    words = [after, f"^{before}"] if before else [after, f"--not --remotes={REMOTE}"]
    count = cleanroom.run(repository.root, "rev-list", "--count", *" ".join(words).split()).strip()
    return Push(remote=REMOTE, url=url, branch=branch, before=before, after=after, commits=int(count))


def push(
    repository: Repository,
    branch: str,
    *,
    session: str = "",
    name: str = "",
    env: Mapping[str, str] | None = None,
    own_config: bool = False,
) -> tuple[Push, Operation | None]:
    """Push ``branch`` under its own name; None when the remote has it already. Raises WorktreeError."""
    seen = look(repository, branch, env=env)
    if seen.before == seen.after:
        _track(repository, seen)
        return seen, None
    operation = operations.planned(
        Kind.PUSH,
        f"pushed {branch} to {REMOTE}",
        session=session,
        name=name or branch,
        pins=tuple(commit for commit in (seen.after, seen.before) if commit),
    ).model_copy(update={"push": seen})
    with operations.recorded(repository, operation) as written:
        try:
            _send(repository, seen, env, own_config)
        except WorktreeError as error:
            if _at_remote(repository, seen.url, branch, env) != seen.after:  # unreachable: it stays open
                operations.close(repository, written, State.VOID, error.message)
                raise
        point("push.sent")
        _track(repository, seen)
    return seen, written.model_copy(update={"state": State.DONE})


def settle(repository: Repository, one: Operation) -> tuple[State, str]:
    """What became of a push that was cut off. Raises WorktreeError while the remote cannot be asked."""
    assert one.push is not None
    now = _at_remote(repository, one.push.url, one.push.branch, None)
    if now == one.push.after or (now is not None and is_ancestor(repository.root, one.push.after, now)):
        _track(repository, one.push)
        return State.DONE, f"it was cut off; {one.push.remote} has it"
    if now is not None and now != one.push.before and not _known(repository, now):
        return State.HALF, f"{one.push.remote} has moved on to {now[:10]}; see: git fetch {one.push.remote}"
    return State.VOID, f"it was cut off and did not reach {one.push.remote}"


def _send(repository: Repository, seen: Push, env: Mapping[str, str] | None, own_config: bool) -> None:
    spec = f"{seen.after}:refs/heads/{seen.branch}"
    if own_config:
        code, said = git.run_code(repository.root, "config", "--type=path", "--get", "core.hooksPath", ok=(0, 1))
        hooks = said.strip() if code == 0 and said.strip() else str(repository.git_dir / "hooks")
        words = ("-c", f"core.hooksPath={hooks}", "push", "--porcelain", seen.remote, spec)
        code, said = git.run_code(repository.root, *words, env=env, deadline_s=PUSH_S, ok=(0, 1))
    else:
        words = ("push", "--porcelain", "--no-verify", "--", seen.url, spec)
        code, said = _network(repository, *words, env=env, deadline_s=PUSH_S, ok=(0, 1))
    if code != 0:
        refused = [line for line in said.splitlines() if line.startswith("!")]
        why = shown(refused[0].split("\t")[-1]) if refused else "see what the remote says: git push"
        raise WorktreeError(
            f"{seen.remote} did not take {seen.branch}: {why}", "nothing was forced; yours is as it was"
        )


def _at_remote(repository: Repository, url: str, branch: str, env: Mapping[str, str] | None) -> str | None:
    said = _network(repository, "ls-remote", "--", url, f"refs/heads/{branch}", env=env, deadline_s=ASK_S)[1]
    return next((line.split("\t")[0] for line in said.splitlines() if line.endswith(f"\trefs/heads/{branch}")), None)


def _known(repository: Repository, commit: str) -> bool:
    return cleanroom.run_code(repository.root, "cat-file", "-e", f"{commit}^{{commit}}", ok=(0, 1, 128))[0] == 0


def _network(
    repository: Repository,
    *words: str,
    env: Mapping[str, str] | None,
    deadline_s: float,
    ok: tuple[int, ...] = (0,),
) -> tuple[int, str]:
    room = cleanroom.view(repository.root)
    own = {name: value for name, value in room.env.items() if name not in _ROOM_ONLY}
    own["GIT_ALLOW_PROTOCOL"] = _PROTOCOLS
    try:
        return git.run_code(repository.root, *words, env={**(env or {}), **own}, deadline_s=deadline_s, ok=ok)
    except GitFailed as error:
        said = [line for line in error.stderr.splitlines() if line.strip()]
        first = next((line for line in said if not line.startswith(("remote:", "hint:"))), error.message)
        raise WorktreeError(
            f"{REMOTE} cannot be reached: {shown(first)}", f"try it yourself: git ls-remote {REMOTE}"
        ) from error


def _track(repository: Repository, seen: Push) -> None:
    """Let the repository know what the remote has, as ``git push`` does."""
    ref = f"refs/remotes/{seen.remote}/{seen.branch}"
    cleanroom.run(Path(repository.root), "update-ref", "-m", "orchestrator: push", ref, seen.after)
