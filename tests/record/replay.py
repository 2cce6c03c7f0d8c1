"""Plays tapes through reader and engine again and compares with the labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sessions import agents
from sessions.agents.contract import Place
from sessions.models import Kind, State
from sessions.perception import Perception
from sessions.status import SECOND_LOOK
from tests.record import tape as tapes
from tests.record.tape import Label, Tape

CORPUS = Path(__file__).parents[1] / "corpus"


@dataclass(frozen=True)
class Outcome:
    """One labelled moment and what the detector said of it."""

    tape: Tape
    label: Label
    state: State | None
    kind: Kind | None
    why: str

    @property
    def right(self) -> bool:
        return self.state is self.label.state and (self.label.kind is None or self.kind is self.label.kind)


def corpus(folder: Path = CORPUS) -> Iterator[Tape]:
    """Every tape, by agent, version and flow."""
    for path in sorted(folder.glob("*/*/*.jsonl.gz")):
        yield tapes.load(path)


def replay(tape: Tape, *, screen_only: bool = False) -> list[Outcome]:
    """``screen_only``: without files, hooks and bytes, as if nothing but the pane could be seen."""
    agent = agents.get(tape.agent)
    place = Place(folder=Path(tape.folder), worktree=Path(tape.worktree), env=tape.env)
    perception: Perception | None = None
    found: list[Outcome] = []
    for entry in tape.entries:
        at = tape.at(entry["at"])
        match entry["what"]:
            case "begin":
                spec = tapes.spec(entry)
                perception = Perception(agent.reader(spec, place), None, task=entry["task"], since=spec.started_at)
            case "read" if perception is not None and not screen_only:
                perception.read(tapes.reading(tape, entry))
            case "look" if perception is not None:
                perception.look(tapes.screen(tape, entry))
            case "printing" if perception is not None:
                perception.printing(entry["active"], at)
            case "held" if perception is not None:
                perception.held(entry["stopped"], at)
            case "ended" if perception is not None:
                perception.ended(entry["code"], entry["how"], at, asked=entry["asked"])
            case "label" if perception is not None:
                # Where nothing but the screen tells, rest takes a second look; no look is on the tape for it.
                perception.judge(at + SECOND_LOOK if screen_only else at)
                status = perception.status
                saw = status.why[0] if status is not None and status.why else None
                why = f"{saw.channel} {saw.rule or ''} {saw.saw}" if saw is not None else "nothing"
                label = Label.model_validate(entry["label"])
                state = status.state if status is not None else None
                if screen_only and state is State.IDLE and label.state is State.DONE:
                    state = State.DONE  # no screen tells them apart
                found.append(Outcome(tape, label, state, status.kind if status is not None else None, why))
    return found
