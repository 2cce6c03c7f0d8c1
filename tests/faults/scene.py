"""One playing of a scenario: an isolated user with a repository, what was written there, and whether all of it is safe.

The invariant, checked at the end of every playing: what anybody wrote lies where it was written, or in an object that a
ref reaches, and is read back from there; every commit that any ref of ours ever held is reachable still.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from orchestrator.client import DaemonError
from orchestrator.commands import Refused
from orchestrator.store import LedgerError
from sessions.errors import SessionError
from tests.faults.guards import BARE, WITHOUT, Guard
from tests.faults.harm import Harm
from tests.faults.objects import GIT, Objects
from tests.machine import Machine
from worktrees.errors import WorktreeError
from worktrees.repository import Repository, open_repository

PATIENCE_S = 30.0
SHORT_S = 2.0
"""How long is waited, without a guard, for what may never come."""
GONE = ("TMUX", "TMUX_PANE", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "COLUMNS", "LINES")
"""Of the caller's environment: pytest sets the last two, and a dashboard would believe them."""


class Refusal:
    """What an attempt came to; ``error`` is None when it was carried out."""

    error: Exception | None = None

    @property
    def text(self) -> str:
        return f"{self.error} {getattr(self.error, 'hint', '')}" if self.error is not None else ""


class Scene:
    """``guarded`` is False while a guard is off. Everything lies below ``folder``."""

    def __init__(self, folder: Path, guard: Guard | None = None) -> None:
        self.folder = folder
        self.guarded = guard is None
        self.home = folder / "home"
        self.outside = folder / "outside"
        self._guard = guard
        self._env: dict[str, str] = {}
        self._ends = ExitStack()
        self._wrote: dict[Path, bytes] = {}
        self._seen: set[str] = set()
        self._machine: Machine | None = None
        self._repository: Repository | None = None
        self.bytes_read = 0
        self.bytes_lost = 0

    def __enter__(self) -> Scene:
        for path in (self.folder, self.home, self.outside):
            path.mkdir()
        (self.home / ".gitconfig").write_text("[user]\nname = Test\nemail = test@localhost\n")
        own = {"HOME": str(self.home), "ORCHESTRATOR_HOME": str(self.folder / "state"), "LANG": "C.UTF-8"}
        self._ends.enter_context(_environment(own, gone=GONE))
        if self._guard is not None:
            self._env = self._ends.enter_context(self._guard.off(self.folder))
        return self

    def __exit__(self, *_: object) -> None:
        if self._machine is not None:
            self._machine.end()
        self._ends.close()

    # -- the stage

    @property
    def machine(self) -> Machine:
        """A user's machine with a daemon of its own."""
        if self._machine is None:
            self._machine = Machine(self.folder / "m")
            self._machine.env |= {**BARE, **self._env}
            self._repository = open_repository(self._machine.repository)
        return self._machine

    @property
    def repository(self) -> Repository:
        """The user's repository, on ``main``, with a few files."""
        if self._repository is None:
            root = self.folder / "shop"
            root.mkdir()
            self.git(root, "init", "-q", "-b", "main")
            self.write(root / "a.txt", "one\ntwo\nthree\n")
            self.write(root / ".gitignore", "*.log\n.env\n")
            self.commit(root, "Begin")
            self._repository = open_repository(root)
        return self._repository

    @property
    def root(self) -> Path:
        return self.repository.root

    def worktree(self, session: str = "s1", branch: str = "agent/x") -> Path:
        """A new worktree of a session, as a launch makes it."""
        return self.repository.create(self.folder / f"wt-{session}", branch, "HEAD", session=session).path

    def git(self, where: Path, *words: str, code: int | None = 0, **env: str) -> str:
        """Git as a user or an agent runs it: nothing of ours in between."""
        done = subprocess.run(
            [GIT, *words], cwd=where, env={**os.environ, **env}, capture_output=True, text=True, check=False
        )
        assert code is None or done.returncode == code, f"git {words}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def write(self, path: Path, content: str | bytes) -> Path:
        """Somebody writes a file; from now on its content must be found somewhere, for ever."""
        data = content.encode() if isinstance(content, str) else content
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self._wrote[path] = data
        return path

    def expect(self, path: Path, content: bytes) -> None:
        """An agent has written ``content`` to ``path``: it must be found somewhere, for ever."""
        self._wrote[path] = content

    def commit(self, where: Path, message: str) -> str:
        self.git(where, "add", "-A")
        self.git(where, "commit", "-q", "-m", message)
        return self.git(where, "rev-parse", "HEAD")

    def tmux_server(self, session: str) -> str:
        """The name of a tmux server with one session, that only this scene has; it is ended with the scene."""
        name = f"orchestrator-fault-{secrets.token_hex(5)}"
        self._ends.callback(subprocess.run, ["tmux", "-L", name, "kill-server"], capture_output=True, check=False)
        argv = ["tmux", "-L", name, "-f", os.devnull, "new-session", "-d", "-s", session, "cat"]
        subprocess.run(argv, check=True)
        return name

    def shim(self, program: str, *cases: str) -> None:
        """The scenario's own program in the place of a real one, guarded or not."""
        path = Guard("the scenario", shims={program: cases}).path(self.folder)
        self._ends.enter_context(_environment({"PATH": path}, gone=()))

    def sabotage(self, place: str, name: str) -> None:
        """What the scenario itself does to the processes of the machine, guarded or not: see ``Guard.instead``."""
        env = self.machine.env
        env[WITHOUT] = f"{env.get(WITHOUT, '')} {place}={name}"

    def set(self, owner: object, name: str, value: object) -> None:
        """As long as the scene is played ``owner.name`` is ``value``."""
        before = getattr(owner, name)
        setattr(owner, name, value)
        self._ends.callback(setattr, owner, name, before)

    def finally_(self, call: Callable[[], object]) -> None:
        self._ends.callback(call)

    tmux = shutil.which("tmux") or "tmux"  # the real one

    @staticmethod
    def alive(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
        except OSError:
            return False

    @staticmethod
    def end(pid: int) -> None:
        """End a process that the scene has started."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    # -- judgement

    def safe(self, unharmed: object, what: str) -> None:
        """Harm unless ``unharmed``."""
        if not unharmed:
            raise Harm(what)

    @contextmanager
    def attempt(self) -> Iterator[Refusal]:
        """What follows may be refused, with an error that says what to do."""
        refusal = Refusal()
        try:
            yield refusal
        except (Refused, WorktreeError, SessionError, LedgerError, DaemonError, OSError) as error:
            refusal.error = error

    def refused(self, refusal: Refusal, kind: type[Exception], *words: str) -> None:
        """With the guard, it was refused as ``kind`` and said ``words``; without, the harm is what counts."""
        if not self.guarded:
            return
        assert isinstance(refusal.error, kind), repr(refusal.error)
        for word in words:
            assert word in refusal.text, refusal.text

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for what tells nobody; Harm when it does not come."""
        deadline = time.monotonic() + (PATIENCE_S if self.guarded else SHORT_S)
        while True:
            found = condition()
            if await found if isinstance(found, Awaitable) else found:
                return
            if time.monotonic() > deadline:
                raise Harm(what)
            await asyncio.sleep(0.01)

    def wait(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + (PATIENCE_S if self.guarded else SHORT_S)
        while not condition():
            if time.monotonic() > deadline:
                raise Harm(what)
            time.sleep(0.01)

    def note(self) -> None:
        """Remember every commit that a ref of ours holds now: it must stay reachable."""
        if self._repository is not None:
            self._seen |= Objects.held(self._repository.git_dir)

    def check(self) -> None:
        """The invariant. Counts what was read back and what was lost."""
        if self._repository is None:
            return
        objects = Objects(self._repository.git_dir)
        lost = {commit: objects.size(commit) for commit in self._seen if not objects.reaches(commit)}
        for path, data in self._wrote.items():
            there = path.is_file() and path.read_bytes() == data
            if not there and objects.read(data) != data:
                lost[str(path)] = len(data)
        self.bytes_read = objects.read_all()
        self.bytes_lost = sum(lost.values())
        self.safe(not lost, f"{self.bytes_lost} bytes lost: {', '.join(lost)}")


@contextmanager
def _environment(own: dict[str, str], gone: tuple[str, ...]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(own)
    for name in gone:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
