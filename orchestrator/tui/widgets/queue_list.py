"""The tasks of the queue, a line each: place, name, agent, priority, and why it does not start."""

from __future__ import annotations

from rich.text import Text
from textual.content import Content

from orchestrator.queue.ask import Line, QueueReply, Task
from orchestrator.tui.looks import cut, filled, number, one_line, plain
from orchestrator.tui.widgets.lines import Lines

_GLYPHS = {
    "runs": ("●", "*", "primary"),
    "starts": ("…", ".", ""),
    "waits": ("·", ".", ""),
    "retries": ("↻", "r", "warning"),
}


class QueueList(Lines):
    """Those that run first, then those that wait, in their order."""

    head_lines = 1

    def __init__(self) -> None:
        super().__init__(id="queue-list")
        self.lines: tuple[Line, ...] = ()
        self.loaded = False

    def show(self, reply: QueueReply) -> None:
        """Keep the cursor on its task wherever that went."""
        before = self.selected
        self.lines, self.loaded = reply.lines, True
        if before is not None:
            self.follow(before.id)
        waiting = sum(1 for line in reply.lines if line.place)
        held = " · held, H goes on" if reply.held else ""
        self.border_title = Content(f"Queue — {number(waiting, 'task')} waiting{held}")
        slots = f"{reply.used} of {reply.slots} slots are taken" if reply.slots is not None else ""
        self.border_subtitle = Content(slots)
        self.measure()

    def follow(self, task: str) -> None:
        at = next((n for n, line in enumerate(self.lines) if line.task.id == task), None)
        if at is not None:
            self.set_reactive(QueueList.cursor, at)

    @property
    def selected(self) -> Task | None:
        return self.line.task if self.line is not None else None

    @property
    def line(self) -> Line | None:
        return self.lines[self.cursor] if 0 <= self.cursor < len(self.lines) else None

    def count(self) -> int:
        return len(self.lines)

    def draw_head(self, line: int, width: int) -> Text:
        name, agent = self._columns(width)
        return Text(f"     {filled('task', name)} {filled('agent', agent)} prio  why it waits", self.colour(""))

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        shown = self.lines[index]
        task = shown.task
        name, agent = self._columns(width)
        glyph, ascii_, colour = _GLYPHS[task.state]
        stuck = shown.blocked
        text = self.mark(selected)
        place = str(shown.place) if shown.place else (ascii_ if plain() else glyph)
        text.append(f"{place:>3} ", self.colour("warning" if stuck else colour))
        text.append(filled(cut(one_line(task.name), name), name) + " ", "bold" if shown.place else "")
        text.append(filled(cut(one_line(task.agent), agent), agent))
        text.append(f" {task.priority:>4}  ", self.colour(""))
        why = shown.why or shown.session_state.replace("_", " ") or task.state
        tries = f"try {task.tries} of {task.retries + 1}: " if task.tries > 1 else ""
        left = max(0, width - text.cell_len)
        return text.append(cut(one_line(tries + why), left), self.colour("warning" if stuck else ""))

    def draw_empty(self, line: int, width: int) -> Text:
        if line != self.head_lines or not self.loaded:
            return Text("")
        return Text(
            cut(" Nothing waits.  a adds tasks, one a line; each starts when a slot is free", width), self.colour("")
        )

    def _columns(self, width: int) -> tuple[int, int]:
        longest = max((len(one_line(line.task.name)) for line in self.lines), default=4)
        return min(max(4, longest), 28 if width >= 100 else 20), 9
