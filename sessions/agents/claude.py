"""Claude Code: launched with its own ``--settings``, read from its session file, hooks, transcript and screen.

Nothing is written into the user's configuration. Trust stays the user's: its dialog is shown as a question.

Answers go by keys, not through a PermissionRequest hook that waits for them: Claude Code 2.1.330 ends such a hook when
the dialog is dismissed, but not when it is answered with yes on the screen, nor when Claude Code is killed. What is
left over would take the answer to the next request.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from sessions.agents import dialogs
from sessions.agents.capabilities import Capabilities
from sessions.agents.claude_reader import ClaudeReader, config_folder, project_folder
from sessions.agents.claude_transcript import transcript_entries
from sessions.agents.contract import Keys, Launch, Needs, Paste, Place, Reader, Say, Screen, Step
from sessions.agents.hooks import append_name, append_payload
from sessions.errors import AgentMissing, NotAnOption, QuestionGone
from sessions.models import Entry, Kind, Question, Spec
from sessions.screen_rules import Match, load

# Only names that every supported version knows: an unknown one opens a blocking dialog. Not PreCompact and PostCompact:
# their commands are printed into the conversation, and Claude's own file tells that it works.
_WITH_PAYLOAD = (
    "SessionStart",
    "UserPromptSubmit",
    "PermissionRequest",
    "Stop",
    "StopFailure",
    "SessionEnd",
)
_NAME_ONLY = ("PreToolUse", "PostToolUse")
_COMMANDS = ("!", "/", "#", "@")
_SETTINGS = (
    *("settings.json", "settings.local.json", "CLAUDE.md", "agents", "commands", "skills", "plugins", "rules"),
    *("output-styles", "hooks", "keybindings.json", "statusline.sh", "themes"),
)
_REVIEW = "question review"
_BOX = re.compile(r"^\s*(?:❯\s*)?\d\.\s+\[(.)\]")
_TAB = re.compile(r"[☐☒]")
_IN_WORDS = ("type something", "tell claude", "no, and tell")


class Claude:
    """Adapter of Claude Code 2.1."""

    name = "claude"
    title = "Claude Code"
    capabilities: ClassVar[Capabilities] = Capabilities(
        task="an argument",
        modes=("default", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions"),
        endpoint="`ANTHROPIC_BASE_URL`",
        sources=("session file", "hooks", "transcript", "title", "screen"),
        answers="keys",
        usage="transcript; an interrupted response as a lower bound",
        resume="by its session id",
    )

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

    def needs(self, spec: Spec, place: Place) -> Needs:
        """Its conversation and sign-in are the user's; settings, with their hooks and servers, are only read.

        Not the folder of its own state files: they are named by process ids, which are few in a box.
        """
        config = config_folder(place.env)
        named = "CLAUDE_CONFIG_DIR" in place.env
        return Needs(
            own=(config,),
            copies=(((config if named else config.parent) / ".claude.json", config / ".claude.json"),),
            read=tuple(config / name for name in _SETTINGS),
            write=(config / ".credentials.json",),
            folders=(project_folder(config, place.worktree),),
            env={"CLAUDE_CONFIG_DIR": str(config)},  # it writes .claude.json anew, beside which it then has to write
        )

    def answer(self, question: Question, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        found = dialogs.shown(load("claude"), question, screen)
        if found.kind is Kind.QUESTION:
            return self._answer_question(question, found, choice, text, screen)
        if not choice and text:
            return self._in_words(found, text)
        index = dialogs.pick(found, choice)
        if text and question.kind is Kind.PERMISSION and found.options[index].label.lower().startswith("no"):
            return (Keys(("Escape",)), Say(text))
        return self._press(found, index)

    def message(self, text: str) -> tuple[Step, ...]:
        return (Keys(("C-u",)), Paste(_literal(text)))

    def interrupt(self) -> tuple[Step, ...]:
        return (Keys(("Escape",)),)

    def quit(self) -> tuple[Step, ...]:
        """Escape closes a dialog, which takes no Ctrl-C; right before one it would be Alt: it is for the next time."""
        return (Keys(("C-c", "C-c", "C-c")), Keys(("Escape",)))

    def transcript(self, path: Path) -> tuple[Entry, ...]:
        return transcript_entries(path)

    def _answer_question(
        self, question: Question, found: Match, choice: str, text: str, screen: Screen
    ) -> tuple[Step, ...]:
        review = question.multiple and found.rule == _REVIEW and _alone(screen)
        if review:  # an attempt before this one got as far as here
            return (Keys(("Enter",)),)
        if found.title and not dialogs.is_title(found.title, question):
            raise QuestionGone("the screen asks something else by now", "look again before you answer")
        if question.multiple:
            return self._tick(found, choice, text, screen)
        if not choice and text:
            return self._in_words(found, text)
        return self._press(found, dialogs.pick(found, choice))

    def _tick(self, found: Match, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        """Make the boxes those of ``choice`` ("1,3"), write ``text`` into the last one, and go on.

        One question alone is sent off; of several, the next one is shown.
        """
        wanted = {dialogs.pick(found, one) for one in choice.split(",") if one.strip()}
        if not wanted and not text:
            raise NotAnOption("nothing is chosen", "choose by keys with commas: 1,3")
        boxes = [hit[1] != " " for line in screen.lines if (hit := _BOX.match(line))]
        words = next((n for n, option in enumerate(found.options) if option.label.lower().startswith(_IN_WORDS)), None)
        if any(index >= len(boxes) or index == words for index in wanted):
            raise NotAnOption("that option cannot be ticked", "choose by keys with commas: 1,3")
        steps: list[Step] = []
        at = found.selected or 0
        if self._at_words(found):
            steps.append(Keys(("Up",)))
            at -= 1
        ticks = [index for index, ticked in enumerate(boxes) if index != words and ticked is not (index in wanted)]
        steps += [Keys((found.options[index].key,)) for index in ticks]
        if text:
            if words is None:
                raise NotAnOption("this question takes no answer in words", "choose among its options")
            if words > at:
                steps.append(Keys(("Down",) * (words - at)))
            steps += [Paste(text), Keys(("Down", "Enter"))]
        else:
            steps.append(Keys(("Right",)))
        return (*steps, Keys(("Enter",))) if _alone(screen) else tuple(steps)

    def _press(self, found: Match, index: int) -> tuple[Step, ...]:
        numbered = found.rule not in ("trust", "api key", "bypass warning")
        if numbered and not self._at_words(found):
            return (Keys((found.options[index].key,)),)
        return dialogs.walk(found, index)

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


def _alone(screen: Screen) -> bool:
    """The call asks one question: the bar above it has one tab beside Submit."""
    bar = next((line for line in reversed(screen.lines) if "✔ Submit" in line), "")
    return len(_TAB.findall(bar)) == 1


def _literal(text: str) -> str:
    """``text`` so that its first character is no command of Claude's input line."""
    return " " + text if text.startswith(_COMMANDS) else text
