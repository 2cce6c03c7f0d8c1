"""Copilot CLI: launched with a session id of ours, read from its own event log and its screen.

Nothing is written into the user's configuration: home and trust stay the user's, the trust dialog is shown as a
question. With a base URL it asks that provider and nobody else (``COPILOT_OFFLINE``).
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from sessions.agents import dialogs
from sessions.agents.capabilities import Capabilities
from sessions.agents.contract import Keys, Launch, Needs, Paste, Place, Reader, Screen, Step
from sessions.agents.copilot_log import transcript_entries
from sessions.agents.copilot_reader import CopilotReader, uncovered
from sessions.agents.copilot_reader import home as copilot_home
from sessions.errors import AgentMissing, NotAnOption, SessionError
from sessions.models import Entry, Kind, Question, Spec
from sessions.screen_rules import Match, load

_COMMANDS = ("!", "/", "#", "@", "?", "&")
_NO_COMMAND = "\u200b"
"""Blanks before a command are no help: " !ls" runs ls. What has no width is not taken for a blank."""
_MODES = ("interactive", "plan", "autopilot")
_IN_WORDS = ("no, and tell copilot", "suggest changes", "other (type your answer")


class Copilot:
    """Adapter of GitHub Copilot CLI 1.0."""

    name = "copilot"
    title = "Copilot CLI"
    capabilities: ClassVar[Capabilities] = Capabilities(
        task="an argument",
        modes=("default", *_MODES, "allow-all"),
        endpoint="`COPILOT_PROVIDER_BASE_URL`",
        sources=("event log", "screen"),
        answers="keys",
        usage="event log; an interrupted response as a lower bound",
        resume="by its session id",
    )

    def program(self, spec: Spec, env: Mapping[str, str]) -> str:
        wanted = spec.command[0] if spec.command else "copilot"
        found = shutil.which(wanted, path=env.get("PATH"))
        if found is None:
            raise AgentMissing(
                f"{self.title} is not installed ({wanted} is not on PATH)",
                "install it: npm install -g @github/copilot, or set [agents.copilot] command",
            )
        return found

    def launch(self, spec: Spec, place: Place) -> Launch:
        argv = [self.program(spec, place.env), *spec.command[1:]]
        session = spec.agent_session_id or str(uuid.uuid4())
        argv += [f"--resume={session}"] if spec.resume else [f"--session-id={session}", f"--name={spec.name}"]
        argv += ["--no-auto-update", *_mode(spec.permission_mode)]
        if spec.model:
            argv += ["--model", spec.model]
        argv += spec.args
        if spec.prompt:
            argv += ["-i", _literal(spec.prompt)]
        env = {"COPILOT_AUTO_UPDATE": "false"}  # an update must not replace the program under running agents
        if spec.base_url:
            env |= {"COPILOT_PROVIDER_BASE_URL": spec.base_url, "COPILOT_OFFLINE": "true"}
        return Launch(argv=tuple(argv), env=env, agent_session_id=session)

    def needs(self, spec: Spec, place: Place) -> Needs:
        config = copilot_home(place.env)
        return Needs(
            own=(config,),
            copies=tuple((config / name, config / name) for name in ("config.json", "settings.json")),
            read=tuple(config / name for name in ("mcp-config.json", "agents", "skills", "copilot-instructions.md")),
        )

    def reader(self, spec: Spec, place: Place) -> Reader:
        return CopilotReader(spec, place)

    def answer(self, question: Question, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        screen = uncovered(screen)
        found = dialogs.shown(load("copilot"), question, screen)
        if text and not choice:
            return _in_words(found, text)
        if question.multiple:
            return _several(found, choice, screen)
        index = dialogs.pick(found, choice)
        label = found.options[index].label.lower()
        if label.startswith(_IN_WORDS) and text:
            return _in_words(found, text)
        if label.startswith("no") and question.kind is not Kind.QUESTION:
            return (Keys(("Escape",)),)  # Enter would wait for words
        if label.startswith(_IN_WORDS):
            raise NotAnOption("this option takes words", 'say them: orchestrator answer NAME --text "…"')
        if question.kind is Kind.QUESTION:
            return dialogs.walk(found, index)
        return (Keys((found.options[index].key,)),)

    def message(self, text: str) -> tuple[Step, ...]:
        return (Keys(("C-u",)), Paste(_literal(text)))

    def interrupt(self) -> tuple[Step, ...]:
        """It takes two Escapes too, but sees no second one that comes at once."""
        return (Keys(("C-c",)),)

    def quit(self) -> tuple[Step, ...]:
        return (Keys(("Escape",)), Keys(("C-c",)), Keys(("C-c",)))

    def transcript(self, path: Path) -> tuple[Entry, ...]:
        return transcript_entries(path)


def _in_words(found: Match, text: str) -> tuple[Step, ...]:
    """Through the option that takes words: its line becomes an input once the cursor is there."""
    for index, option in enumerate(found.options):
        if option.label.lower().startswith(_IN_WORDS):
            moves = _moves(found.selected or 0, index)
            return (*((Keys(moves),) if moves else ()), Paste(text), Keys(("Enter",)))
    raise NotAnOption("this question takes no answer in words", "choose one of its options")


def _several(found: Match, choice: str, screen: Screen) -> tuple[Step, ...]:
    """Toggle options until those named by ``choice``, keys with commas, are the ones taken, and accept."""
    wanted = {dialogs.pick(found, one) for one in choice.split(",")}
    taken = {
        index
        for index, option in enumerate(found.options)
        if any(line.strip(" ❯") == f"✓ {option.label}" for line in screen.lines)
    }
    at = found.selected or 0
    keys: list[str] = []
    for index in sorted(wanted ^ taken):
        keys += [*_moves(at, index), "Space"]
        at = index
    return (*((Keys(tuple(keys)),) if keys else ()), Keys(("Enter",)))


def _moves(at: int, index: int) -> tuple[str, ...]:
    return ("Down",) * (index - at) if index >= at else ("Up",) * (at - index)


def _mode(mode: str | None) -> list[str]:
    """The user's word for what Copilot may do: one of its modes, or all of it."""
    if not mode or mode == "default":
        return []
    if mode in _MODES:
        return ["--mode", mode]
    if mode in ("yolo", "allow-all"):
        return ["--allow-all"]
    raise SessionError(
        f"{Copilot.title} has no permission mode {mode!r}", "there are: default, allow-all, " + ", ".join(_MODES)
    )


def _literal(text: str) -> str:
    """``text`` so that its first character is no option, and no command of Copilot's input line."""
    if text.lstrip().startswith(_COMMANDS):
        return _NO_COMMAND + text
    return " " + text if text.startswith("-") else text
