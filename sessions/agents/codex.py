"""Codex: launched with ``-c`` overrides, read from its OSC 7501 state, hooks, rollout and screen.

Nothing is written into the user's configuration by us. Trust stays the user's: its dialog is shown as a question.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from sessions.agents import dialogs
from sessions.agents.capabilities import Capabilities
from sessions.agents.codex_reader import CodexReader, transcript_entries
from sessions.agents.contract import Keys, Launch, Needs, Paste, Place, Reader, Say, Screen, Step
from sessions.agents.hooks import append_name, append_payload
from sessions.errors import AgentMissing, NotAnOption, QuestionGone, SessionError
from sessions.models import Entry, Kind, Question, Spec
from sessions.screen_rules import Match, load

_WITH_PAYLOAD = ("SessionStart", "UserPromptSubmit", "PermissionRequest", "Stop", "Interrupt", "SessionEnd")
_NAME_ONLY = ("PreToolUse", "PostToolUse")
_COMMANDS = ("!", "/", "$", "@")
_SETTINGS = ("AGENTS.md", "AGENTS.override.md", "prompts", "rules", "skills", "hooks.json", "plugins", "themes")
_CLEAR = Keys(("C-u",) * 60)  # one clears a line or joins it to the one before; what stands there may have many
_APPROVALS = ("untrusted", "on-request", "never")
_SANDBOXES = ("read-only", "workspace-write", "danger-full-access")
PROVIDER = "orchestrator"


class Codex:
    """Adapter of Codex CLI 0.169."""

    name = "codex"
    title = "Codex"
    capabilities: ClassVar[Capabilities] = Capabilities(
        task="an argument",
        modes=(*_APPROVALS, *_SANDBOXES),
        endpoint="a provider for this launch (`-c`)",
        sources=("OSC 7501", "hooks", "rollout", "title", "screen"),
        answers="keys",
        usage="rollout",
        resume="by its session id",
    )

    def program(self, spec: Spec, env: Mapping[str, str]) -> str:
        wanted = spec.command[0] if spec.command else "codex"
        found = shutil.which(wanted, path=env.get("PATH"))
        if found is None:
            raise AgentMissing(
                f"{self.title} is not installed ({wanted} is not on PATH)",
                "install it: npm install -g @openai/codex, or set [agents.codex] command",
            )
        return found

    def launch(self, spec: Spec, place: Place) -> Launch:
        argv = [self.program(spec, place.env), *spec.command[1:]]
        if spec.resume and spec.agent_session_id:
            argv += ["resume", spec.agent_session_id]
        # Without it a daemon and an updater are started that outlive the pane and go on with the turn.
        argv += ["--no-daemon", *_modes(spec.permission_mode)]
        argv += _override("check_for_update_on_startup", "false")
        hooks = {event: append_payload(place.spool) for event in _WITH_PAYLOAD}
        hooks |= {event: append_name(place.spool, event) for event in _NAME_ONLY}
        for event, command in hooks.items():
            argv += _override(f"hooks.{event}", f'[{{hooks=[{{type="command",command={json.dumps(command)}}}]}}]')
        argv.append("--dangerously-bypass-hook-trust")  # these hooks are ours; without it a review dialog blocks
        if spec.base_url:
            provider = (
                f"{{name={json.dumps(PROVIDER)},base_url={json.dumps(spec.base_url)},"
                'wire_api="responses",env_key="OPENAI_API_KEY"}'
            )
            argv += _override("model_provider", json.dumps(PROVIDER))
            argv += _override(f"model_providers.{PROVIDER}", provider)
        if spec.model:
            argv += ["-m", spec.model]
        argv += spec.args
        if spec.prompt:
            argv += ["--", _literal(spec.prompt)]
        return Launch(argv=tuple(argv))

    def reader(self, spec: Spec, place: Place) -> Reader:
        return CodexReader(spec, place)

    def needs(self, spec: Spec, place: Place) -> Needs:
        """Its conversations and sign-in are the user's; settings, with their servers and hooks, are a copy."""
        home = place.env.get("CODEX_HOME")
        config = Path(home) if home else Path(place.env.get("HOME") or Path.home()) / ".codex"
        return Needs(
            own=(config,),
            copies=((config / "config.toml", config / "config.toml"),),
            read=tuple(config / name for name in _SETTINGS),
            write=(config / "auth.json",),
            folders=(config / "sessions",),
        )

    def answer(self, question: Question, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        found = dialogs.shown(load("codex"), question, screen)
        if found.kind is Kind.QUESTION and found.title and not dialogs.is_title(found.title, question):
            raise QuestionGone("the screen asks something else by now", "look again before you answer")
        if text and not choice:
            return self._in_words(question, found, text)
        index = dialogs.pick(found, choice)
        if text and question.kind is Kind.PERMISSION and found.options[index].label.lower().startswith("no"):
            return (Keys(("Escape",)), Say(text))
        return dialogs.walk(found, index)

    def message(self, text: str) -> tuple[Step, ...]:
        return (_CLEAR, Paste(_literal(text)))

    def interrupt(self) -> tuple[Step, ...]:
        return (Keys(("Escape",)),)

    def quit(self) -> tuple[Step, ...]:
        """At its prompt one Ctrl-C ends it, and a second one would kill it; anywhere else one leads to the prompt."""
        return (Keys(("C-c",)),)

    def transcript(self, path: Path) -> tuple[Entry, ...]:
        return transcript_entries(path)

    def _in_words(self, question: Question, found: Match, text: str) -> tuple[Step, ...]:
        if question.kind in (Kind.PERMISSION, Kind.PLAN):
            return (Keys(("Escape",)), Say(text))
        for index, option in enumerate(found.options):
            if option.label.lower().startswith(("none of the above", "other")):
                return (*dialogs.walk(found, index)[:-1], Keys(("Tab",)), Paste(text), Keys(("Enter",)))
        raise NotAnOption("this question takes no answer in words", "choose one of its options")


def _modes(mode: str | None) -> list[str]:
    """The user's word for what Codex may do: an approval policy or a sandbox."""
    approval, sandbox = "on-request", "workspace-write"
    if mode in _APPROVALS:
        approval = mode
    elif mode in _SANDBOXES:
        sandbox = mode
    elif mode:
        raise SessionError(
            f"Codex has no permission mode {mode!r}", "there are: " + ", ".join((*_APPROVALS, *_SANDBOXES))
        )
    return ["-a", approval, "-s", sandbox]


def _override(key: str, value: str) -> list[str]:
    return ["-c", f"{key}={value}"]


def _literal(text: str) -> str:
    """``text`` so that its first character is no command of Codex's input line."""
    return " " + text if text.startswith(_COMMANDS) else text
