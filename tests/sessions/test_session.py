"""One session around small real programs: started, told, answered, held, ended, lost and found again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sessions import ending, launching, talk
from sessions.control import Control
from sessions.errors import NotAnOption, PaneGone, QuestionGone, SessionError, SubmitFailed
from sessions.events import Active, Answered, Counted, FailedToStart, Launched, Sent
from sessions.models import QuestionId, State
from tests.sessions.pane_program import Played, until

Play = Callable[..., Played]
ECHO = 'state idle; while read -r line; do printf "%s\\n" "$line" >>heard; state working; state idle; done'
ASK = """
tell '{"type": "question", "id": "q1", "title": "Go on?", "options": [{"key": "1", "label": "Yes"}]}'
read -r given; printf '%s' "$given" >given; tell '{"type": "answered", "id": "q1"}'; state done; read -r x
"""

TOOL = """
import os, subprocess
tool = subprocess.Popen(["sleep", "60"], process_group=0)
open("new", "w").write(f"{tool.pid} {os.getpid()}")
os.rename("new", "pids")
tool.wait()
"""


@pytest.fixture
def play(control: Control, tmp_path: Path) -> Iterator[Play]:
    made: list[Played] = []

    def begin(program: str, prompt: str = "", push: bool = True) -> Played:
        made.append(Played(control, tmp_path / f"p{len(made)}", program, prompt=prompt, push=push))
        return made[-1]

    yield begin
    for played in made:
        played.end()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that shows nothing is given up sooner."""
    monkeypatch.setattr(talk, "TAKEN_WITHIN", 0.3)


def _stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


async def test_the_program_sees_the_environment_of_its_caller_and_not_of_tmux(play: Play) -> None:
    here = play('printf "%s|%s|%s" "$WHO" "$TMUX" "$SECRET_OF_THE_SERVER" >env; pwd >where; read -r x')
    await here.start(WHO="a caller's $(value)\nof two lines")
    await until((here.work / "where").exists)
    assert (here.work / "env").read_text() == "a caller's $(value)\nof two lines||"
    await until(lambda: (here.work / "where").read_text() == f"{here.work}\n")


async def test_a_task_is_typed_once_the_program_is_at_its_prompt(play: Play) -> None:
    here = play(ECHO, prompt="-n do 'this' \"now\" $HOME !!")
    await here.start()
    await until((here.work / "heard").exists)
    await here.until(lambda: any(isinstance(event, Sent) for event in here.events))
    assert (here.work / "heard").read_text() == "-n do 'this' \"now\" $HOME !!\n"
    assert isinstance(here.events[0], Launched)
    assert here.events[0].generation == 1


async def test_a_message_counts_as_sent_when_the_program_took_it(play: Play) -> None:
    here = play(ECHO)
    await here.start()
    await here.until_state(State.IDLE)
    await here.session.talk.send("hello 🎉")
    assert here.events[-1] == Sent(text="hello 🎉")
    assert (here.work / "heard").read_text() == "hello 🎉\n"


async def test_a_lost_enter_is_pressed_once_more(play: Play, impatient: None) -> None:
    here = play('state idle; read -r one; read -r two; printf "%s|%s" "$one" "$two" >heard; state working; read -r x')
    await here.start()
    await here.until_state(State.IDLE)
    await here.session.talk.send("text")
    assert (here.work / "heard").read_text() == "text|"
    assert [event for event in here.events if isinstance(event, Sent)] == [Sent(text="text")]


async def test_a_message_that_is_not_taken_is_no_success(play: Play, impatient: None) -> None:
    here = play("state idle; exec cat >/dev/null")
    await here.start()
    await here.until_state(State.IDLE)
    with pytest.raises(SubmitFailed, match="did not take"):
        await here.session.talk.send("text")
    assert not any(isinstance(event, Sent) for event in here.events)


async def test_an_open_question_takes_no_message_only_its_own_answer(play: Play) -> None:
    here = play(ASK)
    await here.start()
    await here.until_state(State.BLOCKED)
    with pytest.raises(SessionError, match="waits for an answer"):
        await here.session.talk.send("text")
    with pytest.raises(QuestionGone, match="asks something else"):
        await here.session.talk.answer("1", asked=QuestionId("q0"))
    with pytest.raises(NotAnOption):
        await here.session.talk.answer("7", asked=QuestionId("q1"))
    assert not (here.work / "given").exists()
    await here.session.talk.answer("1", asked=QuestionId("q1"))
    assert Answered(question=QuestionId("q1"), choice="1") in here.events
    assert (here.work / "given").read_text() == "1"
    await here.until_state(State.DONE)
    with pytest.raises(QuestionGone, match="asks nothing now"):
        await here.session.talk.answer("1", asked=QuestionId("q1"))


async def test_an_answer_reaches_the_program_though_somebody_scrolled_back(play: Play, control: Control) -> None:
    here = play(ASK)
    await here.start()
    await here.until_state(State.BLOCKED)
    await control.command("copy-mode", "-t", here.session.living_pane().id)
    await here.session.talk.answer("1")
    assert (here.work / "given").read_text() == "1"


async def test_a_dialog_that_drops_the_first_keys_is_answered_again(play: Play, impatient: None) -> None:
    here = play(ASK.replace("read -r given", "read -r dropped; read -r given", 1))
    await here.start()
    await here.until_state(State.BLOCKED)
    with pytest.raises(SubmitFailed, match="still shows the same question"):
        await here.session.talk.answer("1")
    await here.session.talk.answer("1")  # what the human does next
    assert (here.work / "given").read_text() == "1"


async def test_a_program_that_ends_when_asked_is_no_crash(play: Play) -> None:
    here = play("state idle; trap 'exit 130' INT; while :; do read -r x; done")
    await here.start()
    await here.until_state(State.IDLE)
    await here.session.stop()
    assert (await here.until_state(State.EXITED, State.CRASHED)).state is State.EXITED
    with pytest.raises(PaneGone, match="does not run"):
        here.session.living_pane()


async def test_a_program_that_will_not_end_is_closed(play: Play, control: Control) -> None:
    here = play("trap '' INT HUP; state idle; while :; do sleep 0.2; done")
    await here.start()
    await here.until_state(State.IDLE)
    pid = here.session.living_pane().pid
    await here.session.stop(within_s=0.3)
    await here.until_state(State.EXITED)
    assert all(pane.session != here.session.id for pane in await control.panes())
    for left in _of(pid):  # ours to clean up: it ignores the hang-up of its terminal
        with suppress(ProcessLookupError):
            os.kill(left, signal.SIGKILL)


def _of(leader: int) -> list[int]:
    said = subprocess.run(["ps", "-o", "pid=", "-s", str(leader)], capture_output=True, text=True, check=False)
    return [int(line) for line in said.stdout.split()]


@pytest.mark.parametrize(
    ("end", "state", "code", "saw"),
    [
        ("exit 0", State.EXITED, 0, "exited with code 0"),
        ("exit 3", State.CRASHED, 3, "exited with code 3"),
        ("kill -9 $$", State.CRASHED, 137, "ended by signal 9"),
    ],
)
async def test_how_it_ended_is_known_even_when_it_ended_at_once(
    play: Play, end: str, state: State, code: int, saw: str
) -> None:
    here = play(f"state working; {end}")
    await here.start()
    status = await here.until_state(State.EXITED, State.CRASHED, State.LOST)
    assert (status.state, status.exit_code, status.why[0].saw) == (state, code, saw)
    assert status.why[0].channel == "exit"  # what it claimed before counts no more


async def test_a_pane_that_somebody_closed_is_lost(play: Play, control: Control) -> None:
    here = play(ECHO)
    await here.start()
    await here.until_state(State.IDLE)
    await control.kill(here.session.id)
    status = await here.until_state(State.LOST)
    assert "closed" in status.why[0].saw
    with pytest.raises(PaneGone):
        await here.session.picture()


async def test_after_a_restart_the_same_program_goes_on_and_nothing_counts_twice(play: Play) -> None:
    here = play('tell \'{"type": "usage", "id": "a", "input": 5, "output": 2}\'; ' + ECHO)
    await here.start()
    await here.until_state(State.IDLE)
    pid = here.session.living_pane().pid
    await here.restart()
    assert here.session.living_pane().pid == pid
    assert here.session.generation == 1
    counted = [event.total for event in here.events if isinstance(event, Counted)]
    assert {(total.input, total.output) for total in counted} == {(5, 2)}
    await here.session.talk.send("after")
    assert (here.work / "heard").read_text() == "after\n"


async def test_an_end_that_nobody_watched_is_found_at_the_restart(play: Play, control: Control) -> None:
    here = play("state working; read -r x; exit 4")
    await here.start()
    await here.until_state(State.WORKING)
    pane = here.session.living_pane()

    async def end() -> None:
        await control.press(pane.id, ("Enter",))
        await until(lambda: launching.exit_code(here.place.folder) == 4)
        await until(lambda: _dead(control, pane.id))

    await here.restart(end)
    status = await here.until_state(State.CRASHED)
    assert status.exit_code == 4


async def _dead(control: Control, pane: str) -> bool:
    return (await control.pane(pane)).dead


async def test_a_held_program_and_its_tools_stand_still_until_they_are_released(play: Play) -> None:
    # The tool is in a process group of its own, as agents run theirs.
    here = play(f"state working; exec {sys.executable} -c '{TOOL}'")
    await here.start()
    await until((here.work / "pids").exists)
    pids = [int(word) for word in (here.work / "pids").read_text().split()]
    assert os.getpgid(pids[0]) != os.getpgid(pids[1])
    here.session.hold(True)
    await until(lambda: all(map(_stopped, pids)))
    await here.restart()
    here.session.hold(False)
    await until(lambda: not any(map(_stopped, pids)))


async def test_an_ended_program_cannot_be_held(play: Play) -> None:
    here = play("exit 0")
    await here.start()
    await here.until_state(State.EXITED)
    with pytest.raises(PaneGone):
        here.session.hold(True)


async def test_a_second_launch_begins_without_what_the_first_left(play: Play) -> None:
    here = play(ASK)
    await here.start()
    await here.until_state(State.BLOCKED)
    here.place.spool.write_text("{}\n")
    (here.place.worktree.parent / "program.sh").write_text("read -r x\n")
    await here.session.start({"PATH": os.environ["PATH"]})
    assert here.session.generation == 2
    assert here.session.status is not None
    assert here.session.status.state is not State.BLOCKED
    assert here.place.spool.read_bytes() == b""
    assert here.place.events.exists()


@pytest.mark.parametrize("push", [True, False], ids=["push", "poll"])
async def test_a_printing_pane_is_looked_at_by_itself(play: Play, push: bool) -> None:
    here = play("stty -echo; state idle; while read -r x; do echo more; done", push=push)
    pictures: list[str] = []
    await here.start()
    await here.until_state(State.IDLE)
    here.session.on_picture = pictures.append
    for _ in range(3):
        pictures.clear()
        await here.session.talk.press(("Enter",), "")
        await asyncio.wait_for(until(lambda: bool(pictures)), 3)
    assert set(pictures) == {here.session.id}
    assert Active(active=True) in here.events


async def test_a_program_that_ends_right_after_its_start_failed_to_start_and_its_last_words_are_kept(
    play: Play,
) -> None:
    here = play("echo 'no such option: --sped'; echo 'see --help'; exit 2")
    await here.start()
    await here.until_state(State.CRASHED)
    (told,) = [event for event in here.events if isinstance(event, FailedToStart)]
    assert told.how.startswith("failed to start: exited with code 2 after ")
    assert told.screen == ("no such option: --sped", "see --help")


async def test_a_program_that_worked_for_a_while_did_start(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "STARTED_S", 0.05)
    here = play("state working; read -r x; exit 2")
    await here.start()
    await here.until_state(State.WORKING)
    await asyncio.sleep(0.05)
    await here.session.talk.press(("Enter",), "")
    await here.until_state(State.CRASHED)
    assert not any(isinstance(event, FailedToStart) for event in here.events)


async def test_a_pane_tells_whose_launch_it_is(play: Play, control: Control) -> None:
    here = play("read -r x")
    await here.start()
    (pane,) = [pane for pane in await control.panes() if pane.session == here.session.id]
    assert pane.tag == launching.tag(here.session.id, 1)
    await here.session.start({"PATH": os.environ["PATH"]}, resumed=True)
    (pane,) = [pane for pane in await control.panes() if pane.session == here.session.id]
    assert pane.tag == launching.tag(here.session.id, 2)
    await until(lambda: launching.leader(here.place.folder, 2) == pane.pid)


async def test_a_session_that_was_closed_tells_nothing_any_more(play: Play) -> None:
    here = play("read -r x; state working; read -r x")
    await here.start()
    here.session.close()
    told = len(here.events)
    here.session.lost("it would say")
    assert len(here.events) == told
