"""Text of others made inert: what an agent, a repository or a model wrote is seen, and never acts on a terminal.

Everything that acts is drawn instead of being left out, so that a reviewer sees that something is there:

==================================================  ================================================================
C0 controls and DEL (ESC, BEL, BS, NUL, lone CR)    their picture, one cell: ``␛`` ``␇`` ``␈`` ``␀`` ``␍``
C1 controls, writing direction, what has no width,  their number: ``‹U+009B›`` ``‹U+202E›`` ``‹U+200B›``
soft hyphens, U+2028, noncharacters
bytes that are no UTF-8 (lone surrogates)           the byte: ``‹xFF›``
tag characters, which spell hidden ASCII            what they spell: ``‹tags: rm -rf›``
more than 4 marks on one letter                     4 of them and the number of the others: ``‹+34›``
a mark that would sit on our own text before it     on a circle of its own: ``◌́``
==================================================  ================================================================

Two things are left out without a trace, because terminals do not agree on their width and they hide nothing: the
variation selector or skin tone of an emoji, and the joiner between two emoji (both stay). Letters that look like
others are not treated here. What is marked: the C0 and C1 sets of ECMA-48, and Unicode's Default_Ignorable_Code_Point.

All functions take any ``str``, are idempotent but for :func:`apart`, and return at most 9 times as many characters.
"""

from __future__ import annotations

import re
from unicodedata import category

_HIDDEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\\u2060-\\u206f\\u3164\ud800-\udfff\\ufdd0-\\ufdef\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\ufffe\\uffff"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff"
)
# Generous: what of it really is a mark, unicodedata tells.
_MARKS = (
    r"\u0300-\u036f\u0483-\u0489\u0590-\u109f\u135d-\u135f\u1700-\u1cff\u1dc0-\u1dff\u20d0-\u20f0\u2cef-\u2cf1\u2d7f"
    r"\u2de0-\u2dff\u302a-\u302f\u3099\u309a\ua66f-\uabff\ufb1e\ufe20-\ufe2f\U000101fd-\U00011fff\U00016af0-\U00016fff"
    r"\U0001bc9d\U0001bc9e\U0001cf00-\U0001d244\U0001da00-\U0001e9ff"
)
_EMOJI = r"\xa9\xae\u203c-\u3299\U0001f000-\U0001f3fa\U0001f400-\U0001faff"
_RTL = r"\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"

_ASCII_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_CONTROLS = re.compile(f"[{_HIDDEN}]")
_SUSPECT = re.compile(f"[{_HIDDEN}{_MARKS}]")  # one look at text that is not ASCII: most of it has none
_RUNS = re.compile(rf"\r\n|[\U000e0020-\U000e007f]+|[{_HIDDEN}]")
_LOOKS = re.compile(
    rf"(?<=[{_EMOJI}])[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff](?![\ufe00-\ufe0f])|(?<=[0-9#*])\ufe0f(?=\u20e3)"
)
_JOINERS = re.compile(rf"(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}])")
_CROWDS = re.compile(rf"(?:\A|\n)[{_MARKS}]|[{_MARKS}]{{5}}")
_TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
_LONE = re.compile("[\ud800-\udfff]")
_TURNED = re.compile(f"[{_RTL}](?:[{_RTL} ]*[{_RTL}])?")
_LTR_MARK = "\u200e"
_ON_A_LETTER = 4


def line(text: str) -> str:
    """``text`` in one line: line ends, tabs and runs of blanks become one blank, everything else that acts is drawn."""
    if (text.isascii() and text.isprintable()) or not _SUSPECT.search(text):
        return " ".join(text.split())
    return _tamed(" ".join(_drawn(text).split()))


def block(text: str, tab: int = 8) -> str:
    """``text`` with its lines and blanks as they are, everything else that acts drawn; tabs become blanks."""
    ascii_only = text.isascii()
    if ascii_only and text.isprintable():
        return text
    if (_ASCII_CONTROLS if ascii_only else _SUSPECT).search(text):
        text = _tamed(_drawn(text))
    return text.expandtabs(tab) if "\t" in text else text


def picture(text: str) -> str:
    """A piece of a terminal's picture, in which every character has its cells: what has none is left out unmarked.

    A skin tone becomes the two blanks that tmux keeps for it.
    """
    if text.isascii() and text.isprintable():
        return text
    return _CONTROLS.sub("", _TONES.sub("  ", text.replace("\t", " ").replace("\n", " ")))


def is_inert(text: str) -> bool:
    """Nothing in ``text`` acts on a terminal or hides from the eye; line ends count as nothing that does."""
    return "\t" not in text and not _CONTROLS.search(text)


def valid(text: str) -> str:
    """``text`` as valid Unicode, else unaltered: fit for JSON and UTF-8, not for a terminal."""
    return text if text.isascii() else _LONE.sub(_name, text)


def escaped(json: str) -> str:
    """A JSON document with everything that acts as ``\\u`` escapes: the same document, inert."""
    return json if json.isascii() and "\x7f" not in json else _CONTROLS.sub(_escape, json)


def apart(text: str) -> str:
    """Inert ``text``, just before it goes to a terminal: right-to-left words cannot reorder what stands after them.

    A terminal that turns such words around would take numbers and columns after them along (Unicode Bidirectional
    Algorithm, W2 to N1); a left-to-right mark after each run of them ends it. It has no width.
    """
    return text if text.isascii() else _TURNED.sub(lambda run: run[0] + _LTR_MARK, text)


def _drawn(text: str) -> str:
    if not _CONTROLS.search(text):
        return text
    if not text.isascii():
        text = _JOINERS.sub("", _LOOKS.sub("", text))
    return _RUNS.sub(_mark, text)


def _mark(found: re.Match[str]) -> str:
    run = found[0]
    if run == "\r\n":
        return "\n"
    if ord(run[0]) >> 8 == 0xE00 and ord(run[0]) >= 0xE0020:
        return f"‹tags: {''.join(chr(ord(char) - 0xE0000) for char in run).replace(chr(127), '·')}›"
    return _name(found)


def _name(found: re.Match[str]) -> str:
    number = ord(found[0])
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    if 0xDC80 <= number <= 0xDCFF:  # surrogateescape
        return f"‹x{number - 0xDC00:02X}›"
    return f"‹U+{number:04X}›"


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    if char in "\r\n":
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))


def _tamed(text: str) -> str:
    """At most 4 marks on a letter, and none on what stands before ``text`` or in another line."""
    if not _CROWDS.search(text):
        return text
    kept: list[str] = []
    marks, bare = 0, True
    for char in text:
        if category(char) in ("Mn", "Me"):
            marks += 1
            if bare:
                kept.append("\N{DOTTED CIRCLE}")
            if marks <= _ON_A_LETTER:
                kept.append(char)
            bare = False
            continue
        if marks > _ON_A_LETTER:
            kept.append(f"‹+{marks - _ON_A_LETTER}›")
        kept.append(char)
        marks, bare = 0, char == "\n"
    if marks > _ON_A_LETTER:
        kept.append(f"‹+{marks - _ON_A_LETTER}›")
    return "".join(kept)
