"""What is fuzzed: each target takes any bytes and fails when something that reads bytes of others breaks its promise.

``test_targets.py`` runs them on examples in every test run; ``make fuzz`` lets atheris search, guided by coverage.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from textual.strip import Strip

from orchestrator.commands import Command, Refused
from orchestrator.config import load_settings
from orchestrator.events import Envelope
from orchestrator.fleet import Fleet, apply
from orchestrator.tui.widgets.pane import picture_line
from sessions import agents, screen_rules
from sessions.agents.contract import Mode, Place, Reading, Screen
from sessions.control import _pane
from sessions.follow import Follower
from sessions.models import Spec
from sessions.screen_rules import RulesInvalid
from tests.hostile import acting
from worktrees.inert import block, escaped, is_inert, line, valid

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NAMES = ("aider", "claude", "coder", "codex", "command", "copilot", "gemini", "opencode", "pi", "qwen")
CONSOLE = Console(color_system="truecolor", force_terminal=True, width=500)
_SGR = re.compile(r"\x1b\[[0-9;]*m")


@cache
def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


def text_of(data: bytes) -> str:
    """Any text: UTF-8, and what is none as git, tmux and the file system hand it on."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape")


def inert(data: bytes) -> None:
    """No text acts, and what is inert stays as it is."""
    text = text_of(data)
    for make in (block, line):
        shown = make(text)
        assert acting(shown) == []
        assert is_inert(shown)
        assert make(shown) == shown
    valid(text).encode()
    json.loads(escaped(json.dumps(text, ensure_ascii=False)))


def picture(data: bytes) -> None:
    """Nothing but colours passes from a captured line to the terminal."""
    shown = Strip(picture_line.__wrapped__(text_of(data)).render(CONSOLE, end="")).render(CONSOLE)
    assert acting(_SGR.sub("", shown)) == []
    _pane(text_of(data))


def rules(data: bytes) -> None:
    """No screen breaks a rule of any agent."""
    lines = tuple(text_of(data).split("\n"))
    screen = Screen(lines=lines[1:], title=lines[0], at=NOW)
    for name in NAMES:
        screen_rules.match(screen_rules.load(name), screen, "2.1.330")
    screen_rules.trace(screen_rules.load("claude"), screen, lines[0])


def own_rules(data: bytes) -> None:
    """A file of rules is used or refused by name."""
    (folder() / "claude.toml").write_bytes(data)
    try:
        screen_rules._of_user.__globals__["_own"] = folder()
        found = screen_rules._of_user("claude")
        screen = Screen(lines=("> x", "1. Yes"), title="", at=NOW)
        screen_rules.match(tuple(rule for rule in found.values() if rule is not None), screen)
    except RulesInvalid:
        pass
    finally:
        screen_rules._of_user.__globals__["_own"] = None


def settings(data: bytes) -> None:
    """A repository's file is read or refused by name."""
    (folder() / ".orchestrator.toml").write_bytes(data)
    try:
        load_settings(folder(), {"HOME": str(folder())})
    except Refused as refused:
        refused.message.encode()


def follow(data: bytes) -> None:
    """Whatever happens to a file that is followed, whole lines come once, and are never counted backwards."""
    path = folder() / "followed"
    path.unlink(missing_ok=True)
    follower = Follower("x", path, Mode.LINES)
    follower.read()
    skipped, got, wrote = 0, [], []
    replaced = False
    for step, piece in enumerate(data.split(b"\xfe")):
        what, piece = piece[:1], piece[1:]
        if what == b"t" and path.exists():
            path.write_bytes(path.read_bytes()[: len(piece)])
            replaced = True
        elif what == b"r":
            other = folder() / "other"
            other.write_bytes(piece)
            other.rename(path)
            replaced = True
        else:
            with path.open("ab") as file:
                file.write(piece)
            wrote.append(piece)
        if step % 2 == 0:
            reading = follower.read()
            got += reading.lines if reading is not None else ()
        assert follower.skipped >= skipped
        skipped = follower.skipped
    reading = follower.read()
    got += reading.lines if reading is not None else ()
    assert all(b"\n" not in one and one.strip() for one in got)
    if not replaced:
        *whole, _rest = b"".join(wrote).split(b"\n")
        assert got == [one for one in whole if one.strip()]


def readers(data: bytes) -> None:
    """No line breaks a reader, and all that it finds can be stored and counts forwards."""
    lines = data.split(b"\n")
    place = Place(folder=folder(), worktree=folder(), env={"HOME": str(folder())})
    for name in NAMES:
        spec = Spec(agent=name, name="x")
        reader = agents.get(name).reader(spec, place)
        for watch in reader.watches():
            given: dict[str, Any] = {"lines": tuple(lines)}
            if getattr(watch, "mode", Mode.LINES) is not Mode.LINES:
                given = {"data": data}
            found = reader.read(Reading(watch.feed, Path("/nowhere"), NOW, **given))
            for item in (*found.evidence, *found.responses):
                item.model_dump_json()
            (found.said or "").encode()
            (found.version or "").encode()
            (found.agent_session_id or "").encode()
            for response in found.responses:
                usage = response.usage
                assert min(usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning) >= 0
                assert response.cost_usd is None or response.cost_usd >= 0
        screen = Screen(lines=tuple(text_of(data).split("\n")), title=text_of(lines[0]), at=NOW)
        for item in reader.look(screen).evidence:
            valid(item.saw).encode()


_COMMANDS: TypeAdapter[Command] = TypeAdapter(Command)
_ENVELOPES = TypeAdapter(Envelope)


def wire(data: bytes) -> None:
    """What comes over the socket or out of the ledger is what it should be, or is refused."""
    for adapter in (_COMMANDS, _ENVELOPES):
        try:
            found = adapter.validate_json(data)
        except ValidationError:
            continue
        found.model_dump_json()
        if isinstance(found, Envelope):
            apply(Fleet(), found)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (inert, picture, rules, own_rules, settings, follow, readers, wire)
}
