"""Gemini CLI: read from its chat file, title and screen, answered by keys. Nothing of it is configured.

Absent on purpose: hooks. Settings for one launch (``GEMINI_CLI_SYSTEM_SETTINGS_PATH``, ``…_DEFAULTS_PATH``) count only
when the file and every folder above it belong to root, and hooks from settings run only in a trusted folder; all else
that takes hooks is the user's own configuration. Its debug log repeats the whole conversation at each command.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from sessions.agents import dialogs, gemini_chat
from sessions.agents.capabilities import Capabilities
from sessions.agents.contract import Keys, Launch, Needs, Paste, Place, Reader, Say, Screen, Step
from sessions.agents.gemini_reader import GeminiReader
from sessions.errors import AgentMissing, NotAnOption, QuestionGone
from sessions.models import Entry, Kind, Question, Spec
from sessions.screen_rules import Match, load

_CLEAR = ("C-e", *("C-u", "BSpace") * 12)  # one clears a line, the other joins it to the one before
_NO_COMMAND = "\u200b"  # a blank before a slash is cut off again
_WORDS: Mapping[str, tuple[str, ...]] = {
    "y": ("allow once", "yes, manually", "trust folder", "keep trying", "keep loop"),
    "a": ("allow for this session", "allow tool for this session", "yes, automatically", "trust parent"),
    "n": ("no, ", "don't trust", "stop", "disable loop"),
}
_SHORT = {"yes": "y", "approve": "y", "allow": "y", "always": "a", "no": "n", "deny": "n"}


class Gemini:
    """Adapter of Gemini CLI 0.61."""

    name = "gemini"
    title = "Gemini CLI"
    capabilities: ClassVar[Capabilities] = Capabilities(
        task="an argument; typed where trust is asked for first",
        modes=("default", "auto_edit", "plan", "yolo"),
        endpoint="`GOOGLE_GEMINI_BASE_URL`",
        sources=("chat file", "title", "screen"),
        answers="keys",
        usage="chat file; a cancelled response as a lower bound",
        resume="by its session id",
    )

    def program(self, spec: Spec, env: Mapping[str, str]) -> str:
        wanted = spec.command[0] if spec.command else "gemini"
        found = shutil.which(wanted, path=env.get("PATH"))
        if found is None:
            raise AgentMissing(
                f"{self.title} is not installed ({wanted} is not on PATH)",
                "install it: npm install -g @google/gemini-cli, or set [agents.gemini] command",
            )
        return found

    def launch(self, spec: Spec, place: Place) -> Launch:
        argv = [self.program(spec, place.env), *spec.command[1:]]
        session = spec.agent_session_id or str(uuid.uuid4())
        argv += ["--resume" if spec.resume else "--session-id", session]
        if spec.permission_mode:
            argv += ["--approval-mode", spec.permission_mode]
        if spec.model:
            argv += ["--model", spec.model]
        argv += spec.args
        # In a folder that is not trusted it begins the task, asks, starts again and dies of its own session id.
        given = not _asks_for_trust(place, spec)
        if spec.prompt and given:
            argv.append(f"--prompt-interactive={_literal(spec.prompt)}")
        env = {"GOOGLE_GEMINI_BASE_URL": spec.base_url} if spec.base_url else {}
        return Launch(argv=tuple(argv), env=env, agent_session_id=session, prompt_given=given)

    def needs(self, spec: Spec, place: Place) -> Needs:
        config = gemini_chat.folder(place.env)
        shown = ("GEMINI.md", "commands", "extensions", "policies", "skills", "agents")
        copied = ("settings.json", "trustedFolders.json", "google_accounts.json", "installation_id")
        return Needs(
            own=(config,),
            copies=tuple((config / name, config / name) for name in copied),
            read=tuple(config / name for name in shown),
            write=(config / "oauth_creds.json",),
        )

    def reader(self, spec: Spec, place: Place) -> Reader:
        return GeminiReader(spec, place)

    def answer(self, question: Question, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        found = dialogs.shown(load("gemini"), question, screen)
        if question.kind is Kind.QUESTION and found.title and not dialogs.is_title(found.title, question):
            raise QuestionGone("the screen asks something else by now", "look again before you answer")
        if question.multiple:
            return _tick(question, found, choice, text)
        if text and question.kind is Kind.PERMISSION and (not choice or _short(choice) == "n"):
            return (Keys(("Escape",)), Say(text))
        if text and not choice:
            return _in_words(question, found, text)
        if question.kind is Kind.PLAN and _short(choice) == "n":
            return (Keys(("Escape",)),)
        return (Keys((_key(question, found, choice),)),)

    def message(self, text: str) -> tuple[Step, ...]:
        return (Keys(_CLEAR), Paste(_literal(text)))

    def interrupt(self) -> tuple[Step, ...]:
        return (Keys(("Escape",)),)

    def quit(self) -> tuple[Step, ...]:
        # No Escape: what follows at once would be read as Alt. The first Ctrl+C only clears a line that holds text.
        return (Keys((*_CLEAR, "C-c")), Keys(("C-c",)))

    def transcript(self, path: Path) -> tuple[Entry, ...]:
        return gemini_chat.entries(path)


def _short(choice: str) -> str:
    wanted = choice.strip().lower()
    return _SHORT.get(wanted, wanted)


def _key(question: Question, found: Match, choice: str) -> str:
    """The digit that takes the option; one that was scrolled away can be taken like those that are shown."""
    wanted = _short(choice)
    labels = {option.label.lower(): option.key for option in question.options or found.options}
    for beginning in _WORDS.get(wanted, ()):
        for label, key in labels.items():
            if label.startswith(beginning):
                return key
    scrolled = question.kind is Kind.QUESTION and "▲" in found.text
    if wanted in labels.values() or (scrolled and wanted.isdigit()):
        return wanted
    return found.options[dialogs.pick(found, choice)].key


def _in_words(question: Question, found: Match, text: str) -> tuple[Step, ...]:
    """Through the last entry of the list, which takes words: it is above the first one."""
    if question.kind not in (Kind.QUESTION, Kind.PLAN):
        raise NotAnOption("this question takes no answer in words", "choose one of its options")
    return (Keys(("Up",) * _place(found)), Paste(text), Keys(("Enter",)))


def _tick(question: Question, found: Match, choice: str, text: str) -> tuple[Step, ...]:
    """Tick what is wanted, write ``text`` into the entry before the last, take the last one: Done.

    A digit ticks and goes there. Up from the first entry leads to the last one.
    """
    keys = [_key(question, found, one) for one in choice.split(",") if one.strip()]
    if not keys and not text:
        raise NotAnOption("nothing is chosen", "choose by keys with commas: 1,3")
    steps: list[Step] = [Keys((key,)) for key in keys]
    steps.append(Keys(("Up",) * (int(keys[-1]) if keys else _place(found))))
    if text:
        steps += [Keys(("Up",)), Paste(text), Keys(("Down",))]
    return (*steps, Keys(("Enter",)))


def _place(found: Match) -> int:
    """Number of the entry under the cursor."""
    return int(found.options[found.selected].key) if found.selected is not None else 1


def _asks_for_trust(place: Place, spec: Spec) -> bool:
    """The program may ask whether the folder is trusted. When it does not after all, the task is typed a little later.

    A rule for the folder or one above it decides, either way; see its ``trustedFolders.json``.
    """
    if "--skip-trust" in spec.args or place.env.get("GEMINI_CLI_TRUST_WORKSPACE") == "true":
        return False
    config = gemini_chat.folder(place.env)
    security = _object(_object(_load(config / "settings.json").get("security")).get("folderTrust"))
    if security.get("enabled") is False:
        return False
    named = place.env.get("GEMINI_CLI_TRUSTED_FOLDERS_PATH")
    worktree = Path(os.path.realpath(place.worktree))
    for folder, level in _load(Path(named) if named else config / "trustedFolders.json").items():
        rule = Path(os.path.realpath(folder))
        if (rule.parent if level == "TRUST_PARENT" else rule) in (worktree, *worktree.parents):
            return False
    return True


def _load(path: Path) -> dict[str, Any]:
    try:
        return _object(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return {}


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _literal(text: str) -> str:
    """``text`` so that its first character is no command of Gemini CLI's input line."""
    return _NO_COMMAND + text if text.lstrip().startswith("/") else text
