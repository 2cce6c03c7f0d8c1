"""How things look: a state is a glyph, a word of four letters and a colour, never a colour alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from orchestrator.amounts import number as number
from orchestrator.attention import Rank, rank
from orchestrator.fleet import Row
from sessions.models import ENDED, State
from sessions.risk import WORDS, Risk
from worktrees import inert

_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Look:
    """``colour`` is a name of the theme: warning, error, primary, success, accent, "" for dim."""

    glyph: str
    word: str
    colour: str
    bold: bool = False

    @property
    def text(self) -> str:
        return f"{self.glyph} {self.word}"


_LOOKS = {
    Rank.ASKS: ("▲", "!", "ASK", "warning", True),
    Rank.CONFLICT: ("≠", "#", "CONF", "error", True),
    Rank.FAILED: ("✗", "x", "FAIL", "error", True),
    Rank.WONDERS: ("?", "?", "ASK?", "warning", False),
    Rank.WORKS: ("●", "*", "RUN", "primary", False),
    Rank.RESTS: ("◌", "o", "IDLE", "", False),
    Rank.MERGES: ("⇄", "=", "MERG", "accent", False),
    Rank.READY: ("✓", "+", "DONE", "success", False),
    Rank.LANDED: ("✓", "+", "LAND", "", False),
    Rank.HELD: ("‖", "-", "HOLD", "", False),
}
_STATES = {
    State.STARTING: ("…", ".", "INIT", "", False),
    State.BACKGROUND: ("●", "*", "BACK", "primary", False),
    State.RETRYING: ("↻", "r", "RTRY", "warning", False),
    State.RATE_LIMITED: ("◔", "l", "LIMT", "warning", False),
    State.CRASHED: ("✗", "x", "CRSH", "error", True),
    State.LOST: ("✗", "x", "LOST", "error", True),
    State.EXITED: ("□", "e", "EXIT", "", False),
    State.UNKNOWN: ("?", "?", "UNKN", "", False),
}


_RISKS = {
    Risk.READS: ("○", "o", ""),
    Risk.WRITES_INSIDE: ("○", "o", ""),
    Risk.WRITES_OUTSIDE: ("▲", "!", "warning"),
    Risk.DELETES: ("▲", "!", "warning"),
    Risk.NETWORK: ("▲", "!", "warning"),
    Risk.UNKNOWN: ("?", "?", "warning"),
}


_CHECKS = {
    "passed": ("✓", "+", "success"),
    "flaky": ("~", "~", "warning"),
    "failed": ("✗", "x", "error"),
    "timeout": ("✗", "x", "error"),
    "void": ("✗", "x", "error"),
    "blocked": ("✗", "x", ""),
    "skipped": ("·", ".", ""),
    "runs": ("◌", "o", "primary"),
    "again": ("↻", "r", "warning"),
    "waits": ("…", ".", ""),
}


@cache
def plain() -> bool:
    """Only ASCII: asked for by ``ORCHESTRATOR_ASCII``, or the terminal cannot do more."""
    encoding = (getattr(sys.__stdout__, "encoding", None) or "utf-8").lower().replace("-", "")
    return bool(os.environ.get("ORCHESTRATOR_ASCII")) or not encoding.startswith("utf")


def look(row: Row) -> Look:
    """How the state of ``row`` is shown."""
    where = rank(row)
    known = _STATES.get(row.state) if where in (Rank.WORKS, Rank.FAILED, Rank.RESTS) else None
    return _look(known or _LOOKS[where])


def look_of(where: Rank) -> Look:
    return _look(_LOOKS[where])


def _look(found: tuple[str, str, str, str, bool]) -> Look:
    glyph, ascii_, word, colour, bold = found
    return Look(ascii_ if plain() else glyph, word, colour, bold)


def check_look(state: str) -> tuple[str, str]:
    """Glyph and colour of how a check came out, or of the mark of all of a session's."""
    glyph, ascii_, colour = _CHECKS.get(state, (" ", " ", ""))
    return ascii_ if plain() else glyph, colour


def risk_look(risk: Risk) -> Look:
    """How bad a yes can be. ``word`` is a sentence here."""
    glyph, ascii_, colour = _RISKS[risk]
    return Look(ascii_ if plain() else glyph, WORDS[risk], colour, bool(colour))


def no_picture(row: Row | None) -> str:
    """What is said in place of a session's picture while there is none."""
    if row is None:
        return ""
    if row.launch_failure is not None:
        return one_line(row.launch_failure)
    if row.status.state in ENDED:
        return "Its program has ended.  r starts it again · D drops the session"
    return "Waiting for its picture …" if row.pane is not None else "It is being started …"


def tokens(number: int) -> str:
    """812, 14k, 3.1M."""
    if number < 1000:
        return str(number)
    return f"{number / 1000:.0f}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


def age(seconds: float) -> str:
    """37s, 4m12s, 22m, 3h, 2d."""
    whole = int(max(0.0, seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 3600:
        return f"{whole // 60}m"
    return f"{whole // 3600}h" if whole < 86400 else f"{whole // 86400}d"


def listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def money(dollars: float | None) -> str:
    return "" if dollars is None else f"${dollars:.2f}"


def bars(values: Sequence[float]) -> str:
    """A sparkline in one line; flat nothing is the lowest bar."""
    top = max(values, default=0.0)
    if plain():
        return ""
    return "".join(_BARS[min(7, int(value / top * 7.999))] if top > 0 else _BARS[0] for value in values)


one_line = inert.line


def short(name: str) -> str:
    """A name among words of ours, in at most 80 cells: a longer one would push them off the screen."""
    return cut(one_line(name), 80)


def safe(text: str) -> str:
    """``text`` with its lines, inert; tabs become four blanks."""
    return inert.block(text, 4)


def filled(text: str, width: int) -> str:
    """``text`` with blanks behind it, up to ``width`` cells."""
    from rich.cells import cell_len

    return text + " " * max(0, width - cell_len(text))


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, with an ellipsis where it was cut."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + ("~" if plain() else "…") if width > 0 else ""
