"""A fleet in which everything that others wrote is hostile. ``python -m tests.orchestrator.hostile_fleet`` opens it."""

from __future__ import annotations

from pathlib import Path

from orchestrator.commands import DiffReply, Done, MergePreview, Refused, TranscriptReply
from orchestrator.events import Created, Noticed
from orchestrator.replies import LogReply, RemovePreview
from orchestrator.sights import Cell, ClashReply, RadarReply, Sight, Turn
from sessions.events import Said
from sessions.models import Entry, Kind, Option, Question, QuestionId, Role, SessionId, State
from sessions.risk import Risk
from tests.hostile import ATTACKS, EVERYTHING
from tests.orchestrator.sample import NOW, SampleLink
from worktrees.inert import valid
from worktrees.models import Change, ChangeKind, Clash, Conflict, Hunk, Line, Method

SHORT = "x\u202etxt.exe [bold red]\x1b]0;owned\x07\r日本語 e\u0301\u0301\u0301\u0301\u0301\u0301 שלום"


def question(name: str, text: str, kind: Kind = Kind.PERMISSION) -> Question:
    options = tuple(Option(key=str(n), label=text, detail=text) for n in (1, 2))
    return Question(
        id=QuestionId(name),
        kind=kind,
        title=text,
        text=f"why: {text}",
        command=text if kind is Kind.PERMISSION else None,
        path=text,
        options=options,
        multiple=kind is Kind.QUESTION,
        free_text=True,
        asked_at=NOW,
        risk=Risk.DELETES,
        risk_because=text,
    )


def fleet(texts: dict[str, str], *, raw: bool = True) -> SampleLink:
    """One session for each of ``texts``, hostile in every field. ``raw``: lone surrogates too; no wire carries them."""
    link = SampleLink(rows=())
    states = (State.BLOCKED, State.WORKING, State.DONE, State.IDLE)
    for number, text in enumerate(texts.values() if raw else map(valid, texts.values())):
        created = Created(
            name=text,
            agent=text,
            prompt=text,
            repository=text,
            branch=text,
            base=text,
            base_commit="5f2d0c9a" * 5,
            target=text,
            worktree=f"/home/{text}",
        )
        link._append(SessionId(f"s{number:02}"), created, NOW)
        state = states[number % len(states)]
        link.emit(text, Said(text=text))
        kind = (Kind.PERMISSION, Kind.QUESTION)[number // 4 % 2]
        link.status(text, state, question(f"q{number}", text, kind) if state is State.BLOCKED else None, 61 + number)
        link.picture(text, text)
    everything = next(iter(texts.values())) if len(texts) == 1 else EVERYTHING
    everything = everything if raw else valid(everything)
    lines = tuple(Line(sign=sign, text=text, new=n) for n, text in enumerate(texts.values()) for sign in " +-")
    hunk = Hunk(header=everything, old_start=1, new_start=1, lines=lines)
    conflict = Conflict(path=everything, kind=everything)
    side = (Change(kind=ChangeKind.RENAMED, path=everything, old_path=everything, hunks=(hunk,)),)
    ids = [row.id for row in link.fleet]
    cells = [Cell(one=ids[0], other=other, conflicts=(conflict,)) for other in ("", *ids[1:])]
    cells += [Cell(one=one, other="", error=everything) for one in ids[1:]]
    turns = [Turn(session=row.id, name=row.name, target=row.target, why=everything) for row in link.fleet]
    link.answers = {
        "radar": RadarReply(sights=(Sight(repository=everything, order=tuple(turns), cells=tuple(cells)),)),
        "clash": ClashReply(
            one=everything,
            other=everything,
            clashes=(Clash(conflict=conflict, one=side, other=side),),
            to_one=everything,
        ),
        "preview_merge": MergePreview(
            target=everything,
            method=Method.SQUASH,
            files=1,
            added=2,
            removed=3,
            uncommitted=4,
            behind=5,
            conflicts=(everything,),
            message=everything,
            checks=(everything,),
            refusal=everything,
            hint=everything,
        ),
        "preview_remove": RemovePreview(uncommitted=1, unmerged=1, running=True, attic=everything),
        "diff": DiffReply(
            base=everything,
            changes=tuple(
                Change(kind=ChangeKind.RENAMED, path=text, old_path=text[::-1], added=1, removed=2, hunks=(hunk,))
                for text in texts.values()
            ),
            patch=everything,
        ),
        "transcript": TranscriptReply(
            entries=tuple(
                Entry(role=role, text=text, title=title)
                for text in texts.values()
                for role, title in ((Role.USER, ""), (Role.AGENT, ""), (Role.TOOL, text), (Role.TOOL, "result"))
            )
        ),
        "log": LogReply(lines=tuple(texts.values()), seq=9),
        "send": Done(message=everything),
        "update": Refused(everything, everything),
    }
    return link


def noticed(link: SampleLink) -> None:
    link.emit(None, Noticed(level="error", title=EVERYTHING, message=EVERYTHING))


if __name__ == "__main__":
    from orchestrator.tui.app import Orchestrator

    given = fleet(ATTACKS)
    Orchestrator(lambda: given, Path("/home/dev/shop")).run()
