"""The files of a review by folder, each with its kind and counts."""

from __future__ import annotations

from rich.text import Text

from orchestrator.tui.looks import cut, filled, one_line, plain
from orchestrator.tui.review.sheet import Sheet
from orchestrator.tui.widgets.lines import DIM, Lines
from worktrees.patches import Entry


class ReviewFiles(Lines):
    """Folders are headings; the cursor skips nothing, a heading stands for its first file."""

    def __init__(self) -> None:
        super().__init__(id="review-files")
        self.sheet: Sheet | None = None
        self._rows: list[tuple[int, str]] = []  # file, and its folder where the row is a heading

    def count(self) -> int:
        return len(self._rows)

    def show(self, sheet: Sheet | None) -> None:
        if sheet is None or self.sheet is None or sheet.reply is not self.sheet.reply:
            self._rows = []
            folder = ""
            for n, entry in enumerate(sheet.reply.files if sheet else ()):
                mine = entry.new.rpartition("/")[0]
                if mine != folder:
                    self._rows.append((n, (mine or ".") + "/"))
                    folder = mine
                self._rows.append((n, ""))
        self.sheet = sheet
        self.measure()

    @property
    def file(self) -> int | None:
        """The file under the cursor."""
        return self._rows[self.cursor][0] if self._rows else None

    def follow(self, file: int) -> None:
        """Put the cursor on a file, as the lines went to it."""
        if self.file != file:
            self.cursor = next((n for n, row in enumerate(self._rows) if row == (file, "")), 0)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        file, folder = self._rows[index]
        mark = self.mark(selected)
        if folder or self.sheet is None:
            return mark.append(_tail(one_line(folder), width - 2), DIM)
        sheet, entry = self.sheet, self.sheet.reply.files[file]
        inside = "/" in entry.new
        state = (
            ("+" if plain() else "✓") if sheet.seen(file) else ("*" if plain() else "●") if sheet.picked(file) else " "
        )
        said = len(sheet.said(file))
        plus, minus = counts(entry)
        name = one_line(entry.new.rpartition("/")[2]) + (f" ({said})" if said else "")
        seen = sheet.seen(file)
        mark.append(state, self.colour("success" if seen else "accent"))
        mark.append(f"{'  ' if inside else ' '}{entry.kind} ", self.colour("warning"))
        room = max(4, width - mark.cell_len - 12)
        mark.append(filled(cut(name, room), room + 1), DIM if seen else "")
        mark.append(plus.rjust(6)[:6], self.colour("success"))
        return mark.append(minus.rjust(5)[:5], self.colour("error"))

    def draw_empty(self, line: int, width: int) -> Text:
        return Text("")


def counts(entry: Entry) -> tuple[str, str]:
    """Lines added and removed, as they are shown; nothing where no line changed."""
    if entry.added is None:
        return "bin", ""
    if not entry.added and not entry.removed:
        return "", ""
    return f"+{entry.added}", f"{'-' if plain() else '−'}{entry.removed}"


def _tail(path: str, width: int) -> str:
    """The end of a path, which tells most."""
    return path if len(path) <= width else ("~" if plain() else "…") + path[-width + 1 :]
