"""Merging, dropping and starting: what is shown before anything is done, and what is done then."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

from orchestrator.commands import Drafted, Merge, MergePreview, Push, Pushed, Refused, Remove, Run, Trust
from orchestrator.events import MergeFailed, Merging
from orchestrator.tui.screens.confirm import Confirm
from orchestrator.tui.screens.main import MainScreen
from orchestrator.tui.screens.merge import MergeScreen
from orchestrator.tui.screens.new import NewTask
from tests.orchestrator.sample import NOW, SampleLink
from tests.orchestrator.screens import SIZES, Shown, compare, dashboard
from worktrees import models as git_models
from worktrees.models import CheckResult, Conflict, Landing, Method

LANDED = Landing(
    branch="orchestrator/api-retry",
    target="main",
    method=Method.SQUASH,
    before="1" * 40,
    after="2" * 40,
    at=NOW + timedelta(seconds=9),
    updated_checkout=Path("/home/dev/shop"),
    check=CheckResult(command="pytest -q", exit_code=0, output="", seconds=2.31),
)
CLASH = MergePreview(
    target="main",
    method=Method.SQUASH,
    files=3,
    added=1,
    removed=1,
    uncommitted=0,
    behind=2,
    conflicts=("src/[b]client.py",),
    message="x",
    checks=(),
    refusal="1 file conflicts with main",
    hint="u brings main in, then the agent can resolve it",
)


async def select(shown: Shown, *keys: str) -> None:
    await shown.press("j", "j", "j", "j", "j", *keys)


@SIZES
async def test_the_merge_looks_as_drawn(size: tuple[int, int]) -> None:
    async with dashboard(SampleLink(), size) as shown:
        await select(shown, "m")
        await shown.sees("Add a dark theme")
        await compare(f"merge-{size[0]}", shown)


async def test_it_merges_with_the_message_that_was_edited_and_tells_how_it_ended() -> None:
    link = SampleLink()
    link.answers["merge"] = LANDED
    async with dashboard(link) as shown:
        await select(shown, "m")
        await shown.sees("Add a dark theme")
        await shown.press("shift+tab")
        await shown.until(lambda: shown.app.focused is not None and shown.app.focused.id == "message")
        await shown.press("end", *" now", "ctrl+s")
        await shown.sees("✓ orchestrator/api-retry is on main")
        command = link.calls[-1]
        assert isinstance(command, Merge)
        assert (command.message, command.method) == ("Add a dark theme now", Method.SQUASH)
        assert "pytest -q passed in 2.3 s" in shown.text()
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, MainScreen))


async def test_f2_goes_through_the_methods_and_a_fast_forward_has_no_message() -> None:
    async with dashboard(SampleLink()) as shown:
        await select(shown, "m")
        await shown.sees("by squash")
        await shown.press("f2")
        await shown.sees("by merge")
        await shown.press("f2")
        await shown.sees("by rebase")
        await shown.press("f2")
        await shown.sees("by ff")
        assert [call.method for call in shown.link.calls] == [None, Method.MERGE, Method.REBASE, Method.FF]


async def test_what_cannot_be_merged_says_why_and_no_key_merges_it() -> None:
    link = SampleLink()
    link.answers["preview_merge"] = CLASH
    async with dashboard(link) as shown:
        await select(shown, "m")
        await shown.sees("≠ conflict in src/[b]client.py")
        assert "✗ Not now: 1 file conflicts with main" in shown.text()
        assert "→ u brings main in" in shown.text()
        await shown.press("ctrl+s")
        await shown.press("enter")
        await shown.until(lambda: not isinstance(shown.app.screen, MergeScreen))
        assert "merge" not in shown.verbs()


async def test_a_merge_that_fails_shows_the_conflict_in_place() -> None:
    link = SampleLink()
    link.answers["merge"] = Refused("src/client.py conflicts with main", "x")
    async with dashboard(link) as shown:
        await select(shown, "m")
        await shown.sees("Add a dark theme")
        text = "a\n<<<<<<< main\nb\n=======\nc\n>>>>>>> agent\n"
        conflict = Conflict(path="src/client.py", kind="content", text=text)
        link.emit("api-retry", Merging(step="integrate"))
        link.emit("api-retry", MergeFailed(reason="conflict", conflicts=(conflict,)))
        await shown.until(lambda: shown.app.fleet.seq == link.fleet.seq)
        await shown.press("ctrl+s")
        await shown.sees("✗ src/client.py conflicts with main")
        await shown.sees("<<<<<<< main")


async def test_what_landed_is_pushed_by_a_key_that_first_shows_where_to() -> None:
    link = SampleLink()
    link.answers["merge"] = LANDED.model_copy(update={"then": "api-retry goes on from main"})
    where = git_models.Push(
        remote="origin", url="git@forge.example:[b]shop.git", branch="main", before="1" * 40, after="2" * 40, commits=3
    )
    link.answers["push"] = Pushed(push=where)
    async with dashboard(link) as shown:
        await select(shown, "m")
        await shown.sees("Add a dark theme")
        await shown.press("f4")
        await shown.press("ctrl+s")
        await shown.sees("f4 pushes · esc back")
        assert "api-retry goes on from main" in shown.text()
        assert "push" not in shown.verbs()
        await shown.press("f4")
        await shown.sees("3 commits of main → git@forge.example:[b]shop.git")
        await shown.press("f4")
        await shown.sees("pushed: main is 2222222222")
        asked = [call for call in link.calls if isinstance(call, Push)]
        assert [(call.repository, call.branch, call.dry_run) for call in asked] == [
            ("/home/dev/shop", "main", True),
            ("/home/dev/shop", "main", False),
        ]


@SIZES
async def test_a_landing_looks_as_drawn_with_the_push_that_would_follow(size: tuple[int, int]) -> None:
    link = SampleLink()
    told = {"again": True, "trespass": "0badc0ffee Quick fix", "behind": 1, "method": Method.REBASE}
    link.answers["preview_merge"] = CLASH.model_copy(update={"refusal": None, "conflicts": (), **told})
    link.answers["merge"] = LANDED
    url = "git@forge.example:shop.git"
    where = git_models.Push(remote="origin", url=url, branch="main", before="1" * 40, after="2" * 40, commits=3)
    link.answers["push"] = Pushed(push=where)
    async with dashboard(link, size) as shown:
        await select(shown, "m")
        await shown.sees("not landed, and on main: 0badc0ffee Quick fix")
        await compare(f"merge-again-{size[0]}", shown)
        await shown.press("ctrl+s")
        await shown.sees("f4 pushes")
        await shown.press("f4")
        await shown.sees("3 commits of main")
        await compare(f"merge-landed-{size[0]}", shown)


async def test_an_approval_that_is_void_is_looked_at_again_and_the_edited_message_stays() -> None:
    link = SampleLink()
    fine = CLASH.model_copy(update={"conflicts": (), "refusal": None, "hint": "", "work": "1:2:3:4"})
    link.answers["preview_merge"] = fine
    link.answers["merge"] = Refused("main has moved since it was looked at", "look at it again, then merge")
    async with dashboard(link) as shown:
        await select(shown, "m")
        await shown.sees("by squash")
        await shown.press("shift+tab", "end", *" mine", "ctrl+s")
        await shown.sees("✗ main has moved since it was looked at")
        assert link.calls[-1].work == "1:2:3:4"
        link.answers["preview_merge"] = fine.model_copy(update={"work": "1:2:9:4", "behind": 7})
        link.answers["merge"] = LANDED
        await shown.press("f5")
        await shown.sees("main has 7 new commits")
        await shown.press("ctrl+s")
        await shown.sees("✓ orchestrator/api-retry is on main")
        assert (link.calls[-1].work, link.calls[-1].message) == ("1:2:9:4", "x mine")


async def test_a_models_draft_takes_the_rules_place_unless_the_human_edits() -> None:
    link = SampleLink()
    link.answers["preview_merge"] = CLASH.model_copy(update={"refusal": None, "conflicts": (), "drafts": True})
    link.answers["draft"] = Drafted(message="A better one\n", by="model")
    async with dashboard(link) as shown:
        await select(shown, "m")
        await shown.sees("Commit message (drafted by a model)")
        assert "A better one" in shown.text()
    link = SampleLink()
    link.held["draft"] = asyncio.Event()
    link.answers["preview_merge"] = CLASH.model_copy(update={"refusal": None, "conflicts": (), "drafts": True})
    link.answers["draft"] = Drafted(message="Too late", by="model")
    async with dashboard(link) as shown:
        await select(shown, "m")
        await shown.sees("a model drafts it")
        await shown.press("shift+tab", "end", *" mine")
        await shown.sees("x mine")
        link.held["draft"].set()
        await shown.sees("drafted by a model")
        assert "Too late" not in shown.text()


async def test_checks_of_the_repository_are_shown_and_run_only_when_they_were_approved() -> None:
    link = SampleLink()
    preview = CLASH.model_copy(update={"conflicts": (), "refusal": None, "hint": "", "checks": ("make [b]",)})
    trust = Trust(digest="abc", checks=("make [b]",))
    link.answers["preview_merge"] = preview.model_copy(update={"trust": trust, "changes_rules": True})
    link.answers["merge"] = LANDED
    async with dashboard(link) as shown:
        await select(shown, "m")
        await shown.sees("check first: make [b]   you are asked: it is not approved yet")
        assert "it changes .orchestrator.toml; for this merge that of main holds" in shown.text()
        await shown.press("ctrl+s")
        await shown.sees("Approve exactly these commands?")
        await shown.press("enter")  # the harmless one has the focus
        await shown.until(lambda: isinstance(shown.app.screen, MergeScreen))
        assert "merge" not in shown.verbs()
        await shown.press("ctrl+s")
        await shown.sees("Approve exactly these commands?")
        await shown.press("tab", "enter")
        await shown.sees("✓ orchestrator/api-retry is on main")
        command = link.calls[-1]
        assert isinstance(command, Merge)
        assert command.trust == "abc"


@SIZES
async def test_dropping_says_what_goes_and_where_it_is_kept(size: tuple[int, int]) -> None:
    async with dashboard(SampleLink(), size) as shown:
        await select(shown, "D")
        await shown.until(lambda: isinstance(shown.app.screen, Confirm))
        await shown.sees("refs/orchestrator/attic/api-retry")
        await compare(f"drop-{size[0]}", shown)
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, MainScreen))
        assert shown.verbs() == ["preview_remove"]


async def test_dropping_needs_a_key_that_was_meant() -> None:
    async with dashboard(SampleLink()) as shown:
        await select(shown, "D")
        await shown.until(lambda: isinstance(shown.app.screen, Confirm))
        await shown.press("tab", "enter")
        await shown.until(lambda: "remove" in shown.verbs())
        assert shown.link.calls[-1] == Remove(session=shown.link.session("api-retry"))


@SIZES
async def test_the_form_looks_as_drawn(size: tuple[int, int]) -> None:
    async with dashboard(SampleLink(), size) as shown:
        await shown.press("n")
        await shown.until(lambda: isinstance(shown.app.screen, NewTask))
        await shown.press(*"Add a flag")
        await compare(f"new-{size[0]}", shown)


async def test_a_task_is_started_with_what_was_typed() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("n")
        await shown.until(lambda: isinstance(shown.app.screen, NewTask))
        await shown.press("ctrl+s")
        await shown.sees("Write what the agent should do.")
        await shown.press(*"Fix", "enter", *"it", "ctrl+s")
        await shown.until(lambda: "run" in shown.verbs())
        command = shown.link.calls[-1]
        assert isinstance(command, Run)
        assert (command.prompt, command.repository, command.count) == ("Fix\nit", "/home/dev/shop", 1)
        assert (command.agent, command.base, command.name) == (None, None, None)
        assert "PATH" in command.env


async def test_a_draft_survives_leaving_the_form() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("n")
        await shown.until(lambda: isinstance(shown.app.screen, NewTask))
        await shown.press(*"half a th", "escape")
        await shown.until(lambda: isinstance(shown.app.screen, MainScreen))
        await shown.press("n")
        await shown.sees("half a th")
        assert shown.verbs() == []


async def test_set_up_commands_are_shown_and_run_only_when_they_were_approved() -> None:
    link = SampleLink()
    link.answers["run"] = Refused(
        "new set-up commands", "", Trust(digest="abc", commands=("npm ci", "make [b]"), checks=("tox",))
    )
    async with dashboard(link) as shown:
        await shown.press("n")
        await shown.until(lambda: isinstance(shown.app.screen, NewTask))
        await shown.press(*"Go", "ctrl+s")
        await shown.sees("wants to run commands of its own")
        assert "npm ci" in shown.text()
        assert "make [b]" in shown.text()
        assert "to judge its agents' work:\n" in re.sub(r"[│ ]+\n", "\n", shown.text())
        assert "tox" in shown.text()
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, MainScreen))
        assert len(link.calls) == 1
        await shown.press("n", "ctrl+s")
        await shown.sees("wants to run commands of its own")
        del link.answers["run"]
        await shown.press("tab", "enter")
        await shown.until(lambda: len(link.calls) == 3)
        assert link.calls[-1].trust == "abc"
