"""One session: its terminal, its conversation, its changes, its events. What is not shown is not loaded."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static, TabbedContent, TabPane

from orchestrator.checks.ask import Checked, CheckLine, CheckOutput, Checks
from orchestrator.commands import Compare, Diff, Isolation, Log, Snapshots, Transcript
from orchestrator.fleet import Fleet, Row
from orchestrator.tui.actions import SessionActions
from orchestrator.tui.looks import age, look, money, number, one_line, safe, tokens
from orchestrator.tui.reasons import Reason
from orchestrator.tui.widgets.checks_view import ChecksView
from orchestrator.tui.widgets.diff_view import DiffView
from orchestrator.tui.widgets.history_view import HistoryView
from orchestrator.tui.widgets.keys import Keys
from orchestrator.tui.widgets.lines import DIM
from orchestrator.tui.widgets.pane import PaneView
from orchestrator.tui.widgets.scroll import Scroll
from orchestrator.tui.widgets.top_line import TopLine
from orchestrator.tui.widgets.transcript import drawn
from sessions.models import State

TABS = ("live", "transcript", "diff", "checks", "history", "events")


class SessionScreen(SessionActions, Screen[None]):
    """Tabs over one session; the keys of the main screen act on it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "tab(-1)", "Tab", key_display="[ ]", id="tab"),
        Binding("right_square_bracket", "tab(1)", show=False),
        Binding("escape", "leave", "Back", id="back"),
        Binding("w", "answer", "Next ▲", id="next", tooltip="Answer what it asks, else what is worth most"),
        *SessionActions.KEYS,
        Binding("R", "reload", "Reload", show=False, id="reload", tooltip="Load this tab again"),
    ]

    def __init__(self, session: str, tab: str = "live") -> None:
        super().__init__()
        self._session = session
        self._tab = tab
        self._head: tuple[object, ...] = ()
        self._checks: Checked | None = None  # what was known of them when they were loaded
        self._snapshot: str | None = None  # newest one when the history was loaded

    def compose(self) -> ComposeResult:
        yield TopLine()
        yield Static(id="session-head")
        with TabbedContent(initial=self._tab, id="tabs"):
            with TabPane("Live", id="live"):
                yield PaneView(id="session-pane")
            with TabPane("Transcript", id="transcript"), Scroll(id="transcript-scroll"):
                yield Static("Loading …", id="transcript-text")
            with TabPane("Diff", id="diff"):
                yield DiffView()
            with TabPane("Checks", id="checks"):
                yield ChecksView()
            with TabPane("History", id="history"):
                yield HistoryView()
            with TabPane("Events", id="events"), Scroll(id="events-scroll"):
                yield Static("Loading …", id="events-text")
        yield Keys()

    def on_mount(self) -> None:
        self.watch(self.app, "fleet", self.show_fleet)
        self.set_interval(1, self._draw_head)

    def current(self) -> Row | None:
        return self._app.row(self._session)

    def show_fleet(self, _fleet: Fleet) -> None:
        row = self.current()
        if row is None:
            if self.is_current:
                self.app.pop_screen()
            return
        self._draw_head()
        self.dim_keys()
        if self._tab == "history" and row.snapshot != self._snapshot:
            self.action_reload()
        if self._tab == "checks" and row.checks is not self._checks:
            self.action_reload()

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        self._tab = event.pane.id or "live"
        pane = self.query_one(PaneView)
        pane.session = self._session if self._tab == "live" else None
        if self._tab == "live":
            pane.focus()
        self.action_reload()

    def action_tab(self, by: int) -> None:
        tabs = self.query_one(TabbedContent)
        tabs.active = TABS[(TABS.index(tabs.active) + by) % len(TABS)]

    def action_diff(self) -> None:
        self.query_one(TabbedContent).active = "diff"

    def action_history(self) -> None:
        self.query_one(TabbedContent).active = "history"

    def action_checks(self) -> None:
        self.query_one(TabbedContent).active = "checks"

    def action_reload(self) -> None:
        row = self.current()
        self._snapshot = row.snapshot if row is not None else None
        self._checks = row.checks if row is not None else None
        if self._tab != "live":
            self.run_worker(self._load(self._tab), exclusive=True, group="load")

    def action_leave(self) -> None:
        self.app.pop_screen()

    def action_answer(self) -> None:
        row = self.current()
        self._app.action_next(row.id if row is not None and row.state is State.BLOCKED else None)

    def action_type(self) -> None:
        pane = self.query_one(PaneView)
        pane.session = self._session  # a pane stops typing when it gets another session
        self.query_one(TabbedContent).active = "live"
        pane.focus()
        pane.typing = True
        self._draw_head()

    async def _load(self, tab: str) -> None:
        asked: dict[str, Transcript | Diff | Snapshots | Log | Checks] = {
            "transcript": Transcript(session=self._session),
            "diff": Diff(session=self._session),
            "history": Snapshots(session=self._session),
            "events": Log(session=self._session),
            "checks": Checks(session=self._session),
        }
        reply = await self._app.ask(asked[tab])
        if reply is None or tab != self._tab:
            return  # the human is on another tab by now: what is shown would take the focus there
        if tab == "diff":
            self.query_one(DiffView).show(reply)
            return
        if tab == "history":
            self.query_one(HistoryView).show(reply.moments)
            return
        if tab == "checks":
            self.query_one(ChecksView).show(reply)
            return
        text = drawn(reply.entries) if tab == "transcript" else Text("\n".join(safe(line) for line in reply.lines))
        self.query_one(f"#{tab}-text", Static).update(text)
        self.query_one(f"#{tab}-scroll", Scroll).scroll_end(animate=False)
        self.query_one(f"#{tab}-scroll").focus()

    def on_checks_view_run(self, _event: ChecksView.Run) -> None:
        if (row := self.current()) is not None:
            from orchestrator.tui.screens.checks import run

            self.run_worker(run(self._app, row))

    def on_checks_view_wanted(self, event: ChecksView.Wanted) -> None:
        self.run_worker(self._output(event.check), exclusive=True, group="output")

    async def _output(self, check: CheckLine) -> None:
        if (reply := await self._app.ask(CheckOutput(key=check.key))) is not None:
            self.query_one(ChecksView).show_output(check, reply.output)

    def on_checks_view_telling(self, event: ChecksView.Telling) -> None:
        if (row := self.current()) is not None:
            from orchestrator.tui.screens.checks import tell

            self.run_worker(tell(self._app, row, event.check))

    def on_checks_view_refused(self, event: ChecksView.Refused) -> None:
        self._app.refuse(Reason(event.message, event.hint))

    def on_history_view_wanted(self, event: HistoryView.Wanted) -> None:
        self.run_worker(self._compare(event.old, event.new), exclusive=True, group="compare")

    async def _compare(self, old: int | None, new: int | None) -> None:
        words = [None if one is None else str(one) for one in (old, new)]
        reply = await self._app.ask(Compare(session=self._session, old=words[0], new=words[1]))
        if reply is not None and self._tab == "history":
            self.query_one(HistoryView).show_diff(reply, old, new)

    def on_history_view_refused(self, event: HistoryView.Refused) -> None:
        self._app.refuse(Reason(event.message, event.hint))

    def on_history_view_restoring(self, event: HistoryView.Restoring) -> None:
        if (row := self.current()) is not None:
            from orchestrator.tui.screens.restore import restore

            self.run_worker(restore(self._app, row, event.number, event.path))

    def _draw_head(self) -> None:
        row = self.current()
        if row is None:
            return
        seen = look(row)
        colour = self.app.theme_variables.get(f"text-{seen.colour}", DIM) if seen.colour else DIM
        behind = f" ↓{row.drift.behind}" if row.drift and row.drift.behind else ""
        idle = "" if row.active else f"  idle {age(row.idle_s(self._app.now()))}"
        used = row.usage.input + row.usage.output + row.usage.cache_read + row.usage.cache_write
        text = Text(" ").append(seen.text, f"{'bold ' if seen.bold else ''}{colour}")
        text.append(f"  {one_line(row.name)}", "bold")
        seal = "" if row.isolation is not Isolation.SEALED else " sealed" if row.boxed else " clone"
        text.append(f"  {one_line(row.agent)}{seal} · {one_line(row.branch)} ← {one_line(row.target)}{behind}")
        text.append(f"   +{row.totals.added} −{row.totals.removed} in {number(row.totals.files, 'file')}")
        text.append(f"   {tokens(used)} tok  {money(row.cost_usd)}{idle}", DIM)
        question = row.status.question
        if row.state is State.BLOCKED:
            asked = one_line(question.title or question.text) if question else "it waits in its own dialog"
            text.append(f"\n ▲ {asked}", f"bold {self.app.theme_variables.get('text-warning', DIM)}")
            text.append("   w answers", DIM)
        elif self.query_one(PaneView).typing:
            text.append("\n typing into its pane · ctrl+] leaves", "bold")
        elif row.strayed:
            text.append(f"\n ≠ {one_line(row.strayed)}", f"bold {self.app.theme_variables.get('text-warning', DIM)}")
            text.append("   its history brings it back", DIM)
        elif row.said:
            text.append(f"\n “{one_line(row.said)[:300]}”", DIM)
        else:
            text.append(f"\n {one_line(row.prompt)[:300]}", DIM)
        text.no_wrap = True
        text.overflow = "ellipsis"
        if (text, text.plain) != self._head:
            self._head = (text, text.plain)
            self.query_one("#session-head", Static).update(text)
