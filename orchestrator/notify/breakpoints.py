"""Where one piece of work ends and the next has not begun: when to tell, and in which words. Pure.

An interruption costs least at such a breakpoint (Iqbal & Bailey 2008). Those of an agent are: it asks, it failed, its
turn ended; and of all of them together: nobody works any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from orchestrator.attention import Rank, rank
from orchestrator.fleet import Fleet, Row
from orchestrator.inbox.order import ended, inbox, kind
from orchestrator.inbox.telling import what
from orchestrator.notify.ask import Rung
from sessions.models import BUSY, SessionId, State
from worktrees import inert

ASKS, FAILED, DONE, OVER = "asks", "failed", "done", "over"
MOST_NAMES = 4
MOST_WORDS = 240
_MARKUP = str.maketrans("<>", "‹›")
"""Desktops read tags in a notification's text: an agent's words must not be any."""


def breakpoint_of(row: Row) -> str:
    """Which breakpoint the session is at: its class and what names this very one; empty: none."""
    question = row.status.question
    since = f"{row.status.since:%Y%m%dT%H%M%S.%f}"
    if rank(row) is Rank.ASKS:
        return f"{ASKS}/{question.id if question is not None else since}"
    if not (wants := kind(row)):
        return ""
    if wants == "failed":
        return f"{FAILED}/{since}"
    if row.state is State.DONE:
        return f"{DONE}/{since}"
    return f"{OVER}/{since}" if ended(row) and row.stopped is None else ""


def marks(rows: Iterable[Row]) -> dict[SessionId, str]:
    """The sessions that are at a breakpoint."""
    return {row.id: mark for row in rows if (mark := breakpoint_of(row))}


def fresh(before: Mapping[SessionId, str], now: Mapping[SessionId, str]) -> dict[SessionId, str]:
    """What was not there before. A program that ends after its turn is no news."""
    return {
        session: mark
        for session, mark in now.items()
        if mark != (was := before.get(session, "")) and not (mark.startswith(OVER) and was.startswith((DONE, OVER)))
    }


def told(fleet: Fleet, news: Mapping[SessionId, str], on: Collection[str], now: datetime) -> Rung:
    """``news`` in words, in the order of attention; without a title when ``on`` wants none of it told."""
    classes = {session: _class(mark) for session, mark in news.items()}
    at_rest = "rest" in on and bool({DONE, FAILED} & set(classes.values())) and rests(fleet)
    said: list[tuple[str, str, str]] = []
    for item in inbox(fleet, now):
        for row in item.rows:
            if row.id in classes and (classes[row.id] in on or at_rest):
                said.append((inert.line(row.name), classes[row.id], f"{item.kind}: {what(item)}"))
    if not said:
        return Rung()
    if len(said) == 1:
        name, about, words = said[0]
        title = f"{name} {_VERBS[about]}" + (", all agents are at rest" if at_rest else "")
        return Rung(title=title, body=_cut(words))
    asking = sum(about == ASKS for _, about, _ in said)
    title = "all agents are at rest" if at_rest else _counted(asking, len(said))
    named = ", ".join(f"{name} {_VERBS[about]}" for name, about, _ in said[:MOST_NAMES])
    more = len(said) - MOST_NAMES
    return Rung(title=title, body=_cut(named + (f" and {more} more" if more > 0 else "")))


_VERBS = {ASKS: "asks", FAILED: "failed", DONE: "is done"}


def rests(fleet: Fleet) -> bool:
    """More than one session, none of which works or asks, and nothing that waits to start."""
    rows = list(fleet)
    active = any(row.state in BUSY or row.merging is not None or rank(row) is Rank.ASKS for row in rows)
    return len(rows) > 1 and not active and not fleet.queue.waiting


def _counted(asking: int, all_: int) -> str:
    if asking:
        return f"{asking} {'agent asks' if asking == 1 else 'agents ask'}"
    return f"{all_} agents stopped"


def _class(mark: str) -> str:
    about = mark.partition("/")[0]
    return DONE if about == OVER else about


def _cut(words: str) -> str:
    plain = inert.line(words).translate(_MARKUP)
    return plain if len(plain) <= MOST_WORDS else plain[: MOST_WORDS - 1] + "…"
