"""The variants of one task side by side: open, review, diff two of them, pick one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from orchestrator.commands import DiffReply, DiffVariants, Pick
from orchestrator.fleet import Fleet
from orchestrator.tui.looks import age, check_look, cut, filled, listed, look, money, number, one_line, safe, tokens
from orchestrator.tui.reasons import Reason
from orchestrator.tui.screens.confirm import Confirm
from orchestrator.tui.widgets.diff_view import DiffView
from orchestrator.tui.widgets.keys import Keys
from orchestrator.tui.widgets.lines import DIM, Lines
from orchestrator.tui.widgets.top_line import TopLine
from orchestrator.variants.ask import Compared, Going, PickReply, VariantsReply
from orchestrator.variants.comparing import compared, group
from worktrees import inert

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator


class Variants(Lines):
    """One line a variant. ``marked`` is one of their sessions, or None."""

    head_lines = 1

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.seen: tuple[Compared, ...] = ()
        self.marked: str | None = None

    @property
    def current(self) -> Compared | None:
        return self.seen[self.cursor] if self.seen else None

    def update(self, seen: VariantsReply) -> None:
        self.seen = seen.variants
        if self.marked not in {one.session for one in self.seen}:
            self.marked = None
        self.measure()

    def count(self) -> int:
        return len(self.seen)

    def draw_head(self, line: int, width: int) -> Text:
        head = f"  {'state':8}{filled('variant', self._name_cells(width))}"
        head += f"{'files':>6}{'+':>6}{'−':>6}  {'checks':9}{'tokens':>7}{'cost':>8}{'time':>7}"
        return Text(cut(f"{head}  conflicts" if width >= 100 else head, width), DIM)

    def draw(self, index: int, line: int, width: int, *, selected: bool) -> Text:
        one = self.seen[index]
        row = self.app.row(one.session)  # type: ignore[attr-defined]
        text = self.mark(selected).append("*" if one.session == self.marked else " ", self.colour("accent"))
        if row is not None:
            seen = look(row)
            text.append(filled(seen.text, 8), f"{'bold ' if seen.bold else ''}{self.colour(seen.colour)}")
        else:
            text.append(" " * 8)
        name = self._name_cells(width)
        text.append(filled(cut(one_line(one.name), name - 1), name), "bold")
        text.append(f"{one.files}{'*' if one.uncommitted else ' '}".rjust(6))
        text.append(f"{one.added:>6}", self.colour("success")).append(f"{one.removed:>6}", self.colour("error"))
        sign, colour = check_look(one.checks)
        text.append("  ").append(filled(f"{sign} {one.checks}" if one.checks else "·", 9), self.colour(colour))
        used = one.usage.input + one.usage.output + one.usage.cache_read + one.usage.cache_write
        text.append(f"{tokens(used):>7}{money(one.cost_usd) or '·':>8}{age(one.seconds):>7}")
        if width >= 100:
            text.append("  ")
            text.append(*((f"≠ {len(one.conflicts)}", self.colour("error")) if one.conflicts else ("·", DIM)))
        return text

    def _name_cells(self, width: int) -> int:
        fixed = 2 + 8 + 18 + 2 + 9 + 22 + (11 if width >= 100 else 0)
        widest = max((len(one_line(one.name)) for one in self.seen), default=8) + 2
        return max(9, min(widest, width - fixed))


class VariantsScreen(Screen[None]):
    """``of``: the name of the group."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", key_display="↵", id="variants-open", tooltip="Its own screen"),
        Binding("d", "diff", "Diff two", id="variants-diff", tooltip="From the marked one to this one"),
        Binding("p", "pick", "Pick", id="variants-pick", tooltip="Keep it; the others go to the attic; asks first"),
        Binding("v", "review", "Review", show=False, id="variants-review", tooltip="Look at its work"),
        Binding("space", "mark", "Mark", show=False, id="variants-mark", tooltip="Diff the others with this one"),
        Binding("escape", "leave", "Back", id="back"),
    ]

    def __init__(self, of: str) -> None:
        super().__init__()
        self._of = of

    @property
    def _app(self) -> Orchestrator:
        return cast("Orchestrator", self.app)

    @property
    def variants(self) -> Variants:
        return self.query_one(Variants)

    def compose(self) -> ComposeResult:
        yield TopLine()
        yield Variants(id="variants")
        yield Static("", id="variants-about")
        yield DiffView()
        yield Keys()

    def on_mount(self) -> None:
        self.variants.focus()
        self.query_one(DiffView).display = False
        self.watch(self.app, "fleet", self._show)
        self.set_interval(1, self._tick)

    def _tick(self) -> None:
        if self.is_current:
            self._show(self._app.fleet)

    def _show(self, fleet: Fleet) -> None:
        rows = group(fleet, self._of)
        if not rows:
            if self.is_current:
                self.dismiss(None)
            return
        seen = compared(rows, self._app.now())
        self.variants.border_title = Content(f"{one_line(seen.group)} → {one_line(seen.target)}")
        self.variants.update(seen)
        self._about()

    def on_lines_moved(self, event: Lines.Moved) -> None:
        if event.lines is self.variants:
            event.stop()
            self._about()

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        if event.lines is self.variants:
            event.stop()
            self.action_open()

    def _about(self) -> None:
        one = self.variants.current
        row = self._app.row(one.session) if one is not None else None
        if one is None or row is None:
            return
        by = one_line(one.agent) + (f" {one_line(one.model)}" if one.model else "")
        text = Text(f" {one_line(one.name)}", "bold").append(f"  by {by}", "not bold")
        if one.failed:
            text.append(f"\n ✗ {listed([one_line(name) for name in one.failed])}", "not bold")
        if one.conflicts:
            paths = ", ".join(map(one_line, one.conflicts[:3]))
            text.append(f"\n ≠ conflicts with {one_line(row.target)} in {paths}", "not bold")
        said = inert.line(one.said)
        text.append(f"\n {cut(said, 300)}" if said else "", "not bold dim")
        text.append(f"\n\n {cut(one_line(row.prompt), 300)}", "not bold dim")
        self.query_one("#variants-about", Static).update(text)

    def action_open(self) -> None:
        if (one := self.variants.current) is not None:
            from orchestrator.tui.screens.session import SessionScreen

            self.app.push_screen(SessionScreen(one.session))

    def action_review(self) -> None:
        if (one := self.variants.current) is not None:
            from orchestrator.tui.screens.review import ReviewScreen

            self.app.push_screen(ReviewScreen(one.session))

    def action_mark(self) -> None:
        if (one := self.variants.current) is not None:
            self.variants.marked = None if self.variants.marked == one.session else one.session
            self.variants.refresh()

    @work(exclusive=True)
    async def action_diff(self) -> None:
        """From the marked one, else the first, to the one under the cursor."""
        here = self.variants.current
        other = next((one for one in self.variants.seen if one.session == self.variants.marked), None)
        other = other or next((one for one in self.variants.seen if one is not here), None)
        if here is None or other is None or other.session == here.session:
            self._app.refuse(Reason("There are no two to compare", "space marks one, d on another compares"))
            return
        seen: DiffReply | None = await self._app.ask(DiffVariants(one=other.session, other=here.session))
        if seen is not None:
            view = self.query_one(DiffView)
            view.display = True
            self.query_one("#variants-about", Static).display = False
            view.show(seen)
            self.variants.border_subtitle = Content(
                f"from {one_line(other.name)} to {one_line(here.name)} · tab to the list · esc closes"
            )

    @work(exclusive=True)
    async def action_pick(self) -> None:
        here = self.variants.current
        if here is None:
            return
        seen: PickReply | None = await self._app.ask(Pick(session=here.session, dry_run=True))
        if seen is None:
            return
        lines = "\n".join(f"  {_going(one)}" for one in seen.going)
        go = "other goes" if len(seen.going) == 1 else "others go"
        words = f"{len(seen.going)} {go} to the attic, each with all of its work:\n\n{lines}\n\n"
        words += "Each is snapshotted first; undo (z) brings them back one by one."
        title = f"Keep {one_line(here.name)}?"
        if not await self._app.push_screen_wait(Confirm(title, safe(words), "Keep it", "Not now")):
            return
        done: PickReply | None = await self._app.ask(Pick(session=here.session))
        if done is None:
            return
        for name, why in done.failed.items():
            self._app.complain(f"{name} stays: {why}", "p tries again")
        self._app.tell(f"{one_line(done.kept)} is kept; m on the fleet lands it")

    def action_leave(self) -> None:
        """From the diff to the list, then back."""
        view = self.query_one(DiffView)
        if view.display:
            view.display = False
            self.query_one("#variants-about", Static).display = True
            self.variants.border_subtitle = ""
            self.variants.focus()
        else:
            self.dismiss(None)


def _going(one: Going) -> str:
    work_ = [f"{one.uncommitted} uncommitted"] if one.uncommitted else []
    work_ += [f"{number(one.unmerged, 'commit')} not landed"] if one.unmerged else []
    work_ += ["its program is ended"] if one.running else []
    return "  ".join((one_line(one.name), one_line(one.state), ", ".join(work_))).rstrip()
