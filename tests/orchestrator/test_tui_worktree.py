"""What the human does with a session's worktree: their editor on it in a real terminal, its path on the clipboard."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.tui.screens.inbox import InboxScreen
from orchestrator.tui.screens.session import SessionScreen
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import Shown, dashboard
from tests.orchestrator.test_tui_attach import Tmux

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from datetime import UTC, datetime
from orchestrator.tui.app import Orchestrator
from tests.orchestrator.sample import SampleLink

link = SampleLink(datetime.now(UTC), worktrees=sys.argv[1])
Orchestrator(lambda: link).run()
"""
EDITOR = """#!/bin/sh
trap 'echo interrupted >> note; exit' INT
echo this is the editor
read line
echo "$@" >> note
echo "$line" >> note
exit ${line:-0}
"""


class Desk:
    """A dashboard in a real tmux, on sessions whose worktrees are real folders, and an editor that writes a note."""

    def __init__(self, folder: Path, tmux: Tmux) -> None:
        self.tmux = tmux
        self.editor = folder / "bin" / "my editor"
        self.editor.parent.mkdir()
        self.editor.write_text(EDITOR)
        self.editor.chmod(0o755)
        self.worktrees = folder / "worktrees"
        for name in ("login-form", "db-migrate"):
            (self.worktrees / name).mkdir(parents=True)

    def open(self, **env: str) -> None:
        """The dashboard as of an environment; login-form is selected."""
        kept = {name: value for name, value in self.tmux.env.items() if name not in ("VISUAL", "EDITOR")}
        self.tmux.env = {**kept, "PATH": f"{self.editor.parent}:{kept['PATH']}", **env}
        self.tmux.start("human", "-c", str(ROOT), sys.executable, "-c", SCRIPT, str(self.worktrees))
        self.sees("▲ 2 need you")

    def press(self, *keys: str) -> None:
        self.tmux.run("send-keys", "-t", "=human:", *keys)

    def sees(self, words: str) -> None:
        self.tmux.sees(words, "human")

    def note(self, session: str) -> list[str]:
        """What the editor wrote into the folder that it was started in."""
        return (self.worktrees / session / "note").read_text().splitlines()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with tempfile.TemporaryDirectory(prefix="tmux-") as folder:  # short: the path of a socket has about 100 bytes
        tmux = Tmux(Path(folder))
        yield Desk(tmp_path, tmux)
        subprocess.run(["tmux", "-L", tmux.socket, "kill-server"], env=tmux.env, capture_output=True, check=False)


def test_e_gives_the_terminal_to_the_editor_on_the_worktree_and_takes_it_back(desk: Desk) -> None:
    desk.open(VISUAL="'my editor' --wait", EDITOR="/no/such/editor")
    desk.press("e")
    desk.sees("this is the editor")
    desk.press("Enter")
    desk.sees("▲ 2 need you")
    assert desk.note("login-form") == [f"--wait {desk.worktrees / 'login-form'}", ""]
    desk.press("j", "e")
    desk.sees("this is the editor")
    desk.press("Enter")
    desk.sees("2 db-migrate — live")
    assert desk.note("db-migrate") == [f"--wait {desk.worktrees / 'db-migrate'}", ""]


def test_ctrl_c_in_the_editor_does_not_end_the_dashboard(desk: Desk) -> None:
    desk.open(EDITOR="'my editor'")
    desk.press("e")
    desk.sees("this is the editor")
    desk.press("C-c")
    desk.sees("▲ 2 need you")
    assert desk.note("login-form") == ["interrupted"]
    desk.press("j")
    desk.sees("2 db-migrate — live")


def test_an_editor_that_is_missing_or_fails_is_said_and_the_dashboard_goes_on(desk: Desk) -> None:
    desk.open(VISUAL=" ", EDITOR="'my editor'")
    desk.press("e")
    desk.sees("this is the editor")
    desk.press("3", "Enter")
    desk.sees("my editor failed: exit 3")
    desk.editor.unlink()
    desk.press("e")
    desk.sees("my editor cannot be run: No such file or directory")
    desk.sees("→ $VISUAL, else $EDITOR, names the editor")
    desk.press("j")
    desk.sees("2 db-migrate — live")


async def test_without_an_editor_e_is_dim_and_names_the_two_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "")
    monkeypatch.delenv("EDITOR", raising=False)
    async with dashboard(SampleLink()) as shown:
        assert not shown.app.screen.active_bindings["e"].enabled
        await shown.press("e")
        await shown.until(shown.said)
        assert shown.said() == [
            "Neither $VISUAL nor $EDITOR is set\n→ set one to your editor and open the dashboard again"
        ]


@pytest.mark.parametrize(
    ("editor", "made", "said"),
    [
        ("vi", False, "The worktree of login-form is not there: {path}\n→ its branch: orchestrator/login-form"),
        ("vi '", True, "vi ' cannot be run: No closing quotation\n→ $VISUAL, else $EDITOR, names the editor"),
        ("vi", True, "This terminal cannot be handed over\n→ y copies {path}"),
    ],
)
async def test_what_stands_in_the_way_of_the_editor_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, editor: str, made: bool, said: str
) -> None:
    monkeypatch.setenv("VISUAL", editor)
    path = tmp_path / "login-form"
    if made:
        path.mkdir()
    async with dashboard(SampleLink(worktrees=str(tmp_path))) as shown:
        await shown.press("e")
        await shown.until(shown.said)
        assert shown.said() == [said.format(path=path)]


def test_y_puts_the_path_on_the_clipboard_of_the_terminal(desk: Desk) -> None:
    desk.open()
    desk.tmux.run("set-option", "-s", "set-clipboard", "on")
    desk.press("j", "y")
    desk.sees("copied ")
    assert desk.tmux.run("show-buffer") == str(desk.worktrees / "db-migrate")


async def copied(shown: Shown, session: str) -> None:
    """``y`` copies the path of that session and says so."""
    await shown.press("y")
    await shown.until(shown.said)
    path = f"{shown.link.worktrees}/{session}"
    assert (shown.app.clipboard, shown.said()) == (path, [f"copied {path}"])


async def test_y_copies_on_the_screen_of_a_session_and_while_the_daemon_is_away() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("j", "j", "enter")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen))
        shown.link.cut(down=True)
        await shown.sees("retrying")
        await copied(shown, "docs-typos")


async def test_y_is_yes_to_a_question_and_copies_nothing() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("w")
        await shown.until(lambda: isinstance(shown.app.screen, InboxScreen))
        await shown.settled()
        await shown.press("y")
        await shown.until(lambda: "answer" in shown.verbs())
        assert shown.app.clipboard == ""


async def test_e_and_y_are_commands_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "vi")
    async with dashboard(SampleLink()) as shown:
        named = {command.title for command in shown.app.get_system_commands(shown.app.screen)}
        assert {"Edit (e)", "Copy path (y)"} <= named
