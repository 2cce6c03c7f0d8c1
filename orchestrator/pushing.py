"""What goes to the remote, each time because a human asked: a branch, or a session's branch as a pull request.

Pull requests are opened by ``gh`` or ``glab``, whichever fits the remote's address and is installed. They run in an
empty folder: both would look at the repository with git under its own configuration, which an agent can write.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from orchestrator import messages
from orchestrator.commands import Command, PullRequest, Push, Pushed, Refused, Requested
from orchestrator.config import load_settings
from orchestrator.events import RequestOpened
from orchestrator.fleet import Row
from sessions import launching
from worktrees import changes, pushing, reconcile
from worktrees.inert import line
from worktrees.landing import refuse_worktree
from worktrees.repository import open_repository

if TYPE_CHECKING:
    from orchestrator.supervisor import Supervisor

FORGE_S = 60.0
_URL = re.compile(r"https?://\S+")


async def call(supervisor: Supervisor, command: Command) -> BaseModel:
    match command.verb:
        case "push":
            return await push(supervisor, command)
        case "pull_request":
            return await request(supervisor, supervisor.row(command.session), command)
        case other:
            raise Refused(f"{other} is not a command", "")


async def push(supervisor: Supervisor, command: Push) -> Pushed:
    """Push a branch of a repository under its own name; with ``dry_run`` only say what would go where."""
    env = _env(command.env)
    repository = await asyncio.to_thread(open_repository, Path(command.repository))
    settings = load_settings(repository.root, os.environ)
    named = command.branch or settings.run.target
    branch = named if named is not None else await asyncio.to_thread(repository.default_target)
    if not repository.has_branch(branch):
        raise Refused(f"there is no branch {branch}", "name another: orchestrator push BRANCH")
    if command.dry_run:
        return Pushed(push=await asyncio.to_thread(lambda: pushing.look(repository, branch, env=env)))
    lock = supervisor.landing_lock(str(repository.root))
    async with lock:
        await asyncio.to_thread(reconcile.reconcile, repository)  # a start looks only where sessions ever were
        done, operation = await asyncio.to_thread(
            lambda: pushing.push(repository, branch, env=env, own_config=settings.push.own_config)
        )
    if operation is not None:
        supervisor.notice("info", f"{branch} was pushed", f"{done.after[:10]} is at {done.url} ({operation.id})")
    return Pushed(push=done, operation=operation.id if operation is not None else "")


async def request(supervisor: Supervisor, row: Row, command: PullRequest) -> Requested:
    """Push the session's branch under its own name and open a pull request; one that is open already is found."""
    await asyncio.to_thread(_refuse_unfinished, row)
    env = _env(command.env)
    repository = await asyncio.to_thread(open_repository, Path(row.repository))
    url = await asyncio.to_thread(pushing.remote_url, repository)
    drafted = await asyncio.to_thread(messages.draft, row)
    title, _, rest = (command.message or drafted).strip().partition("\n")
    where = {**os.environ, **env}.get("PATH")
    argv = _argv(_forge(_host(url), where), url, row, title, rest.strip(), command.draft)
    program = shutil.which(argv[0], path=where)
    if program is None:
        raise Refused(
            f"{argv[0]} is not installed, and opens pull requests at {_host(url)}",
            f"install it, or push with git and run: {shlex.join(argv)}",
        )
    settings = load_settings(repository.root, os.environ)
    lock = supervisor.landing_lock(row.repository)
    async with lock:
        await asyncio.to_thread(
            lambda: pushing.push(
                repository, row.branch, session=row.id, name=row.name, env=env, own_config=settings.push.own_config
            )
        )
    code, out, err = await _run([program, *argv[1:]], env)
    found = _URL.findall(out) or (_URL.findall(err) if "already exists" in err else [])
    if not found:
        said = [text for text in (err or out).splitlines() if text.strip()]
        why = line(said[-1]) if said else f"it ended with {code}"
        raise Refused(f"{argv[0]} opened no pull request: {why}", f"the branch is pushed; run: {shlex.join(argv)}")
    supervisor.emit(row.id, RequestOpened(url=line(found[-1])))
    return Requested(url=line(found[-1]), opened=code == 0)


def _refuse_unfinished(row: Row) -> None:
    worktree = Path(row.worktree)
    if not worktree.is_dir():
        return
    refuse_worktree(worktree)
    if left := changes.totals(worktree, row.base_commit).uncommitted:  # a sealed one's commits are brought over by it
        raise Refused(
            f"{row.name} has {left} uncommitted files, which would not be in it",
            f"let the agent commit them: orchestrator send {row.name} 'Commit your work'",
        )


def _forge(host: str, path: str | None) -> str:
    """The program for a host; one whose name tells nothing is that of the program that is there."""
    if "gitlab" in host:
        return "glab"
    only_glab = not shutil.which("gh", path=path) and shutil.which("glab", path=path)
    return "glab" if only_glab and host != "github.com" else "gh"


def _argv(program: str, url: str, row: Row, title: str, body: str, draft: bool) -> list[str]:
    more = ["--draft"] if draft else []
    if program == "glab":
        words = ["--source-branch", row.branch, "--target-branch", row.target, "--title", title, "--description", body]
        return ["glab", "mr", "create", "--yes", "--repo", url, *words, *more]
    words = ["--head", row.branch, "--base", row.target, "--title", title, "--body", body]
    return ["gh", "pr", "create", "--repo", url, *words, *more]


def _host(url: str) -> str:
    """Of an address as git takes it: a URL, ``user@host:path``, or a path (then as it is)."""
    found = re.match(r"(?:\w+://)?(?:[^@/]+@)?([^/:]+)[/:]", url)
    return found[1] if found else url


async def _run(argv: list[str], env: Mapping[str, str]) -> tuple[int, str, str]:
    """Run a forge's program; it is ended with all that it started when it takes too long."""
    with tempfile.TemporaryDirectory(prefix="orchestrator-request-") as folder:
        running = await asyncio.create_subprocess_exec(
            *argv,
            cwd=folder,
            env={**os.environ, **env, "GH_PROMPT_DISABLED": "1", "NO_PROMPT": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = await asyncio.wait_for(running.communicate(), FORGE_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, 9)
            await running.wait()
            raise Refused(f"{Path(argv[0]).name} did not end within {FORGE_S:.0f} s", "is the network there?") from None
    assert running.returncode is not None
    return running.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def _env(caller: dict[str, str]) -> dict[str, str]:
    """The caller's, for its keys and agents; nothing of git that would lead it elsewhere."""
    kept = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT")
    return {
        name: value for name, value in launching.outside(caller).items() if not name.startswith("GIT_") or name in kept
    }
