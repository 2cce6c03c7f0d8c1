"""The one control-mode client through which everything is asked of tmux.

``no-output``: a control client that receives %output and reads slowly throttles the agents' own writes (measured: 19 MB
down to 0.1 MB in 4 s); one that receives none cannot. ``ignore-size``: it must not shrink anybody's window.
Answers are framed by ``%begin``/``%end`` with a number; captured text may itself begin with "%end": the number decides.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sessions.agents.contract import Screen
from sessions.errors import PaneGone, SessionError, TmuxGone

DEADLINE_S = 10.0
_FIELDS = (
    "pane_id",
    "session_name",
    "pane_tty",
    "pane_pid",
    "pane_dead",
    "pane_dead_status",
    "pane_dead_signal",
    "pane_width",
    "pane_height",
    "pane_in_mode",
    "cursor_y",
    "cursor_x",
    "@orchestrator",
    "pane_title",  # last: an agent writes it, and may put anything into it
)
_FORMAT = "\t".join(f"#{{{name}}}" for name in _FIELDS)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


_OPTIONS = (
    ("-g", "status-left-length", "40"),
    # A human who attaches gives tmux their own terminal: no pane may reach through it. Most of these are the defaults
    # of tmux 3.3, said here so that another version cannot differ. "external": only the human copies to the clipboard.
    ("-s", "set-clipboard", "external"),
    ("-g", "allow-passthrough", "off"),
    ("-g", "allow-rename", "off"),
    ("-g", "automatic-rename", "off"),
    ("-g", "set-titles", "off"),
    ("-g", "status-right", "%H:%M"),  # by default the title of the pane, which is the agent's to choose
    ("-s", "terminal-overrides[99]", "*:Hls@"),  # no links of a pane (OSC 8, tmux 3.4)
)

_QUOTED = f"'{_FORMAT}'"


class TmuxError(SessionError):
    """tmux refused a command."""


@dataclass(frozen=True)
class Pane:
    """A pane as tmux describes it. ``exit_status`` and ``exit_signal`` are known once it is dead."""

    id: str
    session: str
    tty: str
    pid: int
    dead: bool
    exit_status: int | None
    exit_signal: int | None
    width: int
    height: int
    in_mode: bool
    cursor_row: int
    cursor_column: int
    title: str
    tag: str = ""  # what `spawn` was told to write on it


class Control:
    """One ``tmux -C`` client. Commands are pipelined; each has a deadline."""

    def __init__(self, process: asyncio.subprocess.Process, socket: str) -> None:
        self.closed = asyncio.Event()
        self.socket = socket
        self._process = process
        self._waiting: deque[asyncio.Future[list[str]]] = deque()
        self._reading = asyncio.ensure_future(self._read())
        self._buffers = 0

    @classmethod
    async def connect(cls, socket: str, session: str) -> Control:
        """Attach to ``session`` of the server behind ``socket``. Raises TmuxGone when there is none."""
        process = await asyncio.create_subprocess_exec(
            shutil.which("tmux") or "tmux",
            "-L",
            socket,
            "-f",
            os.devnull,
            "-C",
            "attach-session",
            "-f",
            "no-output,ignore-size",
            "-t",
            f"={session}",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")},
        )
        control = cls(process, socket)
        first: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        control._waiting.append(first)  # the answer to attach-session itself
        try:
            await asyncio.wait_for(first, DEADLINE_S)
        except (TimeoutError, SessionError) as error:
            await control.close()
            raise TmuxGone(f"no tmux server answers at {socket}", "any command starts it again") from error
        # A program that ends at once must leave its pane, so this is set before any spawn.
        await control.command("set-option", "-g", "remain-on-exit", "on")
        await control.command("set-option", "-g", "history-limit", "5000")
        for words in _OPTIONS:
            with suppress(TmuxError):  # an older tmux does not know all of them, and lacks what they switch off
                await control.command("set-option", *words)
        return control

    async def command(self, *words: str) -> list[str]:
        """Run one tmux command; returns the lines it printed."""
        return await self._line(" ".join(quote(word) for word in words))

    def _write(self, *lines: str | None) -> list[asyncio.Future[list[str]]]:
        """Send commands, all in one write; one future each. None stands for the answer that the one before adds."""
        if self.closed.is_set() or self._process.stdin is None:
            raise TmuxGone(
                "the tmux server is gone", "any command starts it again; orchestrator resume brings sessions back"
            )
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[list[str]]] = [loop.create_future() for _ in lines]
        self._waiting.extend(answers)
        self._process.stdin.write(
            "".join(line + "\n" for line in lines if line is not None).encode("utf-8", "surrogateescape")
        )
        return answers

    async def _line(self, line: str) -> list[str]:
        (answer,) = self._write(line)
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await answer
        except TimeoutError as error:
            raise TmuxError(
                f"tmux did not answer within {DEADLINE_S:.0f} s: {line[:60]}", "orchestrator doctor"
            ) from error

    async def panes(self) -> list[Pane]:
        """Every pane of our server, in one round trip."""
        return [_pane(line) for line in await self.command("list-panes", "-a", "-F", _FORMAT)]

    async def pane(self, pane: str) -> Pane:
        return _pane((await self._at(pane, "display-message", "-p", "-t", pane, _FORMAT))[0])

    async def spawn(self, name: str, argv: Iterable[str], cwd: str, width: int, height: int, tag: str) -> Pane:
        """Run ``argv`` in a new detached session called ``name``, whose pane stays when the program ends.

        The session's name makes a second spawn of the same session impossible: tmux refuses it.
        """
        words = ("new-session", "-d", "-P", "-F", _FORMAT, "-s", name, "-x", str(width), "-y", str(height), "-c", cwd)
        tagging = ("set-option", "-t", f"={name}:", "@orchestrator", tag)
        # One write: whoever is killed here leaves no pane without its tag.
        created, tagged = self._write(*(" ".join(map(quote, line)) for line in ((*words, "--", *argv), tagging)))
        tagged.add_done_callback(_retrieved)
        try:
            async with asyncio.timeout(DEADLINE_S):
                lines = await created
                await tagged
        except TimeoutError as error:
            raise TmuxError(f"tmux did not answer within {DEADLINE_S:.0f} s", "orchestrator doctor") from error
        return replace(_pane(lines[0]), tag=tag)

    async def capture(self, pane: str, above: int = 0) -> Screen:
        """What ``pane`` shows, as plain text, with its title and size of the same moment.

        ``above``: so many lines that scrolled out at its top come before.
        """
        shown = f"capture-pane -p -S -{above} -t {pane}" if above else f"capture-pane -p -t {pane}"
        about, lines = await self._pair(pane, f"display-message -p -t {pane} {_QUOTED}", shown)
        known = _pane(about[0])
        return Screen(
            lines=tuple(line.rstrip() for line in lines),
            title=known.title,
            at=datetime.now(UTC),
            width=known.width,
            height=known.height,
            cursor_row=known.cursor_row,
            in_mode=known.in_mode,
        )

    async def picture(self, pane: str) -> tuple[tuple[str, ...], int, int, int, int]:
        """Lines with their colours (SGR), width, height, cursor row and column."""
        about, lines = await self._pair(
            pane, f"display-message -p -t {pane} {_QUOTED}", f"capture-pane -e -p -t {pane}"
        )
        known = _pane(about[0])
        return tuple(lines), known.width, known.height, known.cursor_row, known.cursor_column

    async def leave_mode(self, pane: str) -> None:
        """End copy mode, in which somebody scrolled back: it would take the keys that are meant for the program."""
        await self._at(pane, "copy-mode", "-q", "-t", pane)

    async def paste(self, pane: str, text: str) -> None:
        """Put ``text`` in as a bracketed paste, guarded: tmux 3.3a dies when it pastes into a dead pane."""
        self._buffers += 1
        name = f"orchestrator-{os.getpid()}-{self._buffers}"
        descriptor, path = tempfile.mkstemp(prefix="orchestrator-paste-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8", "surrogateescape"))
            await self.command("load-buffer", "-b", name, path)
        finally:
            os.unlink(path)  # noqa: PTH108 - pathlib in a coroutine is what ASYNC240 refuses
        dead = await self._guarded(pane, f"paste-buffer -p -d -r -b {name} -t {pane}")
        if dead:
            with suppress(SessionError):
                await self.command("delete-buffer", "-b", name)
            raise PaneGone("the program has ended; nothing was pasted", "start it again: orchestrator resume NAME")

    async def press(self, pane: str, keys: Iterable[str]) -> None:
        """Press keys by tmux's names ("Enter", "Escape", "C-c", "y")."""
        await self.leave_mode(pane)
        await self._at(pane, "send-keys", "-t", pane, "--", *keys)

    async def literal(self, pane: str, text: str) -> None:
        await self.leave_mode(pane)
        await self._at(pane, "send-keys", "-l", "-t", pane, "--", text)

    async def resize(self, pane: str, width: int, height: int) -> None:
        await self._at(pane, "resize-window", "-t", pane, "-x", str(width), "-y", str(height))

    async def pipe(self, pane: str, path: str) -> None:
        """Append every byte that the program writes from now on to ``path``."""
        quoted = "'" + path.replace("'", "'\\''") + "'"
        await self._at(pane, "pipe-pane", "-O", "-t", pane, f"exec cat >> {quoted.replace('#', '##')}")

    async def kill(self, session: str) -> None:
        """Close a session of ours; one that is gone already is no error."""
        with suppress(TmuxError):
            await self.command("kill-session", "-t", f"={session}")

    async def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 2)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def _pair(self, pane: str, one: str, other: str) -> tuple[list[str], list[str]]:
        """Two commands in one write and under one deadline: this is done at every look at every pane."""
        try:
            first, second = self._write(one, other)
            second.add_done_callback(_retrieved)  # when the first one fails nobody waits for it
            async with asyncio.timeout(DEADLINE_S):
                return await first, await second
        except TimeoutError as error:
            raise TmuxError(f"tmux did not answer within {DEADLINE_S:.0f} s", "orchestrator doctor") from error
        except TmuxError as error:
            raise _closed(pane, error) from error

    async def _guarded(self, pane: str, command: str) -> bool:
        """Run ``command`` unless the program in ``pane`` has ended, which is the answer.

        tmux answers if-shell and, in a block of its own, the one command that it chose: whoever does not expect the
        second block takes it for the answer to the next command.
        """
        words = ("if-shell", "-F", "-t", pane, "#{pane_dead}", "display-message -p dead", command)
        asked, chosen = self._write(" ".join(quote(word) for word in words), None)
        chosen.add_done_callback(_retrieved)
        try:
            async with asyncio.timeout(DEADLINE_S):
                await asked
                return await chosen == ["dead"]
        except TimeoutError as error:
            raise TmuxError(f"tmux did not answer within {DEADLINE_S:.0f} s", "orchestrator doctor") from error
        except TmuxError as error:
            raise _closed(pane, error) from error

    async def _at(self, pane: str, *words: str) -> list[str]:
        try:
            return await self.command(*words)
        except TmuxError as error:
            raise _closed(pane, error) from error

    async def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        rest = b""
        lines: list[str] | None = None
        number = b""
        while chunk := await stream.read(1 << 18):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                if lines is None:
                    if line.startswith(b"%begin "):
                        lines, number = [], line.split()[2]
                elif line.startswith((b"%end ", b"%error ")) and line.split()[2:3] == [number]:
                    self._answer(lines, line.startswith(b"%error "))
                    lines = None
                else:
                    lines.append(line.decode("utf-8", "replace"))
        self.closed.set()
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(TmuxGone("the tmux server is gone", "any command starts it again"))
                answer.exception()  # retrieved: whoever waited may have given up

    def _answer(self, lines: list[str], failed: bool) -> None:
        if not self._waiting:
            return
        answer = self._waiting.popleft()
        if answer.done():
            return
        if failed:
            answer.set_exception(TmuxError("tmux: " + " ".join(lines), "orchestrator doctor looks for causes"))
        else:
            answer.set_result(lines)


def _retrieved(answer: asyncio.Future[list[str]]) -> None:
    if not answer.cancelled():
        answer.exception()


def _closed(pane: str, error: TmuxError) -> SessionError:
    """What tmux's refusal means for a pane."""
    if any(words in error.message for words in ("can't find pane", "can't find window", "pane has exited")):
        return PaneGone(f"the pane {pane} is closed", "start it again: orchestrator resume NAME")
    return error


def quote(word: str) -> str:
    """``word`` as one literal argument for tmux's command parser.

    Single quotes take everything but a single quote and a line end; the rest goes into double quotes by escapes.
    """
    if word and re.fullmatch(r"[A-Za-z0-9_@%+=:,./-]+", word) and not word.startswith("%"):
        return word
    parts: list[str] = []
    for part in re.split(r"([\n\r'\x00]+)", word):
        if not part:
            continue
        if part[0] in "\n\r'\x00":
            parts.append('"' + part.replace("\x00", "").replace("\n", "\\n").replace("\r", "\\r") + '"')
        else:
            parts.append(f"'{part}'")
    return "".join(parts) or "''"


def _pane(line: str) -> Pane:
    values = line.split("\t", len(_FIELDS) - 1)
    named = dict(zip(_FIELDS, values, strict=False))
    return Pane(
        id=named["pane_id"],
        session=named.get("session_name", ""),
        tty=named.get("pane_tty", ""),
        pid=_number(named.get("pane_pid")) or 0,
        dead=named.get("pane_dead") == "1",
        exit_status=_number(named.get("pane_dead_status")),
        exit_signal=_number(named.get("pane_dead_signal")),
        width=_number(named.get("pane_width")) or 0,
        height=_number(named.get("pane_height")) or 0,
        in_mode=named.get("pane_in_mode") not in ("0", "", None),
        cursor_row=_number(named.get("cursor_y")) or 0,
        cursor_column=_number(named.get("cursor_x")) or 0,
        title=_CONTROLS.sub(" ", named.get("pane_title", "")),
        tag=named.get("@orchestrator", ""),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.lstrip("-").isdigit() else None
