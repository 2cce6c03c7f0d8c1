"""Lines of code with their numbers, colours and what changed in them."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual.color import Color
from textual.reactive import reactive

from orchestrator.tui.looks import plain, safe
from orchestrator.tui.review import words
from orchestrator.tui.review.code import BLOCK, Code, Span
from orchestrator.tui.review.sheet import Sheet, Stretch
from orchestrator.tui.widgets.lines import DIM, Lines

LONGEST = 2000
"""Characters of a line that can be seen, by going to the right."""
LINE, WORD = 0.13, 0.42
"""How much of its colour is behind a changed line, and behind the words that changed in it."""


class CodeLines(Lines):
    """How a line is drawn, whatever it is part of."""

    shift: reactive[int] = reactive(0)
    """Characters of long lines that are left of what is seen."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.query_text = ""  # words that are looked for
        self._code = Code()
        self._digits = 3  # of a line's number
        self._grounds: dict[tuple[str, float], str] = {}

    def validate_shift(self, shift: int) -> int:
        return max(0, min(shift, LONGEST))

    def _joined(self, left: Text, right: Text, half: int) -> Text:
        left.append(" " * max(0, half - left.cell_len))
        return left.append("|" if plain() else "│", DIM).append_text(right)

    def _gutter(self, old: str | None, new: str | None, sign: str) -> Text:
        numbers = " ".join(shown.rjust(self._digits) for shown in (old, new) if shown is not None)
        colour = {"+": self.colour("success"), "-": self.colour("error")}.get(sign, DIM)
        return Text().append(numbers, DIM).append(f" {sign} ", colour)

    def _body(self, sheet: Sheet, stretch: Stretch, index: int, width: int) -> Text:
        """A line of a hunk with its colours and the words that changed, filled to ``width``."""
        body, entry = sheet.body(stretch.file, stretch.hunk), sheet.reply.files[stretch.file]
        sign = body.sign(index)
        if sign == "\\":
            return Text(safe(body.text(index)).strip(), DIM)
        block = index // BLOCK
        begin = block * BLOCK
        side = "-" if sign == "-" else "+"
        members = [n for n in range(begin, min(begin + BLOCK, len(body.lines))) if body.sign(n) in (" ", side)]
        lines = [safe(body.text(n)[:LONGEST]) for n in members]
        at = members.index(index)
        spans = self._code.spans((stretch.file, stretch.hunk, block, side), entry.new, lines)[at]
        differing: tuple[tuple[int, int], ...] = ()
        if (partner := body.partner(index)) is not None:
            pair = (index, partner) if sign == "-" else (partner, index)
            old, new = (safe(body.text(n)[:LONGEST]) for n in pair)
            differing = words.changed(old, new)[0 if sign == "-" else 1]
        return self._content(lines[at], spans, sign, differing, width)

    def _content(
        self, shown: str, spans: list[Span], sign: str, differing: tuple[tuple[int, int], ...], width: int
    ) -> Text:
        text = Text(shown)
        for begin, end, colour in spans:
            text.stylize(DIM if colour == "dim" else self.colour(colour), begin, end)
        tint = {"+": "success", "-": "error"}.get(sign, "")
        for begin, end in differing:
            text.stylize(Style(bgcolor=self._ground(tint, WORD), bold=True), begin, end)
        if self.query_text:
            needle = self.query_text if self.query_text != self.query_text.lower() else self.query_text.lower()
            hay = shown if needle != self.query_text.lower() else shown.lower()
            at = hay.find(needle)
            while at >= 0:
                text.stylize("reverse", at, at + len(needle))
                at = hay.find(needle, at + len(needle))
        if self.shift:
            text = text[self.shift :] if self.shift < len(text) else Text("")
        text.truncate(max(0, width), overflow="ellipsis")
        if tint:
            text.append(" " * max(0, width - text.cell_len))
            text.style = Style(bgcolor=self._ground(tint, LINE))
        return text

    def _ground(self, name: str, share: float) -> str:
        """The background with so much of a colour in it."""
        if (name, share) not in self._grounds:
            variables = self.app.theme_variables
            ground = Color.parse(variables["background"]).blend(Color.parse(variables[name]), share)
            self._grounds[name, share] = ground.hex6
        return self._grounds[name, share]
