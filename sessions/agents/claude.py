"""Claude Code: launched with its own ``--settings``, read from its session file, hooks, transcript and screen.

Nothing is written into the user's configuration. Trust stays the user's: its dialog is shown as a question.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from sessions.agents import dialogs
from sessions.agents.claude_reader import ClaudeReader, config_folder, transcript_entries
from sessions.agents.contract import Keys, Launch, Paste, Place, Reader, Say, Screen, Step
from sessions.agents.hooks import append_name, append_payload
from sessions.errors import AgentMissing, NotAnOption
from sessions.models import Entry, Kind, Question, Spec
from sessions.screen_rules import Match, load

# Only names that every supported version knows: an unknown one opens a blocking dialog.
_WITH_PAYLOAD = (
    "SessionStart",
    "UserPromptSubmit",
    "PermissionRequest",
    "Stop",
    "StopFailure",
    "PreCompact",
    "PostCompact",
    "SessionEnd",
)
_NAME_ONLY = ("PreToolUse", "PostToolUse")
_COMMANDS = ("!", "/", "#", "@")
_IN_WORDS = ("type something", "tell claude", "no, and tell")


class Claude:
    """Adapter of Claude Code 2.1."""

    name = "claude"
    title = "Claude Code"

    def program(self, spec: Spec, env: Mapping[str, str]) -> str:
        wanted = spec.command[0] if spec.command else "claude"
        found = shutil.which(wanted, path=env.get("PATH"))
        if found is None:
            raise AgentMissing(
                f"{self.title} is not installed ({wanted} is not on PATH)",
                "install it: npm install -g @anthropic-ai/claude-code, or set [agents.claude] command",
            )
        return found

    def launch(self, spec: Spec, place: Place) -> Launch:
        hooks = {event: append_payload(place.spool) for event in _WITH_PAYLOAD}
        hooks |= {event: append_name(place.spool, event) for event in _NAME_ONLY}
        settings = {
            "hooks": {event: [{"hooks": [{"type": "command", "command": run}]}] for event, run in hooks.items()}
        }
        argv = [self.program(spec, place.env), *spec.command[1:]]
        session = spec.agent_session_id or str(uuid.uuid4())
        argv += ["--resume", session] if spec.resume else ["--session-id", session]
        argv += ["--settings", str(place.folder / "claude-settings.json"), "--name", spec.name]
        # Without the flag it starts in auto mode, which decides about permissions itself.
        argv += ["--permission-mode", spec.permission_mode or "default"]
        if spec.model:
            argv += ["--model", spec.model]
        argv += spec.args
        if spec.prompt:
            argv += ["--", _literal(spec.prompt)]
        env = {"DISABLE_AUTOUPDATER": "1"}  # an update must not replace the program under running agents
        if spec.base_url:
            env["ANTHROPIC_BASE_URL"] = spec.base_url
        return Launch(
            argv=tuple(argv),
            env=env,
            files={"claude-settings.json": json.dumps(settings)},
            agent_session_id=session,
        )

    def reader(self, spec: Spec, place: Place) -> Reader:
        return ClaudeReader(spec, place, config_folder(place.env))

    def answer(self, question: Question, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        rules = load("claude")
        found = dialogs.shown(rules, question, screen)
        if question.multiple:
            raise NotAnOption(
                "this question takes several answers at once", "attach and answer it there: o, or orchestrator attach"
            )
        if not choice and text:
            return self._in_words(found, text)
        index = dialogs.pick(found, choice)
        if text and question.kind is Kind.PERMISSION and found.options[index].label.lower().startswith("no"):
            return (Keys(("Escape",)), Say(text))
        numbered = found.rule not in ("trust", "api key", "bypass warning")
        if numbered and not self._at_words(found):
            return (Keys((found.options[index].key,)),)
        return dialogs.walk(found, index)

    def message(self, text: str) -> tuple[Step, ...]:
        return (Keys(("C-u",)), Paste(_literal(text)))

    def interrupt(self) -> tuple[Step, ...]:
        return (Keys(("Escape",)),)

    def quit(self) -> tuple[Step, ...]:
        return (Keys(("Escape",)), Keys(("C-c",)), Keys(("C-c",)))

    def transcript(self, path: Path) -> tuple[Entry, ...]:
        return transcript_entries(path)

    def _in_words(self, found: Match, text: str) -> tuple[Step, ...]:
        """Through the option that takes words ("Type something.", "Tell Claude what to change")."""
        if self._at_words(found):
            return (Paste(text), Keys(("Enter",)))
        for option in found.options:
            if option.label.lower().startswith(_IN_WORDS):
                return (Keys((option.key,)), Paste(text), Keys(("Enter",)))
        raise NotAnOption("this question takes no answer in words", "choose one of its options")

    def _at_words(self, found: Match) -> bool:
        """The cursor stands in the option that takes words: a digit would be one of them."""
        return found.selected is not None and found.options[found.selected].label.lower().startswith(_IN_WORDS)


def _literal(text: str) -> str:
    """``text`` so that its first character is no command of Claude's input line."""
    return " " + text if text.startswith(_COMMANDS) else text
