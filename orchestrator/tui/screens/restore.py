"""Before a restore: what comes back and what goes, and whether the branch goes back too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from orchestrator.commands import Restore
from orchestrator.fleet import Row
from orchestrator.tui.looks import number as counted
from orchestrator.tui.looks import one_line
from orchestrator.tui.reasons import Reason
from orchestrator.tui.widgets.scroll import Scroll
from sessions.models import BUSY
from worktrees.models import Change, ChangeKind, Restoration

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator

SHOWN = 6
"""Files of each sort that are named."""


async def restore(app: Orchestrator, row: Row, number: int, path: str | None) -> None:
    """Ask, then bring a snapshot back, or one path of it."""
    if row.state in BUSY:
        app.refuse(Reason(f"{one_line(row.name)} still works and would write between", "p holds it, x interrupts it"))
        return
    wish = Restore(session=row.id, snapshot=str(number), path=path)
    seen: Restoration | None = await app.ask(wish.model_copy(update={"dry_run": True}))
    if seen is None:
        return
    if not (seen.changes or seen.rebuilt or seen.head_moves or _apart(seen)):
        app.refuse(Reason(f"No file differs from snapshot {number}", "↵ on another one says what it did"))
        return
    head = await app.push_screen_wait(RestoreScreen(number, seen, row.branch))
    if head is None:
        return
    done: Restoration | None = await app.ask(wish.model_copy(update={"head": head}))
    if done is not None:
        before = f"; what was there is snapshot {_number(done)}" if done.before else ""
        app.tell(f"{path or 'all'} of snapshot {number} is back{before}")


class RestoreScreen(ModalScreen[bool | None]):
    """Dismisses with whether the branch goes back too; None: nothing is to be restored."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("right,tab", "other(1)", "Next", show=False, priority=True),
        Binding("left,shift+tab", "other(-1)", "Previous", show=False, priority=True),
    ]

    def __init__(self, number: int, seen: Restoration, branch: str) -> None:
        super().__init__()
        self._number, self._seen, self._branch = number, seen, branch

    def compose(self) -> ComposeResult:
        seen = self._seen
        what = f"{one_line(seen.path)} of snapshot {self._number}" if seen.path else f"snapshot {self._number}"
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"Restore {what}?")
            dialog.border_subtitle = "esc keeps what is there"
            with Scroll(id="restore-text"):
                yield Static("\n".join(_lines(seen, self._branch)), markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Keep", id="no", compact=True)
                yield Button("Restore", id="yes", variant="error", compact=True)
                if _apart(seen) and not seen.head_moves:
                    yield Button("With its branch", id="head", variant="error", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(None if event.button.id == "no" else event.button.id == "head")

    def action_other(self, by: int) -> None:
        buttons = [*self.query(Button)]
        at = next((n for n, button in enumerate(buttons) if button is self.focused), 0)
        buttons[(at + by) % len(buttons)].focus()

    def action_leave(self) -> None:
        self.dismiss(None)


def _lines(seen: Restoration, branch: str) -> list[str]:
    lines = [one_line(seen.to.reason), ""]
    if seen.rebuilt:
        lines += ["The worktree's folder was removed: it is made anew.", ""]
    if seen.head_moves:
        lines += [f"{one_line(branch)} is gone and comes back at {seen.to.parent[:10]}.", ""]
    elif _apart(seen):
        then, now = seen.to.parent[:10], seen.head_now[:10]
        lines += [f"{one_line(branch)} stays at {now}; with its branch: back to {then}, as it was then.", ""]
    gone = [change for change in seen.changes if change.kind is ChangeKind.DELETED]
    back = [change for change in seen.changes if change.kind is ChangeKind.ADDED]
    other = [change for change in seen.changes if change not in gone and change not in back]
    lines += _section("comes back", back) + _section("as it was then", other) + _section("goes", gone)
    if seen.left_alone:
        lines.append(f"{counted(len(seen.left_alone), 'ignored file')} of now that it does not hold: left alone.")
    if not seen.rebuilt:
        lines.append("What is there now is kept as a snapshot first.")
    return lines


def _section(title: str, changes: Sequence[Change]) -> list[str]:
    if not changes:
        return []
    lines = [f"{counted(len(changes), 'file')} {title if len(changes) == 1 else _plural(title)}"]
    for change in changes[:SHOWN]:
        counts = "binary" if change.binary else f"+{change.added} −{change.removed}"
        lines.append(f"  {one_line(change.path)}  {counts}")
    if len(changes) > SHOWN:
        lines.append(f"  … {len(changes) - SHOWN} more")
    return [*lines, ""]


def _plural(title: str) -> str:
    return {"comes back": "come back", "goes": "go"}.get(title, "as they were then")


def _apart(seen: Restoration) -> bool:
    """HEAD was on another commit then."""
    return bool(seen.to.parent) and seen.to.parent != seen.head_now and seen.path is None and not seen.rebuilt


def _number(done: Restoration) -> int:
    tail = done.before.ref.rsplit("/", 1)[-1] if done.before else ""
    return int(tail) if tail.isdigit() else 0
