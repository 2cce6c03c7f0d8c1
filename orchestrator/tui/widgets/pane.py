"""A session's terminal as it is now: the bottom of the picture, colours kept; nothing of it acts on our terminal."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache, partial

from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from orchestrator.commands import Press
from orchestrator.link import Frame, LinkDown
from orchestrator.tui.looks import no_picture, plain
from orchestrator.tui.widgets.lines import DIM
from worktrees import inert

_SGR = re.compile(r"\x1b\[[0-9;:]{0,100}m")
_PARTS = re.compile(f"({_SGR.pattern}|[\x0e\x0f])")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_()][0-9A-Za-z]?)")
_DRAWING = str.maketrans("jklmnqtuvwx`a~", "┘┐┌└┼─├┤┴┬│◆▒·")
LATE_S = 0.4
"""A picture comes within this time; until then nothing is said, so that moving through the fleet does not flicker."""
_KEYS = {
    "enter": "Enter",
    "escape": "Escape",
    "tab": "Tab",
    "shift+tab": "BTab",
    "backspace": "BSpace",
    "delete": "DC",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "home": "Home",
    "end": "End",
    "pageup": "PPage",
    "pagedown": "NPage",
}


@lru_cache(maxsize=4096)
def picture_line(line: str) -> Text:
    """A captured line with its colours; line-drawing shifts are mapped, every other control is dropped."""
    line = _ESCAPES.sub(lambda found: found[0] if _SGR.fullmatch(found[0]) else "", line)
    drawing, kept = False, []
    for part in _PARTS.split(line):
        if part in ("\x0e", "\x0f"):
            drawing = part == "\x0e"
        elif _SGR.fullmatch(part):
            kept.append(part)
        else:
            kept.append(inert.picture(part.translate(_DRAWING) if drawing else part))
    return Text.from_ansi("".join(kept), no_wrap=True, end="")


class PaneView(Widget, can_focus=True):
    """Shows frames of the session that it follows. ``typing``: keys go through to the program."""

    BINDINGS = [
        Binding("ctrl+right_square_bracket", "leave", "Leave; every other key goes to the pane", key_display="ctrl+]")
    ]
    session: reactive[str | None] = reactive(None, repaint=False)
    typing: reactive[bool] = reactive(False)

    def __init__(self, *, id: str = "pane") -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._frame: Frame | None = None
        self._late = False  # the picture should have come by now
        self._keys: asyncio.Queue[Press] = asyncio.Queue()

    def on_mount(self) -> None:
        self.run_worker(self._send_keys(), name="keys")
        self.watch(self.app, "fleet", self._without_picture, init=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is to be left while nothing is typed."""
        return self.typing if action == "leave" else super().check_action(action, parameters)

    def watch_typing(self, typing: bool) -> None:
        self.set_class(typing, "-typing")
        self.refresh_bindings()

    def watch_session(self, session: str | None) -> None:
        self.typing = False
        self.show(None)
        self._late = False
        self.set_timer(LATE_S, self._without_picture)
        self.workers.cancel_group(self, "frames")
        if session is not None:
            # Not the coroutine itself: a worker that is cancelled before it begins would never await it.
            follow: Callable[[], Awaitable[None]] = partial(self._follow, session)
            self.run_worker(follow, group="frames", exclusive=True)

    def show(self, frame: Frame | None) -> None:
        """Draw ``frame``; None clears."""
        self._frame = frame
        self.refresh()

    def _without_picture(self) -> None:
        """Say why there is none."""
        self._late = True
        if self._frame is None:
            self.refresh()

    async def _follow(self, session: str) -> None:
        while True:
            with suppress(LinkDown):
                async for frame in self.app.link.frames(session):  # type: ignore[attr-defined]
                    self.show(frame)
            await asyncio.sleep(1)  # the daemon is away, or the session was removed

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        frame = self._frame
        if frame is None:
            words = no_picture(self.app.row(self.session)) if y == 0 and self._late else ""  # type: ignore[attr-defined]
            text = Text().append(words, DIM)
            strip = Strip(list(text.render(self.app.console, end=""))).apply_style(self.rich_style)
            return strip.adjust_cell_length(width, self.rich_style)
        lines = frame.lines
        last = max((n for n, line in enumerate(lines) if line.strip()), default=0)
        if self.typing:
            last = max(last, frame.cursor_row)
        top = max(0, last + 1 - height)
        at = top + y
        text = picture_line(lines[at]) if at < len(lines) else Text("")
        if self.typing and at == frame.cursor_row:
            text = text.copy()
            text.pad_right(max(0, frame.cursor_column + 1 - text.cell_len))
            text.stylize("reverse", frame.cursor_column, frame.cursor_column + 1)
        strip = Strip(list(text.render(self.app.console, end=""))).apply_style(self.rich_style)
        if strip.cell_length > width > 0:
            mark = Text().append(">" if plain() else "›", DIM).render(self.app.console, end="")
            return Strip([*strip.crop(0, width - 1), *Strip(mark).apply_style(self.rich_style)], width)
        return strip.adjust_cell_length(width, self.rich_style)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return container.height

    def action_leave(self) -> None:
        self.typing = False

    def on_key(self, event: events.Key) -> None:
        if not self.typing:
            return
        event.stop()
        event.prevent_default()
        if event.key == "ctrl+right_square_bracket":
            self.typing = False
        elif event.key in _KEYS:
            self._press(keys=(_KEYS[event.key],))
        elif event.key.startswith("ctrl+") and len(event.key) == 6:
            self._press(keys=("C-" + event.key[-1],))
        elif event.character and event.is_printable:
            self._press(literal=event.character)

    def on_paste(self, event: events.Paste) -> None:
        if self.typing:
            event.stop()
            self._press(literal=event.text)

    def _press(self, keys: tuple[str, ...] = (), literal: str = "") -> None:
        if self.session is not None:
            self._keys.put_nowait(Press(session=self.session, keys=keys, literal=literal))

    async def _send_keys(self) -> None:
        """One after the other: keys must not overtake each other."""
        while True:
            press = await self._keys.get()
            await self.app.ask(press)  # type: ignore[attr-defined]
