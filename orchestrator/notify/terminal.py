"""What makes a terminal tell its human something. Pure.

OSC 9 (iTerm2) carries one text, OSC 777 (rxvt-unicode) a title and a text; everything else knows the bell. xterm.js
and VTE know neither, and ConEmu's kin take an OSC 9 that begins with a number for something else, so only
terminals that are known for it get one.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.notify.ask import How

BELL = "\a"
_KNOWN: tuple[tuple[str, How], ...] = (
    ("iterm", "osc9"),
    ("warp", "osc9"),
    ("kitty", "osc9"),
    ("wezterm", "osc777"),
    ("ghostty", "osc777"),
    ("foot", "osc777"),
    ("rxvt-unicode", "osc777"),
)


def able(env: Mapping[str, str], outer: str = "") -> How:
    """What the terminal can. ``outer``: the names that tmux knows the terminal around it by."""
    names = (outer, env.get("LC_TERMINAL", ""), env.get("TERM_PROGRAM", ""), env.get("TERM", ""))
    said = " ".join(names).lower()
    if "STY" in env:  # screen passes nothing on that it does not know
        return "bell"
    return next((how for name, how in _KNOWN if name in said), "bell")


def sequence(how: How, title: str, body: str) -> str:
    """What to write for it. ``title`` and ``body`` are inert: no character of them ends or begins a sequence."""
    match how:
        case "osc9":
            return f"\x1b]9;orchestrator: {title}{f' · {body}' if body else ''}\x1b\\"
        case "osc777":
            return f"\x1b]777;notify;orchestrator: {title.replace(';', ',')};{body.replace(';', ',')}\x1b\\"
        case "off":
            return ""
        case _:
            return BELL


def through_tmux(said: str) -> str:
    """The same for the terminal around tmux; the bell after it, as tmux drops the rest while its window is hidden."""
    if not said.startswith("\x1b"):
        return said
    doubled = said.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\{BELL}"
