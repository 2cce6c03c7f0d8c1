"""What is typed into panes, what is read from them, and the tmux server that they live in."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sessions import talk, typing
from sessions.agents.claude import Claude
from sessions.agents.contract import Place, Screen
from sessions.errors import HumanTypes, PaneGone, QuestionGone
from sessions.events import Sent
from sessions.models import QuestionId, Spec, State
from sessions.perception import Perception
from tests.faults.guards import Guard
from tests.faults.matrix import fault
from tests.faults.pane import ECHO, panes
from tests.faults.scene import Scene
from tests.sessions.pane_program import Played

SCREENS = Path(__file__).parents[1] / "sessions" / "screens" / "claude"
ASK = (
    'tell \'{"type": "question", "id": "%s", "title": "%s", "options": [{"key": "1", "label": "Yes"}]}\'; '
    'read -r given; printf \'%%s\' "$given" >given-%s; tell \'{"type": "answered", "id": "%s"}\'; state done; '
)


def _asked(here: Played) -> str | None:
    status = here.session.status
    return status.question.id if status is not None and status.question is not None else None


def _ask(name: str, title: str) -> str:
    return ASK % (name, title, name, name)


@fault(
    33,
    Guard("a message counts as sent once the program is seen to take it", {"sessions.talk:Talk._taken": "soon_true"}),
)
async def test_33_a_pasted_prompt_loses_its_enter(scene: Scene) -> None:
    """The program drops the first Enter: it is pressed once more, and only then does the message count as sent."""
    scene.set(talk, "TAKEN_WITHIN", 0.5)
    async with panes(scene) as stage:
        drops = 'state idle; read -r one; read -r two; printf "%s" "$one" >heard; state working; read -r x'
        here = await stage.play(drops)
        await here.until_state(State.IDLE)
        with scene.attempt():
            await here.session.talk.send("do it")
        sent = Sent(text="do it") in here.events
        heard = here.work / "heard"
        scene.safe(heard.exists() or not sent, "the message is told to be sent, and stands in the input line")
        if scene.guarded:
            assert sent
            assert heard.read_text() == "do it"


def _screen(text: str, at: datetime) -> Screen:
    return Screen(lines=tuple(text.split("\n")), title="", at=at)


REWORDED = (
    ("Do you want to proceed?", "How shall I go on with it?"),
    ("❯ 1. Yes", "▸ (a) go on"),
    ("  2. Yes, and always", "  (b) always"),
    ("  3. Yes, and switch", "  (c) switch"),
    ("  4. No", "  (d) leave it"),
    ("Esc to cancel · Tab to amend", "arrows choose"),
    (" Bash command", " A command"),
)


@fault(
    35,
    Guard("what no rule knows is unknown", {"sessions.agents.dialogs:match": "idle_by_default"}),
    Guard(
        "no key is pressed for a dialog that the screen does not show", {"sessions.agents.dialogs:shown": "as_it_was"}
    ),
)
def test_35_the_vendor_changes_a_screen(scene: Scene) -> None:
    """A dialog that no rule knows any more: the session is unknown, not idle, and an answer presses no key."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    known = (SCREENS / "permission-command.txt").read_text()
    changed = known
    for was, becomes in REWORDED:
        assert was in changed, was
        changed = changed.replace(was, becomes)
    agent = Claude()
    spec = Spec(agent="claude", name="c")
    place = Place(folder=scene.folder, worktree=scene.folder, env={})
    seen = Perception(agent.reader(spec, place))
    for second in range(60):
        seen.look(_screen(changed, now + timedelta(seconds=second)))
    assert seen.status is not None
    scene.safe(seen.status.state is State.UNKNOWN, f"a dialog that waits is shown as {seen.status.state}")
    before = Perception(agent.reader(spec, place))
    before.look(_screen(known, now))
    assert before.status is not None
    question = before.status.question
    assert question is not None
    steps: object = None
    with scene.attempt() as refusal:
        steps = agent.answer(question, "y", "", _screen(changed, now))
    scene.safe(steps is None, f"keys were guessed: {steps}")
    scene.refused(refusal, QuestionGone, "not on the screen")


@fault(36, Guard("an answer names its question", {"sessions.talk:Talk._open_question": "any_question"}))
async def test_36_an_answer_arrives_when_something_else_is_asked(scene: Scene) -> None:
    """The human answers what was on the screen a moment ago; the program asks another thing by now."""
    async with panes(scene) as stage:
        here = await stage.play(_ask("q1", "Go on?") + _ask("q2", "Delete everything?") + "read -r x")
        await here.until_state(State.BLOCKED)
        await here.session.talk.press(("1", "Enter"), "")  # somebody answers the first in the pane
        await here.until(lambda: _asked(here) == "q2")
        with scene.attempt() as refusal:
            await here.session.talk.answer("1", asked=QuestionId("q1"))
        scene.safe(not (here.work / "given-q2").exists(), "a question was approved that nobody had seen")
        scene.refused(refusal, QuestionGone, "Delete everything?")


@fault(36, Guard("a new launch closes the questions of the one before", {"sessions.launching:clear": "nothing"}))
async def test_36_a_permission_prompt_is_orphaned_by_a_resume(scene: Scene) -> None:
    """The program was killed while it asked, and goes on without asking: the old prompt must not be answered."""
    async with panes(scene) as stage:
        here = await stage.play(_ask("q1", "Go on?"))
        await here.until_state(State.BLOCKED)
        (here.place.worktree.parent / "program.sh").write_text("read -r x; echo $x >typed; read -r y\n")
        await here.session.start({"PATH": os.environ["PATH"]}, resumed=True)
        with scene.attempt() as refusal:
            await here.session.talk.answer("1", asked=QuestionId("q1"))
        if not scene.guarded:
            await scene.until((here.work / "typed").exists, "")  # its answer arrives when nobody waits for it any more
        scene.safe(not (here.work / "typed").exists(), "an answer was typed into a program that asks nothing")
        scene.refused(refusal, QuestionGone, "asks nothing now")


@fault(
    41,
    Guard(
        "tmux itself looks whether the pane is dead, in the same command",
        {"sessions.control:Control._guarded": "at_once"},
    ),
)
async def test_41_a_paste_into_a_dead_pane_kills_tmux(scene: Scene) -> None:
    """tmux 3.3a dies of it, and every agent with it."""
    async with panes(scene) as stage:
        ends = await stage.play("exit 0")
        await ends.until_state(State.EXITED)
        pane = ends.session.pane
        assert pane is not None
        with scene.attempt() as refusal:
            await stage.control.paste(pane.id, "text")
        scene.safe(stage.alive(), "the tmux server died, with every agent in it")
        scene.refused(refusal, PaneGone, "nothing was pasted")
        other = await stage.play(ECHO)
        await other.until_state(State.IDLE)


@fault(
    42,
    Guard("a window is sized by itself, never by a global option", {"sessions.control:Control.resize": "resize_all"}),
)
async def test_42_a_global_manual_window_size_kills_tmux(scene: Scene) -> None:
    """tmux 3.3a dies at the next new session after ``set -g window-size manual``."""
    async with panes(scene) as stage:
        first = await stage.play(ECHO)
        await first.until_state(State.IDLE)
        await stage.control.resize(first.session.living_pane().id, 90, 30)
        with scene.attempt():
            await stage.control.spawn("other", ("cat",), str(scene.folder), 80, 24, "other")
        scene.safe(stage.alive(), "the tmux server died, with every agent in it")
        if scene.guarded:
            assert (await stage.control.pane(first.session.living_pane().id)).width == 90


class Terminal:
    """A human's terminal, attached to a session's pane."""

    def __init__(self, scene: Scene, socket: str, session: str) -> None:
        self._keys, inner = os.openpty()
        argv = ["tmux", "-L", socket, "attach-session", "-t", f"={session}"]
        env = {**os.environ, "TERM": "xterm-256color"}
        process = subprocess.Popen(argv, stdin=inner, stdout=inner, stderr=inner, env=env, start_new_session=True)
        os.close(inner)
        self._drain = threading.Thread(target=self._read, daemon=True)
        self._drain.start()
        scene.finally_(process.wait)
        scene.finally_(process.kill)

    def type(self, text: str) -> None:
        os.write(self._keys, text.encode())

    def _read(self) -> None:
        with suppress(OSError):
            while os.read(self._keys, 1 << 16):
                pass


@fault(
    34,
    Guard(
        "what we type is held while somebody types",
        {"sessions.typing:Hands.rest": "at_peace", "sessions.typing:Hands.check": "at_peace"},
    ),
)
async def test_34_the_user_types_while_we_inject(scene: Scene) -> None:
    """Half a sentence of the human stands in the input line, and goes on: ours is neither glued to it nor sends it."""
    scene.set(talk, "TAKEN_WITHIN", 0.5)
    scene.set(typing, "HOLD_S", 3.0)
    async with panes(scene) as stage:
        here = await stage.play(ECHO)
        await here.until_state(State.IDLE)
        human = Terminal(scene, stage.socket, here.session.id)
        human.type("rm -rf ")
        await here.shows("rm -rf")
        sending = asyncio.ensure_future(here.session.talk.send("the build folder"))
        while not sending.done():
            human.type(".")
            await asyncio.wait({sending}, timeout=0.3)
        with scene.attempt() as refusal:
            await sending
        heard = here.work / "heard"
        scene.safe(not heard.exists(), f"sent in the human's name: {heard.read_text() if heard.exists() else ''}")
        scene.refused(refusal, HumanTypes, "somebody is typing", "nothing was put in")


@fault(34, Guard("no Enter after somebody typed", {"sessions.typing:Hands.check": "at_peace"}))
async def test_34_the_user_types_between_our_words_and_our_enter(scene: Scene) -> None:
    """The human begins to type while our message is drawn: it is left standing, and that is said."""
    scene.set(talk, "TAKEN_WITHIN", 0.5)
    async with panes(scene) as stage:
        here = await stage.play(ECHO)
        await here.until_state(State.IDLE)
        human = Terminal(scene, stage.socket, here.session.id)

        async def typed_meanwhile(before: Screen) -> None:
            human.type("and more")
            await here.shows("and more")

        scene.set(here.session.talk, "_settled", typed_meanwhile)
        with scene.attempt() as refusal:
            await here.session.talk.send("ours ")
        scene.safe(not (here.work / "heard").exists(), "what the human had begun to type was sent")
        scene.refused(refusal, HumanTypes, "not sent", "orchestrator attach")
