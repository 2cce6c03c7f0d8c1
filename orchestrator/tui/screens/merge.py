"""Merging one session: what it would do, the message, then its steps and how it ended, all in one place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar, cast

from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Label, Static, TextArea

from orchestrator.commands import Draft, Drafted, Merge, MergePreview, PreviewMerge, Push, Pushed, Refused
from orchestrator.fleet import Fleet, Row
from orchestrator.link import LinkDown
from orchestrator.tui.looks import cut, number, one_line, safe, short
from orchestrator.tui.screens.confirm import approved
from worktrees.models import Method
from worktrees.partial import Chosen

if TYPE_CHECKING:
    from orchestrator.tui.app import Orchestrator

_METHODS = (Method.SQUASH, Method.MERGE, Method.REBASE, Method.FF)
_KEPT = (Method.REBASE, Method.FF)
"""Those that keep the branch's own messages."""
_WORDS = {
    Method.SQUASH: "one new commit",
    Method.MERGE: "a merge commit",
    Method.REBASE: "its commits, made anew",
    Method.FF: "fast-forward, its commits as they are",
}

_KEYS = "ctrl+s merges · f2 method · esc back"


class MergeScreen(ModalScreen[None]):
    """Stays open until the human leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "merge", "Merge", priority=True),
        Binding("f2", "method", "Method", priority=True),
        Binding("f3", "conflicts", "Conflicts", priority=True),
        Binding("f4", "push", "Push", priority=True),
        Binding("f5", "again", "Look again", priority=True),
        Binding("escape", "leave", "Back", priority=True),
    ]

    def __init__(self, session: str, part: Chosen | None = None) -> None:
        super().__init__()
        self._session = session
        self._part = part  # only this of the work
        self._method: Method | None = None
        self._preview: MergePreview | None = None
        self._merging = False
        self._steps: list[str] = []
        self._seen = False  # a message was drafted
        self._landed: tuple[str, str] | None = None  # repository and target, once it landed
        self._would: Pushed | None = None  # what was shown of the push
        self._ended = Text()

    @property
    def _app(self) -> Orchestrator:
        return cast("Orchestrator", self.app)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Merge"
            dialog.border_subtitle = Content(_KEYS)
            with VerticalScroll(id="preview", can_focus=False):
                yield Static("Looking …", id="preview-text")
            yield Label("Commit message", id="message-label")
            yield TextArea("", compact=True, id="message")
            with Horizontal(classes="buttons"):
                yield Button("Merge", id="merge", variant="primary", compact=True, disabled=True)
                yield Button("Back", id="back", compact=True)

    def on_mount(self) -> None:
        self.watch(self.app, "fleet", self._fleet, init=False)
        self.query_one("#merge", Button).focus()
        self.run_worker(self._look(), exclusive=True, group="look")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "merge":
            self.action_merge()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_method(self) -> None:
        if not self._merging and self._method is not None:
            self._method = _METHODS[(_METHODS.index(self._method) + 1) % len(_METHODS)]
            self.run_worker(self._look(), exclusive=True, group="look")

    def action_merge(self) -> None:
        seen = self._preview
        if seen is not None and seen.refusal is None and not self._merging:
            self._merging = True
            self._steps = []
            self.query_one("#merge", Button).disabled = True
            self._app.run_worker(self._merge())

    def action_again(self) -> None:
        """What was shown holds no more: look anew; the message stays as it was edited."""
        if not self._merging and self._landed is None:
            self.run_worker(self._look(), exclusive=True, group="look")

    def action_conflicts(self) -> None:
        """Decide what conflicts, by hunk."""
        row = self._app.row(self._session)
        if row is not None and (row.conflicts or row.merge_conflicts or (self._preview and self._preview.conflicts)):
            from orchestrator.tui.screens.conflict import ConflictScreen

            self.dismiss(None)
            self._app.push_screen(ConflictScreen(self._session))

    def action_push(self) -> None:
        if self._landed is not None and not self._merging:
            self.run_worker(self._push(*self._landed), exclusive=True, group="push")

    async def _push(self, repository: str, branch: str) -> None:
        """First what would go where, then, by the same key, do it."""
        command = Push(repository=repository, branch=branch, dry_run=self._would is None, env=dict(os.environ))
        said: Pushed | None = await self._app.ask(command)
        if said is None:
            return
        text, push = self._ended.copy(), said.push
        if push.before == push.after:
            text.append(f"\n  {short(push.remote)} has {short(push.branch)} already", "not bold")
        elif command.dry_run:
            self._would = said
            text.append(f"\n  {number(push.commits, 'commit')} of {short(push.branch)} → {one_line(push.url)}", "bold")
            text.append("\n  f4 again pushes, never by force", "not bold")
        else:
            self._would = None
            text.append(f"\n  pushed: {short(push.branch)} is {push.after[:10]} at {one_line(push.url)}", "bold")
        self._draw(text)

    async def _draft(self) -> None:
        """A better message, unless the human began to edit."""
        field = self.query_one("#message", TextArea)
        before, label = field.text, self.query_one("#message-label", Label)
        label.update("Commit message (a model drafts it …)")
        said: Drafted | None = await self._app.ask(
            Draft(session=self._session, method=self._method, env=dict(os.environ))
        )
        if not self.is_attached:
            return
        if said is not None and field.text == before:
            field.text = safe(said.message).strip()
        by = "drafted by a model" if said is not None and said.by == "model" else one_line(said.note if said else "")
        label.update(f"Commit message ({by})" if by else "Commit message")

    async def _look(self) -> None:
        row = self._app.row(self._session)
        question = PreviewMerge(session=self._session, method=self._method, part=self._part)
        seen: MergePreview | None = await self._app.ask(question)
        if seen is None or row is None:
            self.dismiss(None)
            return
        first = self._preview is None
        self._preview, self._method = seen, seen.method
        title = f"Merge {'what you picked of ' if seen.partial else ''}{short(row.name)} into {short(seen.target)}"
        self.query_one(".dialog").border_title = Content(title)
        self.query_one(".dialog").border_subtitle = Content(_KEYS)
        if first and not self._seen:
            self._seen = True
            self.query_one("#message", TextArea).text = safe(seen.message).strip()
            if seen.drafts:
                self.run_worker(self._draft(), exclusive=True, group="draft")
        writes = seen.refusal is None and (self._method not in _KEPT or seen.uncommitted > 0)
        self.query_one("#message").display = self.query_one("#message-label").display = writes
        button = self.query_one("#merge", Button)
        button.display = True
        button.disabled = seen.refusal is not None
        (self.query_one("#back", Button) if seen.refusal else button).focus()
        self._draw(_drawn(row, seen))

    async def _merge(self) -> None:
        message = self.query_one("#message", TextArea).text.strip()
        row = self._app.row(self._session)
        repository = row.repository if row is not None else ""
        seen = self._preview.work or None if self._preview is not None else None
        command = Merge(session=self._session, method=self._method, message=message or None, work=seen, part=self._part)
        if (trust := self._preview.trust if self._preview is not None else None) is not None:
            if not await approved(self._app, trust):
                self._merging = False
                self.query_one("#merge", Button).disabled = False
                return
            command = command.model_copy(update={"trust": trust.digest})
        try:
            landing = await self._app.link.call(command)
        except (Refused, LinkDown) as error:
            self._end(_failure(self._app.row(self._session), error))
            return
        finally:
            self._merging = False
        text = Text(f"✓ {short(landing.branch)} is on {short(landing.target)}", "bold")
        text.append(f"\n\n  {landing.before[:10]} → {landing.after[:10]}", "not bold")
        if landing.check is not None:
            when = ", the second time (flaky)" if landing.check.flaky else f" in {landing.check.seconds:.1f} s"
            text.append(f"\n  {safe(landing.check.command)} passed{when}", "not bold")
        if landing.updated_checkout is not None:
            text.append(f"\n  your checkout {one_line(str(landing.updated_checkout))} was brought along", "not bold")
        if landing.then:
            text.append(f"\n  {one_line(landing.then)}", "not bold")
        elif landing.partial:
            text.append("\n\n  the rest is with the session, as it was", "not bold dim")
        else:
            text.append("\n\n  D drops the session; its work stays on the target", "not bold dim")
        self._landed, self._ended = (repository, landing.target), text
        self._end(text, "f4 pushes · esc back")

    def _end(self, body: RenderableType, keys: str = "f5 looks again · esc back") -> None:
        if not self.is_attached:
            return
        self.query_one("#message").display = self.query_one("#message-label").display = False
        self.query_one("#merge", Button).display = False
        self.query_one("#back", Button).focus()
        self.query_one(".dialog").border_subtitle = Content(keys)
        self._preview = None
        self._draw(body)

    def _fleet(self, fleet: Fleet) -> None:
        row = fleet.rows.get(self._session)  # type: ignore[call-overload]
        if self._merging and row is not None and row.merging and row.merging not in self._steps[-1:]:
            self._steps.append(row.merging)
            self._draw(Text("\n".join(f"  … {safe(step)}" for step in self._steps)))

    def _draw(self, body: RenderableType) -> None:
        self.query_one("#preview-text", Static).update(body)


def _drawn(row: Row, seen: MergePreview) -> RenderableType:
    text = Text(f"{short(row.branch)} → {short(seen.target)}", "bold")
    text.append(f"   by {seen.method}: {_WORDS[seen.method]}", "not bold dim")
    text.append(f"\n\n  {number(seen.files, 'file')}  +{seen.added} −{seen.removed}", "not bold")
    if seen.uncommitted:
        text.append(f"\n  {seen.uncommitted} uncommitted: committed with the message below", "not bold")
    if seen.partial:
        text.append("\n  only what you picked: the rest stays with the session, as it is", "not bold")
    if seen.trespass:
        text.append(f"\n  ! not landed, and on {short(seen.target)}: {cut(one_line(seen.trespass), 100)}", "bold")
    if seen.again:
        text.append("\n  part of it landed before: only what came after lands", "not bold")
    if seen.stacked:
        text.append(f"\n  stacked on {short(seen.stacked)}, which has not landed", "bold")
    if seen.behind:
        text.append(f"\n  {short(seen.target)} has {seen.behind} new commits: they are integrated", "not bold")
    for check in seen.checks:
        text.append(f"\n  check first: {safe(check)}", "not bold")
        text.append("   you are asked: it is not approved yet" if seen.trust is not None else "", "not bold dim")
    if seen.changes_rules:
        text.append(f"\n  ! it changes .orchestrator.toml; for this merge that of {short(seen.target)} holds", "bold")
    for path in seen.conflicts[:12]:
        text.append(f"\n  ≠ conflict in {cut(one_line(path), 200)}", "bold")
    if len(seen.conflicts) > 12:
        text.append(f"\n  … and {len(seen.conflicts) - 12} more", "not bold")
    if seen.refusal:
        text.append(f"\n\n✗ Not now: {safe(seen.refusal)}", "bold")
        text.append(f"\n  → {safe(seen.hint)}", "not bold")
    return text


def _failure(row: Row | None, error: Refused | LinkDown) -> RenderableType:
    if isinstance(error, LinkDown):
        return Text("✗ The daemon went away; look at the target before you try again.", "bold")
    text = Text(f"✗ {safe(error.message)}", "bold")
    text.append(f"\n  → {safe(error.hint)}", "not bold")
    parts: list[RenderableType] = [text]
    for conflict in row.merge_conflicts if row is not None else ():
        parts.append(Text(f"\n≠ {one_line(conflict.path)} ({conflict.kind})\n{_around(conflict.text)}"))
    return Group(*parts)


def _around(text: str, limit: int = 30) -> str:
    """The first conflict of a file with its markers."""
    lines = safe(text).splitlines()
    first = next((n for n, line in enumerate(lines) if line.startswith("<<<<<<<")), 0)
    return "\n".join("  " + line for line in lines[first : first + limit])
