"""z: what will come back and what goes is said before it is done, and exactly that is undone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.commands import Done, PreviewUndo, Refused, Undo
from orchestrator.replies import UndoPreview
from orchestrator.tui.screens.confirm import Confirm
from orchestrator.tui.screens.main import MainScreen
from tests.orchestrator.sample import NOW, SampleLink
from tests.orchestrator.screens import SIZES, compare, dashboard
from worktrees.operations import Kind

DROPPED = UndoPreview(
    operation="kxmwtrqn",
    kind=Kind.REMOVE,
    name="api-[b]retry",
    what="removed api-[b]retry with agent/api-retry",
    at=NOW - timedelta(minutes=7),
    repository="/home/dev/shop",
    tells=(
        "the branch agent/api-retry comes back at 3f2a9c01de Retry with back-off",
        "the worktree /home/dev/.local/state/orchestrator/worktrees/shop-1f2e3d/api-retry comes back, uncommitted "
        "work uncommitted",
        "not kept, so not back: node_modules/, build/",
    ),
)


def link_with(preview: object) -> SampleLink:
    link = SampleLink()
    link.answers["preview_undo"] = preview
    link.answers["undo"] = Done(message="undid kxmwtrqn (lmnopqrs)")
    return link


@SIZES
async def test_it_says_what_comes_back_and_asks(size: tuple[int, int]) -> None:
    async with dashboard(link_with(DROPPED), size) as shown:
        await shown.press("z")
        await shown.until(lambda: isinstance(shown.app.screen, Confirm))
        await compare(f"undo-{size[0]}", shown)
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, MainScreen))
        assert shown.verbs() == ["preview_undo"], "the harmless button has the focus"


async def test_what_was_shown_is_undone_and_not_what_is_newest_by_then() -> None:
    async with dashboard(link_with(DROPPED)) as shown:
        await shown.press("z")
        await shown.until(lambda: isinstance(shown.app.screen, Confirm))
        await shown.press("tab", "enter")
        await shown.until(lambda: "undo" in shown.verbs())
        assert shown.link.calls == [PreviewUndo(), Undo(operation="kxmwtrqn")]
        await shown.until(lambda: shown.said() == ["undid kxmwtrqn (lmnopqrs)"])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            DROPPED.model_copy(
                update={"refusal": "there is a branch agent/api-retry again", "hint": "rename it first"}
            ),
            ("there is a branch agent/api-retry again", "→ rename it first"),
        ),
        (Refused("there is nothing to undo", "orchestrator ops lists"), ("there is nothing to undo", "→ orchestrator")),
    ],
)
async def test_what_cannot_be_undone_says_why_and_asks_nothing(answer: object, words: tuple[str, ...]) -> None:
    async with dashboard(link_with(answer)) as shown:
        await shown.press("z")
        await shown.until(lambda: shown.said())
        assert all(word in shown.said()[0] for word in words)
        assert isinstance(shown.app.screen, MainScreen)
        assert shown.verbs() == ["preview_undo"]
