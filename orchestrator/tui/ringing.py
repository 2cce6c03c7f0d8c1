"""Makes the human's terminal tell them of breakpoints, several at once, and only where no other dashboard did."""

from __future__ import annotations

import asyncio
import os
import subprocess
from typing import TYPE_CHECKING

from orchestrator.commands import Refused, Ring
from orchestrator.fleet import Fleet
from orchestrator.link import LinkDown
from orchestrator.notify.ask import Rung
from orchestrator.notify.breakpoints import fresh, marks
from orchestrator.notify.terminal import BELL, able, sequence, through_tmux
from sessions.models import SessionId

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator

GATHER_S = 3.0
"""What happens within it is told in one."""
AWAY_S = 0.5
"""A dashboard that nobody is at asks later: the one with the human is to tell."""
TMUX_S = 5


class Ringing:
    """Of one dashboard. What stood when it opened is in the inbox and is not told."""

    def __init__(self, app: Orchestrator) -> None:
        self._app = app
        self._known: dict[SessionId, str] | None = None
        self._news: dict[SessionId, str] = {}
        self._due = False

    def look(self, fleet: Fleet) -> None:
        """The fleet is so now."""
        now = marks(fleet)
        if self._known is not None:
            self._news |= fresh(self._known, now)
        self._known = now
        if self._news and not self._due:
            self._due = True
            wait = GATHER_S if self._app.attended else GATHER_S + AWAY_S
            self._app.set_timer(wait, self._ask)

    async def _ask(self) -> None:
        self._due = False
        news, self._news = self._news, {}
        try:
            rung = await self._app.link.call(Ring(marks=news))
        except LinkDown:
            return
        except Refused:  # settings that cannot be read must not make it mute
            self._app.bell()
            return
        if rung.title:
            said = await asyncio.to_thread(heard, rung, dict(os.environ))
            if said == BELL:
                self._app.bell()
            else:
                self._app.speak(said)


def heard(rung: Rung, env: dict[str, str]) -> str:
    """What to write to the terminal. Inside tmux only the bell, unless it is allowed to pass more on."""
    if "TMUX" not in env:
        how = able(env) if rung.how == "auto" else rung.how
        return sequence(how, rung.title, rung.body)
    if rung.how in ("bell", "off") or _tmux(env, "show-options", "-Apqv", "allow-passthrough") not in ("on", "all"):
        return sequence("off" if rung.how == "off" else "bell", "", "")
    outer = _tmux(env, "display-message", "-p", "#{client_termname} #{client_termtype}")
    how = able({}, outer) if rung.how == "auto" else rung.how
    return through_tmux(sequence(how, rung.title, rung.body))


def _tmux(env: dict[str, str], verb: str, *words: str) -> str:
    """What the tmux around this dashboard says; it is only asked."""
    pane = ("-t", env["TMUX_PANE"]) if env.get("TMUX_PANE") else ()
    try:
        argv = ["tmux", "-S", env["TMUX"].split(",")[0], verb, *pane, *words]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=TMUX_S)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout.strip()
