"""The one control client, against a real tmux."""

from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path

import pytest

from sessions.control import Control, Pane
from sessions.errors import PaneGone, SessionError, TmuxGone


async def _spawn(control: Control, name: str, *argv: str) -> Pane:
    return await control.spawn(name, argv, "/", 100, 30, name)


async def _shows(control: Control, pane: str, text: str) -> str:
    """The screen, once it shows ``text``."""
    async with asyncio.timeout(10):
        while True:
            lines = "\n".join((await control.capture(pane)).lines)
            if text in lines:
                return lines
            await asyncio.sleep(0.01)


async def _ended(control: Control, name: str) -> Pane:
    async with asyncio.timeout(10):
        while True:
            pane = next(pane for pane in await control.panes() if pane.session == name)
            if pane.dead:  # tmux 3.3a may lose how a program ended that ends at once
                return pane
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "word",
    ["plain", "two words", "it's", 'say "x"', "$HOME `id` \\ #{pid} %1", "line\nbreak", "🎉 ünï", "-x", ";", "~"],
)
async def test_arguments_arrive_as_they_are(control: Control, tmp_path: Path, word: str) -> None:
    out = tmp_path / "out"
    await _spawn(control, "a", "/bin/sh", "-c", 'printf %s "$2" > "$1"', "sh", str(out), word)
    await _ended(control, "a")
    assert out.read_text() == word


async def test_a_pane_outlives_its_program(control: Control) -> None:
    pane = await _spawn(control, "a", "sh", "-c", "echo last words; read x")
    await _shows(control, pane.id, "last words")
    await control.press(pane.id, ("Enter",))
    assert (await _ended(control, "a")).id == pane.id


async def test_a_name_is_taken_once(control: Control) -> None:
    await _spawn(control, "a", "cat")
    with pytest.raises(SessionError, match="duplicate session"):
        await _spawn(control, "a", "cat")


@pytest.mark.parametrize(
    "text",
    ["one", "two\nlines", "tab\tand 🎉 'quotes' \"double\" $(id)", "x" * 65_536, "-n leading", "!bang", "%end 1 2 3"],
)
async def test_a_paste_arrives_byte_for_byte(control: Control, tmp_path: Path, text: str) -> None:
    out = tmp_path / "out"
    program = (
        f"stty raw -echo; echo ready; dd bs=1 count={len(text.encode())} of={out} 2>/dev/null; echo done; exec cat"
    )
    pane = await _spawn(control, "a", "sh", "-c", program)
    await _shows(control, pane.id, "ready")
    await control.paste(pane.id, text)
    await _shows(control, pane.id, "done")
    assert out.read_text() == text


async def test_a_paste_into_a_dead_pane_is_refused_and_the_server_lives(control: Control) -> None:
    pane = await _spawn(control, "a", "true")
    await _ended(control, "a")
    with pytest.raises(PaneGone):
        await control.paste(pane.id, "text")
    assert any(other.session == "keeper" for other in await control.panes())


async def test_answers_stay_in_step_while_texts_are_pasted(control: Control) -> None:
    panes = [await _spawn(control, name, "sh", "-c", "stty -echo; cat >/dev/null") for name in ("a", "b", "c")]
    dead = await _spawn(control, "d", "true")
    await _ended(control, "d")

    async def pasting(pane: Pane) -> None:
        for _ in range(20):
            await control.paste(pane.id, "one\ntwo")
            with pytest.raises(PaneGone):
                await control.paste(dead.id, "text")

    async def looking(pane: Pane) -> None:
        for _ in range(60):
            assert (await control.pane(pane.id)).id == pane.id

    await asyncio.gather(*(task(pane) for pane in panes for task in (pasting, looking)))


async def test_keys_reach_the_program_though_somebody_scrolled_back(control: Control) -> None:
    pane = await _spawn(
        control, "a", "sh", "-c", 'stty -echo; echo ready; read -r x; echo "got $x"; read -r x; echo $x'
    )
    await _shows(control, pane.id, "ready")
    await control.command("copy-mode", "-t", pane.id)
    assert (await control.pane(pane.id)).in_mode
    await control.paste(pane.id, "text")
    await control.press(pane.id, ("Enter",))
    await _shows(control, pane.id, "got text")
    await control.command("clock-mode", "-t", pane.id)
    await control.literal(pane.id, "yes")
    await control.press(pane.id, ("Enter",))
    await _shows(control, pane.id, "yes")
    assert not (await control.pane(pane.id)).in_mode


async def test_a_screen_that_looks_like_tmuxs_own_framing_is_only_text(control: Control) -> None:
    pane = await _spawn(control, "a", "sh", "-c", "echo '%end 1 1 0'; echo '%error 2 2 0'; echo '%begin 3 3 0'; cat")
    lines = await _shows(control, pane.id, "%begin 3 3 0")
    assert "%end 1 1 0" in lines
    assert (await control.pane(pane.id)).session == "a"


async def test_the_log_holds_every_byte(control: Control, tmp_path: Path) -> None:
    log = tmp_path / "it's a #{log}"
    pane = await _spawn(control, "a", "sh", "-c", "read x; printf '\\033]7501;state=idle\\033\\\\shown\\n'; cat")
    await control.pipe(pane.id, str(log))
    await control.press(pane.id, ("Enter",))
    await _shows(control, pane.id, "shown")
    assert b"7501;state=idle" in await asyncio.to_thread(_once_it_holds, log, b"7501;state=idle")


def _once_it_holds(path: Path, mark: bytes) -> bytes:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        content = path.read_bytes() if path.exists() else b""
        if mark in content:
            return content
        time.sleep(0.01)
    return b""


async def test_a_closed_pane_is_told_from_a_refusal(control: Control) -> None:
    pane = await _spawn(control, "a", "cat")
    await control.kill("a")
    with pytest.raises(PaneGone):
        await control.capture(pane.id)
    await control.kill("a")  # twice is once
    with pytest.raises(SessionError, match="unknown command"):
        await control.command("no-such-command")


async def test_a_killed_server_ends_every_wait(socket: str) -> None:
    control = await Control.connect(socket, "keeper")
    await asyncio.to_thread(subprocess.run, ["tmux", "-L", socket, "kill-server"], check=True)
    async with asyncio.timeout(5):
        await control.closed.wait()
    with pytest.raises(TmuxGone) as gone:
        await control.panes()
    assert gone.value.hint
    await control.close()


async def test_no_server_is_said_in_words() -> None:
    with pytest.raises(TmuxGone, match="no tmux server"):
        await Control.connect("orchestrator-test-none", "keeper")
