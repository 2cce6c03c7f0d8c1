"""aider: its prompt is typed; it is read from its analytics log, chat history, terminal switches and screen.

Everything that aider writes goes into the session's private folder, but for ``~/.aider`` (its own cache of prices and a
random id, which no flag moves) and its cache of tags, which it keeps in the worktree: that folder is made beforehand
with a ``.gitignore`` of its own, so that it is in no snapshot and no landing. Therefore the offer to write ``.aider*``
into the project's ``.gitignore`` is switched off: it would block every new worktree and be landed with the work.

The list of model prices that aider fetches once a day cannot be switched off.
"""

from __future__ import annotations

import json
import shlex
import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from sessions.agents import aider_chat, aider_screen, dialogs
from sessions.agents.aider_reader import CHAT, TURNS, WAITS, AiderReader
from sessions.agents.capabilities import Capabilities
from sessions.agents.contract import Keys, Launch, Needs, Paste, Place, Reader, Say, Screen, Step
from sessions.errors import AgentMissing, NotAnOption, QuestionGone, SessionError
from sessions.models import Entry, Kind, Question, Spec
from sessions.screen_rules import load

_COMMANDS = ("/", "!", "{")
_CLEAR = Keys(("C-u",) * 60)  # one clears a line or joins it to the one before
_CHAT_MODES = ("ask", "architect", "code", "context")
_ALLOWS_ALL = "yes-always"
_TYPED, _TALKED = "aider-input", "aider-llm.txt"
_TAGS = ".aider.tags.cache.v4"


class Aider:
    """Adapter of aider 0.86."""

    name = "aider"
    title = "aider"
    capabilities: ClassVar[Capabilities] = Capabilities(
        task="typed at its prompt",
        modes=("default", *_CHAT_MODES, _ALLOWS_ALL),
        endpoint="`--openai-api-base`",
        sources=("its log with our marks", "chat history", "terminal switches", "screen"),
        answers="keys",
        usage="its log: estimates, as a lower bound",
        resume="from its chat history",
    )

    def program(self, spec: Spec, env: Mapping[str, str]) -> str:
        wanted = spec.command[0] if spec.command else "aider"
        found = shutil.which(wanted, path=env.get("PATH"))
        if found is None:
            raise AgentMissing(
                f"{self.title} is not installed ({wanted} is not on PATH)",
                "install it: uv tool install aider-chat, or pipx install aider-chat, or set [agents.aider] command",
            )
        return found

    def launch(self, spec: Spec, place: Place) -> Launch:
        argv = [self.program(spec, place.env), *spec.command[1:]]
        for flag, name in (
            ("--chat-history-file", CHAT),
            ("--input-history-file", _TYPED),
            ("--llm-history-file", _TALKED),
            ("--analytics-log", TURNS),
        ):
            argv += [flag, str(place.folder / name)]
        argv += ["--notifications", "--notifications-command", _mark(place.folder / TURNS)]
        argv += ["--no-analytics", "--no-check-update", "--no-show-release-notes", "--no-gitignore"]
        argv += _modes(spec.permission_mode)
        if spec.resume:
            argv.append("--restore-chat-history")
        model = spec.model
        if spec.base_url:
            # By flag: a .env file in the repository wins over the environment. The warnings are about models that the
            # public price list does not know, such as those of one's own server, and block the start.
            argv += ["--openai-api-base", spec.base_url, "--no-show-model-warnings"]
            model = f"openai/{model}" if model and "/" not in model else model
        if model:
            argv += ["--model", model]
        argv += spec.args
        _hide_tags(place.worktree)
        return Launch(
            argv=tuple(argv),
            env={} if "LITELLM_LOCAL_MODEL_COST_MAP" in place.env else {"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
            agent_session_id=spec.agent_session_id or str(uuid.uuid4()),
            prompt_given=False,
        )

    def needs(self, spec: Spec, place: Place) -> Needs:
        own = Path(place.env.get("HOME") or Path.home()) / ".aider"
        return Needs(own=(own,), files=(CHAT, TURNS, _TYPED, _TALKED))

    def reader(self, spec: Spec, place: Place) -> Reader:
        return AiderReader(spec, place)

    def answer(self, question: Question, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        shown = aider_screen.at_cursor(screen)
        found = dialogs.shown(load("aider"), question, shown)
        if found.rule == aider_screen.SHELL:
            if choice.strip().lower() not in ("e", "exit", "y", "yes"):
                raise NotAnOption(f"{choice or text!r} is no option", f"choose e: {aider_screen.EXIT.label}")
            return (Keys(("C-d",)),)
        asking = aider_screen.confirm(shown, found.rule)
        if asking is None or not aider_screen.squeezed(question.text).endswith(asking.gist[-60:]):
            raise QuestionGone("the screen asks something else by now", "look again before you answer")
        if text and not choice and question.kind in (Kind.PERMISSION, Kind.PLAN):
            return (_letter("n"), Say(text))
        wanted = choice.strip().lower()
        label = {"yes": "y", "no": "n", "all": "a", "skip": "s"}.get(wanted, wanted)
        option = next((item for item in asking.options if label in (item.key, item.label.lower())), None)
        if option is None:
            raise NotAnOption(
                f"{choice or text!r} is none of the options",
                "choose one of: " + " · ".join(f"{item.key} {item.label}" for item in asking.options),
            )
        return (_letter(option.key), Say(text)) if text and option.key in ("n", "d", "s") else (_letter(option.key),)

    def message(self, text: str) -> tuple[Step, ...]:
        return (_CLEAR, Paste(_literal(text)))

    def interrupt(self) -> tuple[Step, ...]:
        return (Keys(("C-c",)),)

    def quit(self) -> tuple[Step, ...]:
        # A second C-c may come between two prompts, where Python ends with a traceback and an error.
        return (Keys(("C-c",)), Keys(("/", "e", "x", "i", "t", "Enter")))

    def transcript(self, path: Path) -> tuple[Entry, ...]:
        return aider_chat.entries(path)


def _mark(log: Path) -> str:
    """A shell command that notes in the log that aider waits for input; its order there is that of the events."""
    line = json.dumps({"event": WAITS})
    return f"printf '%s\\n' {shlex.quote(line)} >> {shlex.quote(str(log))} 2>/dev/null; exit 0"


def _letter(key: str) -> Keys:
    """One step: a letter that was typed without its Enter would stand before the next one."""
    return Keys(("C-u", key, "Enter"))


def _modes(mode: str | None) -> list[str]:
    """The user's word for what aider may do: one of its chat modes, or that it is to take every yes for given."""
    if mode == _ALLOWS_ALL:
        return ["--yes-always"]
    if mode in _CHAT_MODES:
        return ["--chat-mode", str(mode)]
    if mode and mode != "default":
        raise SessionError(
            f"aider has no permission mode {mode!r}", "there are: " + ", ".join(("default", *_CHAT_MODES, _ALLOWS_ALL))
        )
    return []


def _hide_tags(worktree: Path) -> None:
    with suppress(OSError):  # a worktree that cannot be written to is told by what is done in it
        folder = worktree / _TAGS
        folder.mkdir()
        (folder / ".gitignore").write_text("*\n")


def _literal(text: str) -> str:
    """``text`` so that its first character is no command of aider's input line."""
    return " " + text if text.startswith(_COMMANDS) else text
