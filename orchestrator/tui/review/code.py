"""Colours of code, for the lines that are seen and a few around them.

Lines are read in blocks of :data:`BLOCK`, so a string that began in a block above is not known as one: a colour may be
wrong there, the text never is.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

BLOCK = 32
LONGEST = 400
"""Characters of a line that are coloured."""
KEPT = 400
"""Blocks that are kept."""
Span = tuple[int, int, str]
"""Begin, end, and the name of a colour of the theme, or "dim"."""
_COLOURS = (
    ("Token.Comment", "dim"),
    ("Token.Keyword", "accent"),
    ("Token.Name.Decorator", "secondary"),
    ("Token.Name.Builtin", "secondary"),
    ("Token.Name.Function", "primary"),
    ("Token.Name.Class", "primary"),
    ("Token.Name.Tag", "primary"),
    ("Token.Literal.String", "warning"),
    ("Token.Literal.Number", "secondary"),
    ("Token.Operator.Word", "accent"),
    ("Token.Generic.Heading", "primary"),
)


class Code:
    """Spans of lines, by what the caller calls their block."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[object, list[list[Span]]] = OrderedDict()

    def spans(self, key: object, path: str, lines: list[str]) -> list[list[Span]]:
        """The spans of a block's lines, which must be the same whenever ``key`` is."""
        found = self._blocks.get(key)
        if found is None:
            found = self._blocks[key] = lexed(path, lines)
            if len(self._blocks) > KEPT:
                self._blocks.popitem(last=False)
        return found


def lexed(path: str, lines: list[str]) -> list[list[Span]]:
    """Spans of each line."""
    spans: list[list[Span]] = [[] for _ in lines]
    name = PurePosixPath(path).name
    lexer = _lexer(name if "." not in name.strip(".") else "x." + name.rpartition(".")[2])
    if lexer is None:
        return spans
    row = column = 0
    for _at, token, text in lexer.get_tokens_unprocessed("\n".join(line[:LONGEST] for line in lines)):
        colour = _colour(token)
        for n, part in enumerate(text.split("\n")):
            if n:
                row, column = row + 1, 0
            if part and colour and row < len(spans):
                spans[row].append((column, column + len(part), colour))
            column += len(part)
    return spans


@lru_cache(maxsize=256)
def _lexer(name: str) -> Any:
    from pygments.lexers import find_lexer_class_for_filename

    found = find_lexer_class_for_filename(name)
    return found(stripnl=False, ensurenl=False) if found is not None and found.name != "Text only" else None


@lru_cache(maxsize=1024)
def _colour(token: Any) -> str:
    name = str(token)
    return next((colour for prefix, colour in _COLOURS if name.startswith(prefix)), "")
