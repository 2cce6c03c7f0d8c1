"""The merge train: first what it would do, then what is tested now, what landed and what was rejected, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from orchestrator.fleet import Fleet
from orchestrator.train.ask import Entry, PreviewTrain, StartTrain, SteerTrain, Train, TrainPreview
from orchestrator.tui.looks import number, one_line
from orchestrator.tui.widgets.keys import Keys
from orchestrator.tui.widgets.top_line import TopLine

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator

_MARKS = {"waits": "·", "lands": "▸", "landed": "✓", "rejected": "✗", "left": "–"}


class TrainScreen(Screen[None]):
    """With ``sessions``: first the preview of a train of them, in that order. Without: the train of ``repository``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "start(False)", "Land together", id="train-start", tooltip="Test them together, land what passes"),
        Binding(
            "M", "start(True)", "… and return failures", id="train-return", tooltip="Rejected ones: tell the agent"
        ),
        Binding("p", "steer('pause')", "Pause", id="train-pause"),
        Binding("r", "steer('resume')", "Go on", id="train-resume"),
        Binding("x", "steer('cancel')", "Cancel", id="train-cancel", tooltip="End the train; what landed stays"),
        Binding("escape", "leave", "Back", id="back"),
    ]

    def __init__(self, sessions: tuple[str, ...] = (), repository: str | None = None) -> None:
        super().__init__()
        self._sessions, self._repository = sessions, repository
        self._preview: TrainPreview | None = None

    @property
    def _app(self) -> Orchestrator:
        return cast("Orchestrator", self.app)

    @property
    def train(self) -> Train | None:
        trains = self._app.fleet.trains
        if self._repository is not None:
            return trains.get(self._repository)
        return next(reversed(tuple(trains.values())), None)

    def compose(self) -> ComposeResult:
        yield TopLine()
        with VerticalScroll(id="train") as box:
            box.border_title = Content("Merge train")
            yield Static("Looking …" if self._sessions else "", id="train-text")
        yield Keys()

    def on_mount(self) -> None:
        if self._sessions:
            self.run_worker(self._look(), exclusive=True)
        self.watch(self.app, "fleet", self._show)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        train = self.train
        if action == "start":
            return self._preview is not None
        if action == "steer":
            active = not self._sessions and train is not None and train.active
            paused = train is not None and train.state == "paused"
            return active and (parameters[0] == "cancel" or (parameters[0] == "resume") is paused)
        return True

    async def _look(self) -> None:
        seen: TrainPreview | None = await self._app.ask(PreviewTrain(sessions=self._sessions))
        if seen is None:
            self.dismiss(None)
            return
        self._preview, self._repository = seen, seen.repository
        self.query_one("#train-text", Static).update(_foreseen(seen))
        self.refresh_bindings()

    def action_start(self, returns: bool) -> None:
        self._app.run_worker(self._start(returns))

    async def _start(self, returns: bool) -> None:
        command = StartTrain(sessions=self._sessions, return_failures=returns or None)
        reply = await self._app.ask_trusting(command)
        if reply is not None:
            self._sessions, self._preview = (), None
            self._show(self._app.fleet)

    def action_steer(self, do: Literal["pause", "resume", "cancel"]) -> None:
        self._app.run_worker(self._steer(do))

    async def _steer(self, do: Literal["pause", "resume", "cancel"]) -> None:
        done = await self._app.ask(SteerTrain(do=do, repository=self._repository))
        if done is not None:
            self._app.tell(done.message)

    def action_leave(self) -> None:
        self.dismiss(None)

    def _show(self, _fleet: Fleet) -> None:
        if self._sessions:
            return
        train = self.train
        text = (
            Text("No train has run.\n\nspace marks sessions, m lands them together") if train is None else _now(train)
        )
        self.query_one("#train-text", Static).update(text)
        self.refresh_bindings()


def _foreseen(seen: TrainPreview) -> Text:
    text = Text(f"{number(len(seen.wagons), 'session')} → {one_line(seen.target)}, in this order\n", "bold")
    for place, wagon in enumerate(seen.wagons, 1):
        text.append(f"\n{place:>3}  {one_line(wagon.name)}", "bold")
        text.append(f"  {number(wagon.files, 'file')}  +{wagon.added} −{wagon.removed}", "not bold")
        if wagon.checked:
            text.append(f"  checks alone: {one_line(wagon.checked)}", "not bold dim")
        if wagon.refusal:
            text.append(f"\n     ✗ {one_line(wagon.refusal)}", "not bold")
        if wagon.conflicts:
            what = ", ".join(map(one_line, wagon.behind)) or one_line(seen.target)
            text.append(f"\n     ≠ conflicts with {what} in {one_line(wagon.conflicts[0])}", "not bold")
    text.append("\n", "not bold")
    for check in seen.checks:
        text.append(f"\n  check: {one_line(check)}", "not bold")
    if not seen.checks:
        text.append("\n  there are no checks: what merges cleanly lands", "not bold")
    return text


def _now(train: Train) -> Text:
    text = Text(f"→ {one_line(train.target)}  {train.state}", "bold")
    text.append(f"  {one_line(train.plan)}", "not bold dim")
    if train.trouble:
        text.append(f"\n  ! {one_line(train.trouble)}", "not bold")
    ended = [entry for entry in train.entries if entry not in train.waiting]
    for entry in (*ended, *train.waiting):
        text.append(f"\n\n {_MARKS[entry.state]} {one_line(entry.name)}", "bold").append(f"  {entry.state}", "not bold")
        for words in _about(entry):
            text.append(f"\n   {one_line(words)}", "not bold dim")
    for test in train.tests:
        if test.state == "runs":
            names = ", ".join(map(one_line, test.names))
            text.append(f"\n\n … testing {names}  {one_line(test.now)}", "not bold")
    return text


def _about(entry: Entry) -> tuple[str, ...]:
    deciding = "who it fails together with is being found out" if entry.deciding else ""
    return tuple(words for words in (entry.why, deciding, entry.told) if words)
