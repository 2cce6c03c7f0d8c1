"""The checks of a session: how each came out, and under them what the one under the cursor printed, or prints now."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from orchestrator.checks.ask import CheckLine, ChecksReply
from orchestrator.checks.telling import without_colours
from orchestrator.tui.looks import check_look, cut, filled, one_line, safe
from orchestrator.tui.widgets.lines import DIM, Lines
from orchestrator.tui.widgets.scroll import Scroll

LIVE_S = 0.5
SHOWN = 400
"""Lines of output that are drawn, the last ones; the command line has all that is kept."""
_RUNS = ("runs", "again")
BAD = ("failed", "timeout", "void")


class CheckList(Lines):
    """One line a check."""

    head_lines: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__(id="check-list")
        self.checks: tuple[CheckLine, ...] = ()
        self.message = "Loading …"

    def count(self) -> int:
        return len(self.checks)

    @property
    def current(self) -> CheckLine | None:
        return self.checks[self.cursor] if self.checks else None

    def draw_head(self, line: int, width: int) -> Text:
        return Text(cut(f"   {filled('CHECK', self._wide(width))}  STATE      TOOK  COMMAND", width), DIM)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        check = self.checks[index]
        glyph, colour = check_look(check.state)
        wide = self._wide(width)
        text = self.mark(selected).append(f"{glyph} ", self.colour(colour))
        text.append(filled(cut(one_line(check.name), wide), wide), "bold")
        text.append(f"  {filled(check.state or 'unknown', 8)}", self.colour(colour))
        text.append(f" {f'{check.seconds:.1f}s' if check.at else '':>6}  ", DIM)
        words = one_line(check.why or check.command)
        return text.append(cut(words, max(0, width - wide - 22)), "" if check.why else DIM)

    def draw_empty(self, line: int, width: int) -> Text:
        return Text(f" {self.message}" if line == self.head_lines else "", self.colour(""))

    def _wide(self, width: int) -> int:
        longest = max((len(check.name) for check in self.checks), default=5)
        return max(5, min(longest, width // 3))


class ChecksView(Vertical):
    """It asks by messages and is given what to show."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "run", "Run", id="checks-run", tooltip="Run all checks anew on the work as it is now"),
        Binding("f", "tell", "Tell", id="checks-tell", tooltip="Send what failed to the agent"),
    ]

    class Run(Message):
        """All of them are to be run."""

    class Wanted(Message):
        """The output of a check is to be shown."""

        def __init__(self, check: CheckLine) -> None:
            super().__init__()
            self.check = check

    class Telling(Wanted):
        """The output of a check that is not good is to be sent to the agent."""

    class Refused(Message):
        """A key cannot act here, and which one would."""

        def __init__(self, message: str, hint: str) -> None:
            super().__init__()
            self.message, self.hint = message, hint

    def __init__(self) -> None:
        super().__init__(id="checks-view")
        self._shown = ""  # key of the output that is drawn

    def compose(self) -> ComposeResult:
        yield CheckList()
        yield Static(id="check-title")
        with Scroll(id="check-scroll"):
            yield Static(id="check-output")

    def on_mount(self) -> None:
        self.set_interval(LIVE_S, self._follow)

    def show(self, reply: ChecksReply) -> None:
        """Draw the list; the cursor stays on its check."""
        listed = self.query_one(CheckList)
        name = listed.current.name if listed.current else None
        listed.checks = reply.lines
        listed.message = "No checks. Name some: [checks] in .orchestrator.toml"
        listed.styles.height = min(len(reply.lines), 8) + 1
        listed.measure()
        at = next((n for n, check in enumerate(reply.lines) if check.name == name), 0)
        listed.cursor = at
        listed.focus()
        said = Text(" what it printed", DIM)
        if reply.trust is not None:
            said = Text(" not approved: orchestrator trust shows and approves them", self._warning())
        elif reply.changes_rules:
            said = Text(" its branch changes .orchestrator.toml; yours holds", self._warning())
        self.query_one("#check-title", Static).update(said)
        self._ask()

    def show_output(self, check: CheckLine, output: str) -> None:
        """Draw what was asked for, unless the cursor went on. Its end is kept in sight."""
        current = self.query_one(CheckList).current
        if current is None or current.name != check.name:
            return
        lines = safe(without_colours(output)).rstrip("\n").split("\n")
        scroll = self.query_one("#check-scroll", Scroll)
        follows = self._shown != check.key or scroll.is_vertical_scroll_end
        self._shown = check.key
        nothing = "it has printed nothing yet" if check.state in _RUNS else one_line(check.why) or "it printed nothing"
        self.query_one("#check-output", Static).update(
            Text("\n".join(lines[-SHOWN:])) if any(lines) else Text(nothing, DIM)
        )
        if follows:
            scroll.scroll_end(animate=False)

    def on_lines_moved(self, event: Lines.Moved) -> None:
        event.stop()
        self._ask()

    def action_run(self) -> None:
        self.post_message(self.Run())

    def action_tell(self) -> None:
        current = self.query_one(CheckList).current
        if current is None or current.state not in BAD:
            self.post_message(self.Refused("This check did not fail", "↓ goes to one that did, a runs them"))
        else:
            self.post_message(self.Telling(current))

    def _ask(self) -> None:
        if (current := self.query_one(CheckList).current) is not None:
            self.post_message(self.Wanted(current))

    def _follow(self) -> None:
        current = self.query_one(CheckList).current
        if current is not None and current.state in _RUNS and self.is_on_screen:
            self._ask()

    def _warning(self) -> str:
        return self.app.theme_variables.get("text-warning", DIM)
