"""The radar on a real daemon, and what follows from foreseen conflicts."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from orchestrator import foresight
from orchestrator.attention import Rank, rank
from orchestrator.events import Foreseen, Removed
from orchestrator.fleet import Rival, Row
from orchestrator.sights import Cell
from sessions.models import SessionId, State
from tests.hostile import EVERYTHING
from tests.machine import Machine
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.test_attention import WORK, row
from tests.orchestrator.test_timemachine import Session
from worktrees.inert import is_inert
from worktrees.models import Change, ChangeKind, Clash, Conflict, Hunk, Line


def rivals(machine: Machine, name: str) -> dict[str, list[str]]:
    return {rival["name"]: rival["paths"] for rival in machine.session(name)["rivals"]}


def test_two_agents_on_one_line_are_known_while_they_work_and_until_one_is_gone(machine: Machine) -> None:
    machine.write("a.txt", "one\ntwo\n")
    machine.write(".gitignore", ".env\n")
    machine.commit("begin")
    one, two, apart = (Session(machine, name) for name in ("one", "two", "apart"))
    one.turn("echo one-and-a-half >> a.txt; echo PORT=1 > .env")
    apart.turn("echo new > b.txt; echo PORT=2 > .env")
    gate = machine.folder / "gate"
    os.mkfifo(gate)
    usage = '{\\"type\\": \\"usage\\", \\"id\\": \\"r1\\", \\"output\\": 5}'
    machine.ok("send", "two", f'echo three >> a.txt; echo "{usage}" >> "$ORCHESTRATOR_EVENTS"; cat {gate}')
    two.until(lambda: rivals(machine, "two") == {"one": ["a.txt"]})
    assert machine.session("two")["state"] == "working"  # said before it is finished, of what it did not commit
    gate.write_text("go on\n")
    one.until(lambda: rivals(machine, "one") == {"two": ["a.txt"]})
    assert rivals(machine, "apart") == {}
    (sight,) = machine.json("radar")
    cells = {(cell["one"], cell["other"]): [c["path"] for c in cell["conflicts"]] for cell in sight["cells"]}
    assert [paths for paths in cells.values() if paths] == [["a.txt"]]
    assert not any(cell["error"] for cell in sight["cells"])
    shown = machine.ok("radar", "one", "two")
    assert "+one-and-a-half" in shown
    assert "+three" in shown
    assert "merge cleanly" in machine.ok("radar", "one", "apart")
    told = machine.ok("radar", "one", "two", "--message")
    assert "Another agent, two, works on the same repository" in told
    assert "+three" in told
    assert "merge cleanly" in machine.refused("radar", "one", "apart", "--message")
    assert "conflicts with one: orchestrator radar" in machine.ok("ls")
    machine.ok("down")
    machine.wait_for_no_daemon()
    two.until(lambda: not machine.json("radar")[0]["pending"])
    assert rivals(machine, "two") == {"one": ["a.txt"]}
    assert "different" not in machine.refused("radar", "one", "nobody")
    assert machine.log().count("A new conflict") == 1
    machine.ok("merge", "one", "--no-check", "-m", "One")
    two.until(lambda: machine.session("two")["conflicts"] == ["a.txt"] and not rivals(machine, "two"))
    assert "conflicts with main in 1 file" in machine.ok("radar")
    machine.ok("undo", "--yes")
    two.until(lambda: rivals(machine, "two") == {"one": ["a.txt"]})
    assert machine.log().count("two and main in a.txt") == 1
    machine.ok("rm", "one", "--yes")
    assert rivals(machine, "two") == {}


def test_an_agent_is_marked_when_its_target_changes_a_file_that_it_read(machine: Machine) -> None:
    machine.write("a.txt", "one\n")
    machine.write("b.txt", "one\n")
    machine.commit("begin")
    script = machine.folder / "script.json"
    call = {"name": "read", "input": {"path": "a.txt"}}
    script.write_text(json.dumps({"delay": 0, "steps": [{"text": "I look.", "calls": [call]}, {"text": "Seen."}]}))
    machine.settings(f"[agents.coder]\nargs = {json.dumps(['--provider', 'scripted', '--script', str(script)])}\n")
    machine.ok("run", "--agent", "coder", "--name", "reader", "Look at it")
    machine.ok("wait", "reader", "--for", "done,idle", "--timeout", "40")
    machine.write("b.txt", "two\n")
    machine.commit("not read")
    machine.write("a.txt", "two\n")
    machine.commit("read")
    machine.until("reader", lambda: machine.session("reader")["outdated"] == ["a.txt"])
    assert "main changed what it read: a.txt" in machine.ok("show", "reader")
    assert "the target changed what it read: a.txt" in machine.ok("log", "reader")
    machine.ok("update", "reader")
    machine.until("reader", lambda: machine.session("reader")["outdated"] == [])


def test_the_fold_keeps_what_is_foreseen_until_the_other_one_is_gone() -> None:
    link = SampleLink()
    other = link.session("dark-theme")
    before = link.fleet.named("api-retry")
    link.emit("cache-ttl", Foreseen(other=other, conflicts=("a.py", "b.py"), earlier=True))
    link.emit("cache-ttl", Foreseen(other=other, conflicts=("a.py",), earlier=True))
    known = link.fleet.named("cache-ttl")
    assert known is not None
    assert known.rivals == (Rival(session=other, paths=("a.py",), earlier=True),)
    assert link.fleet.named("api-retry") is before
    link.emit("dark-theme", Removed(attic="refs/orchestrator/attic/dark-theme/1"))
    gone = link.fleet.named("cache-ttl")
    assert gone is not None
    assert gone.rivals == ()
    assert link.fleet.named("api-retry") is before


@pytest.mark.parametrize(("earlier", "expected"), [(True, Rank.CONFLICT), (False, Rank.READY)])
def test_of_two_that_conflict_the_later_one_needs_the_human(earlier: bool, expected: Rank) -> None:
    rival = Rival(session=SessionId("other"), paths=("a",), earlier=earlier)
    assert rank(row(State.DONE, totals=WORK, rivals=(rival,))) is expected
    assert rank(row(State.WORKING, totals=WORK, rivals=(rival,))) is Rank.WORKS


def cell(one: str, other: str, *paths: str) -> Cell:
    return Cell(one=SessionId(one), other=other, conflicts=tuple(Conflict(path=path, kind="content") for path in paths))


def done(name: str, state: State = State.DONE) -> Row:
    return row(state, name=name, totals=WORK)


def test_the_order_lands_first_what_disturbs_the_fewest() -> None:
    rows = [done("a"), done("b"), done("c"), done("d", State.WORKING), done("e")]
    cells = [cell("a", "b", "x"), cell("a", "c", "x"), cell("e", "", "y", "z"), cell("b", ""), cell("a", "")]
    rows.append(done("f"))
    cells.append(Cell(one=SessionId("f"), other="", error="bad object"))
    turns = foresight.order(rows, cells)
    assert [turn.name for turn in turns] == ["b", "a", "c", "d", "e", "f"]
    assert [turn.why for turn in turns] == [
        "a would conflict after it",
        "conflicts with b, which lands before it; c would conflict after it",
        "conflicts with a, which lands before it",
        "is not finished",
        "conflicts with main in 2 files",
        "git cannot say whether it merges with main",
    ]


def clash(path: str, lines: int) -> Clash:
    def side(word: str) -> tuple[Change, ...]:
        added = tuple(Line(sign="+", text=f"{word} {n}", new=n) for n in range(1, lines + 1))
        hunk = Hunk(header="def f():", old_start=0, new_start=1, lines=added)
        return (Change(kind=ChangeKind.MODIFIED, path=path, added=lines, removed=0, hunks=(hunk,)),)

    return Clash(conflict=Conflict(path=path, kind="content"), one=side("mine"), other=side("theirs"))


def test_an_agent_is_told_the_task_the_files_and_what_the_other_one_did() -> None:
    one, other = done("one"), done("other").model_copy(update={"prompt": "Rename\nthe client"})
    said = foresight.message(one, other, [clash("a.py", 2)], first=True)
    assert "other, works on the same repository (branch b). Its task: Rename the client" in said
    assert "conflict in: a.py." in said
    assert "@@ -0,0 +1,2 @@ def f():\n+theirs 1\n+theirs 2" in said
    assert "+mine 1" in foresight.message(other, one, [clash("a.py", 2)], first=False)
    assert "Please merge main into your branch" in foresight.message(one, None, [clash("a.py", 2)], first=True)


def test_a_message_is_inert_whatever_the_other_agent_wrote() -> None:
    hostile = clash(f"a{EVERYTHING}.py", 1)
    line = Line(sign="+", text=EVERYTHING, new=1)
    hunk = Hunk(header=EVERYTHING, old_start=0, new_start=1, lines=(line,))
    hostile = hostile.model_copy(update={"other": (hostile.other[0].model_copy(update={"hunks": (hunk,)}),)})
    other = done("other").model_copy(update={"prompt": EVERYTHING, "name": EVERYTHING, "branch": EVERYTHING})
    for told in (other, None):
        said = foresight.message(done("one"), told, [hostile], first=True)
        assert is_inert(said)
        assert len(said) <= foresight.MESSAGE_LIMIT


@pytest.mark.parametrize("files", [1, 40])
def test_a_message_to_an_agent_is_bounded_and_whole(files: int) -> None:
    many: list[Any] = [clash(f"folder/file{n}.py", 3000) for n in range(files)]
    one, other = done("one"), done("other").model_copy(update={"prompt": "word " * 5000})
    said = foresight.message(one, other, many, first=True)
    assert 1000 < len(said) <= foresight.MESSAGE_LIMIT
    assert said.endswith("say what stands in the way.")
