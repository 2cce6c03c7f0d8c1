"""Text as an adversary writes it: every way that is known to act on a terminal, on its reader, or on Rich's markup."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

ATTACKS = {
    "title": "\x1b]0;owned\x07",
    "title, ended by ST": "\x1b]2;owned\x1b\\",
    "clipboard": "\x1b]52;c;b3duZWQ=\x07",
    "clipboard asked": "\x1b]52;c;?\x07",
    "link": "\x1b]8;;file:///etc/passwd\x1b\\click\x1b]8;;\x1b\\",
    "notification": "\x1b]9;owned\x07\x1b]777;notify;owned;owned\x1b\\",
    "palette": "\x1b]4;1;rgb:00/00/00\x07\x1b]11;?\x07",
    "shell integration": "\x1b]133;A\x07\x1b]1337;File=inline=1:AAAA\x07",
    "unterminated": "\x1b]0;owned",
    "passthrough": "\x1bPtmux;\x1b\x1b]52;c;b3duZWQ=\x07\x1b\\",
    "sixel": "\x1bPq#0;2;0;0;0#0~~\x1b\\",
    "application command": "\x1b_Gf=100;AAAA\x1b\\",
    "privacy message": "\x1b^owned\x1b\\",
    "start of string": "\x1bXowned\x1b\\",
    "window name": "\x1bkowned\x1b\\",
    "reports": "\x1b[c\x1b[>c\x1b[6n\x1b[?2026$p\x1b[21t\x1bZ\x05",
    "screen": "\x1b[2J\x1b[H\x1b[3J\x1bc\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?2004l",
    "rows": "\x1b[5A\x1b[2Kowned\x1b[1;1Howned\x1b[2;4r\x1bM\x1bD\x1bE",
    "characters": "\x1b(0\x0e\x1b#8\x1b%@",
    "hidden by colour": "\x1b[8mowned\x1b[30;40mowned\x1b[0m",
    "C1": "\x9b2J\x9d0;owned\x9c\x90q\x9c\x85\x84\x8d\x9f\x9e\x98",
    "C1 as bytes": "\udc9b2J\udc9d0;owned\udc9c",
    "overwriting": "rm -rf /\recho ok  ",
    "backspaces": "rm\b\becho",
    "NUL, BEL, tab, feeds": "a\x00b\x07c\td\x0be\x0cf\x7fg",
    "direction": "x\u202etxt.exe\u202c \u2067y\u2069 \u200f!\u061c",
    "unclosed isolate": "x\u2066\u202d\u202b",
    "no width": "pay\u200bpal\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e",
    "tags": "hi\U000e0001\U000e0072\U000e006d\U000e0020\U000e007f",
    "selectors": "a\ufe00\ufe0f\U000e0100\U000e01ef",
    "separators": "a\u2028b\u2029c\x85d",
    "fillers": "a\u3164b\u115f\u1160\uffa0",
    "crowded letter": "e" + "\u0301\u0489" * 40,
    "mark at the beginning": "\u0338\u20e0x",
    "surrogates": "\ud800\udfff\udcff\udc80",
    "not characters": "\ufffe\uffff\ufdd0",
    "emoji": "👩🏽\u200d💻 ❤\ufe0f\u200d🔥 🏴\U000e0067\U000e0062\U000e007f 1\ufe0f\u20e3",
    "right to left": "שלום 12 العربية 34 +5",
    "markup": '[bold red]x[/] [@click=app.quit]x[/] [link=file:///x]x[/link] [/] [a=" \\[ $x',
    "format": "#[fg=red]#(touch owned)#{pane_id} %s {0} $HOME `x`",
    "long": "ä" * 600,
}
EVERYTHING = " ".join(attack for name, attack in ATTACKS.items() if name != "long")

_PIECES = st.one_of(
    st.sampled_from(sorted(ATTACKS.values())),
    st.text(st.characters(), max_size=8),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"]), max_size=8),
    st.sampled_from(["\n", "\r\n", "\r", "\t", "  ", "\x1b", "\x1b[", "\x1b]", "\x9b", "‹", "›", "◌", "👩", "\u200d"]),
)
hostile = st.lists(_PIECES, max_size=8).map("".join)
"""Strategy: attacks, parts of them and any characters, in any order."""

_ACTS = {"Cc", "Cs", "Zl", "Zp"}
_SEEN_CF = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")


def acting(text: str) -> list[str]:
    """Characters that no terminal may get, told by the Unicode database and not by what the module thinks."""
    found = []
    for char in text:
        kind = unicodedata.category(char)
        if char != "\n" and (kind in _ACTS or (kind == "Cf" and char not in _SEEN_CF and ord(char) < 0x13430)):
            found.append(f"U+{ord(char):04X}")
    return found
