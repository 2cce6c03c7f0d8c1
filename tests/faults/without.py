"""What stands where a guard stood. Each gets the original and gives what a careless program would do instead.

Modules of the product are imported inside: this file is read while they are being imported.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.faults.harm import Harm


def nothing(_original: object) -> Callable[..., None]:
    """It is not done."""
    return lambda *_args, **_kwargs: None


def false(_original: object) -> Callable[..., bool]:
    return lambda *_args, **_kwargs: False


def true(_original: object) -> Callable[..., bool]:
    return lambda *_args, **_kwargs: True


async def _true() -> bool:
    return True


def soon_true(_original: object) -> Callable[..., Any]:
    return lambda *_args, **_kwargs: _true()


def empty_pair(_original: object) -> Callable[..., tuple[list[str], list[str]]]:
    return lambda *_args, **_kwargs: ([], [])


def empty_set(_original: object) -> frozenset[Any]:
    return frozenset()


def anything(_original: object) -> re.Pattern[str]:
    return re.compile(".*", re.DOTALL)


def no_lock(_original: object) -> Callable[..., Any]:
    @contextmanager
    def unlocked(*_args: object) -> Iterator[bool]:
        yield True

    return unlocked


def reset_hard(_original: object) -> Callable[..., None]:
    """The user's checkout is brought along by force."""

    def along(files: Any) -> None:
        subprocess.run(["git", "reset", "-q", "--hard", str(files.after)], cwd=files.path, check=True)

    return along


def main_checkout(_original: object) -> Callable[..., Any]:
    """The target's checkout, in whatever state it is."""

    def checkout(repository: Any, target: str) -> Any:
        return next((worktree for worktree in repository.worktrees() if worktree.branch == target), None)

    return checkout


def empty(_original: object) -> Callable[..., tuple[Any, ...]]:
    return lambda *_args, **_kwargs: ()


def idle_by_default(original: Callable[..., Any]) -> Callable[..., Any]:
    """A screen that nothing fits is taken for an agent that rests."""

    def match(rules: Any, screen: Any, version: str | None = None) -> Any:
        from sessions.models import State
        from sessions.screen_rules import Match

        nothing_special = Match(rule="default", state=State.IDLE, kind=None, saw="")
        return original(rules, screen, version) or nothing_special

    return match


def as_it_was(_original: object) -> Callable[..., Any]:
    """The dialog is taken to be on the screen as it was when it was seen."""

    def shown(_rules: object, question: Any, _screen: object) -> Any:
        from sessions.models import State
        from sessions.screen_rules import Match

        return Match(
            rule="memory", state=State.BLOCKED, saw="", kind=question.kind, options=question.options, selected=0
        )

    return shown


def any_question(_original: object) -> Callable[..., Any]:
    """Whatever is asked now is answered."""

    def open_question(talk: Any, _asked: object) -> Any:
        return talk._status.question

    return open_question


def at_once(_original: object) -> Callable[..., Any]:
    """tmux is told to do it, whatever the pane is."""

    async def run(control: Any, _pane: str, command: str) -> bool:
        await control._line(command)
        return False

    return run


def resize_all(_original: object) -> Callable[..., Any]:
    async def resize(control: Any, pane: str, width: int, height: int) -> None:
        await control.command("set-option", "-g", "window-size", "manual")
        await control.command("resize-window", "-t", pane, "-x", str(width), "-y", str(height))

    return resize


def as_a_child(_original: object) -> Callable[[], None]:
    """The daemon is a child of whoever needs it first, and dies with it."""

    def ensure_daemon() -> None:
        from orchestrator import client

        if client.alive():
            return
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
        subprocess.Popen(
            [sys.executable, "-c", _DIES_WITH_PARENT],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not client.alive():
            time.sleep(0.02)

    return ensure_daemon


_DIES_WITH_PARENT = """
import ctypes, signal
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
from orchestrator.daemon import serve
serve()
"""


def dies_before(original: Callable[..., Any]) -> Callable[..., Any]:
    """The process is killed right before, once."""

    async def killed(*args: Any, **options: Any) -> Any:
        _die_once()
        return await original(*args, **options)

    return killed


def dies_after(original: Callable[..., Any]) -> Callable[..., Any]:
    """The process is killed right after, once."""

    async def killed(*args: Any, **options: Any) -> Any:
        result = await original(*args, **options)
        _die_once()
        return result

    return killed


def _die_once() -> None:
    mark = Path(os.environ["ORCHESTRATOR_HOME"]) / "died-once"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


async def _no_panes() -> list[Any]:
    return []


def sees_no_panes(_original: object) -> Callable[..., Any]:
    return lambda *_args: _no_panes()


async def _peace(*_args: object) -> None:
    return


def at_peace(_original: object) -> Callable[..., Any]:
    """Nobody ever types."""
    return _peace


def by_hand(original: Callable[..., str]) -> Callable[..., str]:
    """``rm -rf`` in the place of ``git worktree remove``. Made harmless: what it would delete is only moved aside."""

    def run(cwd: Path, *args: str, **options: Any) -> str:
        if args[:2] != ("worktree", "remove"):
            return original(cwd, *args, **options)
        path = Path(os.path.realpath(args[-1]))
        stage = Path(os.environ["ORCHESTRATOR_HOME"]).parent
        if stage not in path.parents:
            raise Harm(f"{path} would be deleted")
        path.rename(path.with_name(path.name + ".deleted"))
        return ""

    return run


def exit_code_alone(_original: object) -> Callable[..., Any]:
    """What the command's shell says is believed."""

    def judge(repository: Any, commit: str, asked: Any) -> Any:
        from worktrees.checks import run_command
        from worktrees.scratch import scratch

        with scratch(repository, commit) as tree:
            return tuple(run_command(ask.command, tree, ask.how.deadline_s) for ask in asked)

    return judge


def no_keeper(_original: object) -> Callable[..., Any]:
    """At its deadline the command's own process group is ended, and nothing else."""

    def keep(argv: Any, tree: Any, how: Any, env: Any, _output: Any) -> Any:
        from worktrees.checks import _Ended

        process = subprocess.Popen(argv, cwd=tree, env=env, start_new_session=True)
        code = None
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(how.deadline_s)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return _Ended(code)

    return keep


def no_second_run(original: Callable[..., Any]) -> Callable[..., Any]:
    def judge(repository: Any, commit: str, asked: Any) -> Any:
        return original(repository, commit, [replace(ask, retries=0) for ask in asked])

    return judge


async def _no_lines() -> tuple[str, ...]:
    return ()


def sees_nothing(_original: object) -> Callable[..., Any]:
    return lambda *_args: _no_lines()


def no_pause(_original: object) -> Callable[..., timedelta]:
    """A crashed program is started again at once, for ever."""
    return lambda *_args: timedelta(milliseconds=10)


def short_pauses(original: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    return (timedelta(milliseconds=10),) * len(original)


def written_or_lost(_original: object) -> Callable[..., Any]:
    return lambda store, at, session, event: store.append(at, session, event)


def begun_anyway(_original: object) -> Callable[..., Any]:
    return lambda supervisor, session, event: supervisor.emit(session, event)


def ledger_or_nothing(_original: object) -> Callable[[Path], Any]:
    from orchestrator.store import Store

    return Store


def in_the_main_checkout(_original: object) -> Callable[..., Any]:
    """The merge is made and checked where the user works."""

    @contextmanager
    def scratch(repository: Any, commit: str) -> Iterator[Path]:
        subprocess.run(["git", "checkout", "-q", "--detach", commit], cwd=repository.root, check=True)
        yield repository.root
        subprocess.run(["git", "checkout", "-q", "main"], cwd=repository.root, check=True)

    return scratch


def write_by_path(_original: object) -> Callable[..., None]:
    """Files are restored by their names, wherever those lead."""

    def bring(worktree: Path, _before: str, wanted: str, **_options: Any) -> None:
        def git(*words: str) -> bytes:
            return subprocess.run(["git", *words], cwd=worktree, capture_output=True, check=True).stdout

        for row in git("ls-tree", "-r", "-z", wanted).split(b"\0"):
            about, _, name = row.partition(b"\t")
            if name:
                path = worktree / os.fsdecode(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(git("cat-file", "blob", about.split()[2].decode()))

    return bring


def no_room(_original: object) -> Any:
    """git runs where the agent works, with whatever is configured there."""
    return property(lambda _view: {})


def all_fit(_original: object) -> Callable[..., Any]:
    """Whatever is asked for is begun."""
    from orchestrator.admission import Room

    return lambda wanted, *_args, **_kwargs: Room(wanted)


def in_place(_original: object) -> Callable[..., None]:
    """A file is emptied, then written."""

    def write(path: Path, content: str | bytes, mode: int = 0o600) -> None:
        with path.open("wb") as file:
            os.fsync(file.fileno())
            file.write(content.encode() if isinstance(content, str) else content)

    return write


def approved_anyway(original: Callable[..., Any]) -> Callable[..., Any]:
    """Whatever the branch holds by now is landed."""
    return lambda *args, **options: original(*args, **{**options, "approved": None})


def never_strayed(original: Callable[..., Any]) -> Callable[..., Any]:
    """The session's branch is taken to be the one that is checked out."""

    def strayed(row: Any) -> Any:
        return original(row).model_copy(update={"how": "", "branch": row.branch})

    return strayed


def as_it_is(_original: object) -> Callable[..., str]:
    return lambda text, *_more: text


def never_shrinks(original: Callable[[int], os.stat_result]) -> Callable[[int], os.stat_result]:
    """A followed file is always taken to be as long as it needs to be."""

    def fstat(descriptor: int) -> os.stat_result:
        values = list(original(descriptor))
        values[6] = 1 << 40
        return os.stat_result(values)

    return fstat
