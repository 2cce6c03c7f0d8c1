"""A random walk over one repository: a user, some agents, and us; every step may be the wrong one at the wrong time.

After each step of ours: every byte that was in a checkout is there still or in an object that a ref reaches; the target
moved only by a landing or its undo; no branch of the user's and no uncommitted file of theirs changed. At the end every
snapshot that there ever was is read back.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.faults import steps
from tests.faults.objects import GIT, Objects
from worktrees import faultpoints
from worktrees.errors import WorktreeError
from worktrees.repository import open_repository

SESSIONS = st.integers(0, 5)
NAMES = st.sampled_from(
    ["a.txt", "b.txt", "dir/c.txt", "dir", "new file.txt", "ümlaut-☃.txt", ".env", "dir/.env", "deep/er/x.log", "-n"]
)
PARTS = ("landing.", "operation.", "removal.", "return.", "update.", "restore.")
POINTS = st.sampled_from([name for name in faultpoints.POINTS if name.startswith(PARTS)])
RECKLESS = {
    "reset": [["reset", "-q", "--hard", "HEAD~1"]],
    "reset to main": [["reset", "-q", "--hard", "main"]],
    "stash": [["stash", "-u", "-q"]],
    "delete the branch": [["checkout", "-q", "--detach"], ["branch", "-q", "-D", "{branch}"]],
    "switch": [["checkout", "-q", "-B", "other"]],
    "clean": [["clean", "-qfdx"]],
    "amend": [["commit", "-q", "--amend", "--allow-empty", "-m", "Amended"]],
    "merge": [["merge", "-q", "main"]],
    "commit nothing": [["commit", "-q", "--allow-empty", "-m", "Nothing"]],
}
MOVES = ("merge", "undo")
"""Steps that may move the target."""
IGNORED = ".env\n*.log\n"


@dataclass
class Agent:
    """A session's agent, as the walk knows it."""

    session: str
    branch: str
    path: Path

    @property
    def given(self) -> dict[str, str]:
        return {"session": self.session, "branch": self.branch, "path": str(self.path)}


class Walk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="orchestrator-walk-"))
        self.root = self.folder / "shop"
        self.agents: list[Agent] = []
        self.removed: list[Agent] = []
        self.made = 0
        self.content = 0
        self.seen: set[str] = set()
        self.target = ""
        self.foreign: dict[str, str] = {}
        self.cut_off = False
        self.dirty_then: set[str] = set()  # files of the user's that were uncommitted when a step was cut off, or since

    def git(self, where: Path, *words: str) -> str:
        """As a user or an agent runs it; what it refuses it refuses."""
        done = subprocess.run(
            [GIT, *words], cwd=where, capture_output=True, text=True, errors="surrogateescape", check=False
        )
        return done.stdout.strip()

    def fresh(self) -> str:
        self.content += 1
        return f"line {self.content}\nthe same\n"

    @initialize()
    def begin(self) -> None:
        self.root.mkdir()
        self.git(self.root, "init", "-q", "-b", "main")
        _write(self.root, "a.txt", "one\ntwo\nthree\n")
        _write(self.root, ".gitignore", IGNORED)
        self.git(self.root, "add", "-A")
        self.git(self.root, "commit", "-q", "-m", "Begin")
        self.git(self.root, "branch", "feature")
        self.target = self.git(self.root, "rev-parse", "main")
        self.foreign = {"refs/heads/feature": self.target}
        self.git_dir = self.root / ".git"
        self.run()
        self.run()

    # -- the agents

    @rule()
    def run(self) -> None:
        if len(self.agents) + len(self.removed) == 5:
            return
        self.restart()
        self.made += 1
        session = f"s{self.made}"
        path = self.folder / session
        open_repository(self.root).create(path, f"agent/{session}", "main", session=session)
        self.agents.append(Agent(session, f"agent/{session}", path))
        self.work(len(self.agents) - 1, ["a.txt", f"own-{session}.txt"], True)

    @rule(which=SESSIONS, names=st.lists(NAMES, min_size=1, max_size=3), commit=st.booleans())
    def work(self, which: int, names: list[str], commit: bool) -> None:
        if (agent := self.agent(which)) is not None:
            for name in names:
                _write(agent.path, name, self.fresh())
            if commit:
                self.in_worktree(which, ("add", "-A"), ("commit", "-q", "-m", "Work"))

    @rule(which=SESSIONS, name=NAMES)
    def delete(self, which: int, name: str) -> None:
        if (agent := self.agent(which)) is not None:
            _delete(agent.path / name)

    @rule(which=SESSIONS, how=st.sampled_from(sorted(RECKLESS)))
    def be_reckless(self, which: int, how: str) -> None:
        """What agents do to their own worktree and branch."""
        if (agent := self.agent(which)) is not None:
            words = [[word.format(branch=agent.branch) for word in command] for command in RECKLESS[how]]
            self.in_worktree(which, *words)

    @rule(which=SESSIONS)
    def lose_folder(self, which: int) -> None:
        """Somebody removes the worktree's folder outside of the program."""
        if (agent := self.agent(which)) is not None:
            shutil.rmtree(agent.path)

    # -- the user

    @rule(name=NAMES)
    def user_writes(self, name: str) -> None:
        _write(self.root, name, self.fresh())
        self.dirty_then.add(name)

    @rule()
    def user_commits(self) -> None:
        self.restart()
        self.git(self.root, "add", "-A")
        self.git(self.root, "commit", "-q", "-m", "Mine")
        self.moved()

    @rule(where=st.sampled_from(["main", "feature", "--detach"]))
    def user_switches(self, where: str) -> None:
        self.restart()
        self.git(self.root, "checkout", "-q", where)

    def moved(self) -> None:
        """The user moved a branch."""
        self.target = self.git(self.root, "rev-parse", "refs/heads/main")
        self.foreign = {ref: self.git(self.root, "rev-parse", ref) for ref in self.foreign}

    # -- us

    @rule(which=SESSIONS)
    def snapshot(self, which: int) -> None:
        self.ours(which, "snapshot")

    @rule(which=SESSIONS, method=st.sampled_from(["squash", "merge", "ff"]))
    def merge(self, which: int, method: str) -> None:
        self.ours(which, "merge", method=method)

    @rule(which=SESSIONS)
    def update(self, which: int) -> None:
        self.ours(which, "update")

    @rule(which=SESSIONS, number=st.integers(0, 9), head=st.booleans())
    def restore(self, which: int, number: int, head: bool) -> None:
        self.ours(which, "restore", number=number, head=head)

    @rule(number=st.integers(0, 3))
    def undo(self, number: int) -> None:
        """Take back one of the newest operations; brings removed sessions back too."""
        self.ours(0, "undo", number=number)

    @rule(which=SESSIONS)
    def remove(self, which: int) -> None:
        self.ours(which, "remove")

    @rule(which=SESSIONS, step=st.sampled_from(["merge", "remove", "restore", "update", "undo"]), point=POINTS)
    def kill(self, which: int, step: str, point: str) -> None:
        """A step of ours is killed in its middle; the next start has to make sense of it."""
        if (agent := self.agent(which, there=False)) is None:
            return
        self.restart()
        self.dirty_then = self.dirty()
        with self.unharmed(moves=step in MOVES):
            given = {**agent.given, "method": "squash", "number": 0, "head": False}
            self.cut_off = steps.killed(self.root, step, given, point)
            event(f"{step}: killed at {point}" if self.cut_off else f"{step}: not killed at {point}")
        self.tell_apart()

    @rule()
    def restart(self) -> None:
        if self.cut_off:
            self.cut_off = False
            with self.unharmed(moves=True, dirty=self.dirty_then):
                unsettled = steps.restart(open_repository(self.root))
                event(f"restart: {unsettled or 'settled'}")
            self.tell_apart()
            self.agree()

    def ours(self, which: int, step: str, **given: object) -> None:
        if (agent := self.agent(which, there=False)) is None:
            return
        self.restart()
        with self.unharmed(moves=step in MOVES):
            try:
                steps.carry_out(self.root, step, {**agent.given, **given})
                event(f"{step}: done")
            except WorktreeError as error:
                event(f"{step}: {type(error).__name__}")
        self.tell_apart()
        self.agree()

    # -- what must hold

    @contextmanager
    def unharmed(self, *, moves: bool, dirty: set[str] | None = None) -> Iterator[None]:
        """Around a step of ours. ``moves``: it may move the target. ``dirty``: what was the user's own, if not now."""
        before = {path: path.read_bytes() for path in self.files()}
        dirty = self.dirty() if dirty is None else dirty
        checkout = {path: data for path, data in before.items() if self.root in path.parents}
        mine = {path: data for path, data in checkout.items() if str(path.relative_to(self.root)) in dirty}
        yield
        self.look()
        objects = Objects(self.git_dir)
        for path, data in before.items():
            there = path.is_file() and not path.is_symlink() and path.read_bytes() == data
            assert there or objects.read(data) == data, f"{path} is lost: {data!r}"
        for path, data in mine.items():
            assert path.read_bytes() == data, f"the user's own {path} was touched"
        if moves:
            now = self.git(self.root, "rev-parse", "refs/heads/main")
            assert now == self.target or objects.reaches(self.target), "the target lost what it held"
            self.target = now
        else:
            for path, data in checkout.items():
                assert path.read_bytes() == data, f"the user's {path} was touched"
        lost = {commit for commit in self.seen if not objects.reaches(commit)}
        assert not lost, f"no ref reaches {lost}"

    def agree(self) -> None:
        """The user's checkout shows what its branch holds: nothing of ours is left half done."""

    @invariant()
    def only_ours_moved(self) -> None:
        if not self.target:
            return
        if not self.cut_off:
            assert self.git(self.root, "rev-parse", "refs/heads/main") == self.target, "the target moved by itself"
        for ref, commit in self.foreign.items():
            assert self.git(self.root, "rev-parse", ref) == commit, f"{ref} was moved"
        self.look()

    def look(self) -> None:
        """Remember every commit that a ref of ours holds."""
        self.seen |= Objects.held(self.git_dir)

    def teardown(self) -> None:
        if self.target:
            self.restart()
            self.look()
            objects = Objects(self.git_dir)
            assert all(map(objects.reaches, self.seen))
            objects.read_all()
        shutil.rmtree(self.folder)

    # -- small things

    def agent(self, which: int, *, there: bool = True) -> Agent | None:
        if not self.agents:
            return self.removed[0] if self.removed and not there else None
        agent = self.agents[which % len(self.agents)]
        return agent if agent.path.is_dir() or not there else None

    def in_worktree(self, which: int, *commands: Sequence[str]) -> None:
        if (agent := self.agent(which)) is not None:
            for words in commands:
                self.git(agent.path, *words)

    def files(self) -> Iterator[Path]:
        for top in (self.root, *(agent.path for agent in self.agents)):
            for path in top.rglob("*"):
                if ".git" not in path.parts and path.is_file() and not path.is_symlink():
                    yield path

    def dirty(self) -> set[str]:
        said = self.git(self.root, "-c", "core.quotePath=off", "status", "--porcelain", "-z", "-uall", "--ignored")
        return {line[3:] for line in said.split("\0") if line}

    def tell_apart(self) -> None:
        """Sessions whose branch mark is gone are removed; one that has its mark again is back."""
        marks = self.git(self.root, "for-each-ref", "--format=%(refname)", "refs/orchestrator/made/").splitlines()
        every = [*self.agents, *self.removed]
        self.agents = [agent for agent in every if f"refs/orchestrator/made/{agent.branch}" in marks]
        self.removed = [agent for agent in every if agent not in self.agents]


def _write(top: Path, name: str, content: str) -> None:
    path = top / name
    for above in [*path.parents][::-1]:
        if above.is_file() and top in above.parents:
            above.unlink()
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.is_file():
        path.unlink()
