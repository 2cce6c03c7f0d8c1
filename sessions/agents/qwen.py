"""qwen-code: launched with its dual output (``--json-file``, ``--input-file``), answered over it where it suffices.

Nothing is written into the user's configuration. A yes or a no goes over the input file, by the id of the request;
options and words go by keys, after the screen was looked at again.
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
from sessions.agents.contract import Append, Keys, Launch, Needs, Paste, Place, Reader, Say, Screen, Step
from sessions.agents.qwen_reader import EVENTS, QwenReader, uncovered
from sessions.agents.qwen_reader import home as qwen_home
from sessions.agents.qwen_text import transcript_entries
from sessions.errors import AgentMissing, NotAnOption, QuestionGone, SessionError
from sessions.models import Entry, Kind, Question, Spec
from sessions.screen_rules import Match, load

INPUT = "qwen-input.jsonl"
_COMMANDS = ("!", "/", "@", "?")
_MODES = ("plan", "default", "auto-edit", "auto", "yolo")
_YES = ("y", "yes", "approve", "allow")
_NO = ("n", "no", "deny")
_REQUEST = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_CLEAR = Keys(("C-u",) * 40)  # one clears a line, and an interrupted prompt stands in the input again


class Qwen:
    """Adapter of qwen-code 0.24."""

    name = "qwen"
    title = "Qwen Code"
    capabilities: ClassVar[Capabilities] = Capabilities(
        task="an argument",
        modes=_MODES,
        endpoint="`OPENAI_BASE_URL`",
        sources=("dual output", "title", "screen"),
        answers="its input file for yes and no, else keys",
        usage="chat log; an interrupted response as a lower bound",
        resume="by its session id",
    )

    def program(self, spec: Spec, env: Mapping[str, str]) -> str:
        wanted = spec.command[0] if spec.command else "qwen"
        found = shutil.which(wanted, path=env.get("PATH"))
        if found is None:
            raise AgentMissing(
                f"{self.title} is not installed ({wanted} is not on PATH)",
                "install it: npm install -g @qwen-code/qwen-code (it needs node 22), or set [agents.qwen] command",
            )
        return found

    def launch(self, spec: Spec, place: Place) -> Launch:
        argv = [self.program(spec, place.env), *spec.command[1:]]
        session = spec.agent_session_id or str(uuid.uuid4())
        argv += ["--resume", session] if spec.resume else ["--session-id", session]
        # Without it the mode is auto, which decides about permissions itself; a resumed one falls back to it.
        argv += ["--approval-mode", _mode(spec.permission_mode)]
        argv += ["--json-file", str(place.folder / EVENTS), "--input-file", str(place.folder / INPUT)]
        # An update must not replace the program under running agents.
        env = {"QWEN_CODE_SKIP_UPDATE_CHECK_ONCE": "true"}
        if spec.base_url:
            argv += ["--auth-type", "openai"]
            env["OPENAI_BASE_URL"] = spec.base_url
        if spec.model:
            argv += ["--model", spec.model]
        argv += spec.args
        if spec.prompt:
            argv += ["-i", _literal(spec.prompt)]
        # It writes over what an earlier launch left in the file, from its beginning: both begin empty.
        return Launch(argv=tuple(argv), env=env, files={EVENTS: "", INPUT: ""}, agent_session_id=session)

    def needs(self, spec: Spec, place: Place) -> Needs:
        config = qwen_home(place.env)
        copied = ("settings.json", "trustedFolders.json", "installation_id")
        return Needs(
            own=(config,),
            copies=tuple((config / name, config / name) for name in copied),
            read=tuple(config / name for name in ("QWEN.md", "commands", "extensions", "skills", "agents")),
            write=(config / "oauth_creds.json",),
            files=(EVENTS,),
        )

    def reader(self, spec: Spec, place: Place) -> Reader:
        return QwenReader(spec, place)

    def answer(self, question: Question, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        told, screen = bool(_REQUEST.match(question.id)), uncovered(screen)
        try:
            found = dialogs.shown(load("qwen"), question, screen)
        except QuestionGone:
            # qwen-code itself told of it: it answers for whether the request is still open.
            if told and question.kind is not Kind.QUESTION and choice.strip().lower() in (*_YES, *_NO):
                return _confirm(question, allowed=choice.strip().lower() in _YES, text=text)
            raise
        if question.kind is Kind.QUESTION:
            return self._of_question(question, found, choice, text, screen)
        if text and not choice:
            return (Keys(("Escape",)), Say(text))
        index = dialogs.pick(found, choice)
        label = found.options[index].label.lower()
        if label.startswith("no"):
            return _confirm(question, allowed=False, text=text) if told else (Keys(("Escape",)),)
        if told and label.startswith("yes, allow once"):
            return _confirm(question, allowed=True)
        if found.rule == "provider":
            return dialogs.walk(found, index)
        return (Keys((found.options[index].key,)),)

    def message(self, text: str) -> tuple[Step, ...]:
        """In pieces: a long one becomes a placeholder, which an Enter that comes at once sends in its stead."""
        return (_CLEAR, *map(Paste, _pieces(_literal(text))))

    def interrupt(self) -> tuple[Step, ...]:
        return (Keys(("Escape",)),)

    def quit(self) -> tuple[Step, ...]:
        """By its own command: of two Control-C that come at once it sees one."""
        return (Keys(("Escape",)), _CLEAR, Paste("/quit"), Keys(("Enter",)))

    def transcript(self, path: Path) -> tuple[Entry, ...]:
        return transcript_entries(path)

    def _of_question(
        self, question: Question, found: Match, choice: str, text: str, screen: Screen
    ) -> tuple[Step, ...]:
        """A digit takes an option; where several may be taken it only goes there, and so it does to the words."""
        if text and not choice:
            index = len(found.options) - 1
            if not found.options or not found.options[index].label.lower().startswith("type something"):
                raise NotAnOption("this question takes no answer in words now", "choose one of its options")
            return (*_goto(found, index), Paste(text), Keys(("Enter",)))
        if not question.multiple:
            return (Keys((found.options[dialogs.pick(found, choice)].key,)),)
        wanted = {dialogs.pick(found, one) for one in choice.split(",")}
        taken = {
            index
            for index, option in enumerate(found.options)
            if any(f"[✓] {option.key}. {option.label}" in line for line in screen.lines)
        }
        steps: list[Step] = []
        at = found.selected
        for index in sorted(wanted ^ taken):
            steps += [] if index == at else [Keys((found.options[index].key,))]
            steps.append(Keys(("Space",)))
            at = index
        return (*steps, Keys(("Enter",)))


def _goto(found: Match, index: int) -> tuple[Step, ...]:
    return () if found.selected == index else (Keys((found.options[index].key,)),)


def _confirm(question: Question, *, allowed: bool, text: str = "") -> tuple[Step, ...]:
    line = {"type": "confirmation_response", "request_id": question.id, "allowed": allowed}
    return (Append(Path(INPUT), json.dumps(line)), *((Say(text),) if text else ()))


def _pieces(text: str) -> list[str]:
    """``text`` cut below what qwen-code takes for a long paste: 1000 characters or 10 lines (0.24.4)."""
    pieces, rest = [], text
    while rest:
        end = min(800, len(rest))
        lines = [found.end() for found in re.finditer("\n", rest[:end])]
        end = lines[7] if len(lines) > 8 else end
        pieces.append(rest[:end])
        rest = rest[end:]
    return pieces


def _mode(mode: str | None) -> str:
    if mode and mode not in _MODES:
        raise SessionError(f"{Qwen.title} has no permission mode {mode!r}", "there are: " + ", ".join(_MODES))
    return mode or "default"


def _literal(text: str) -> str:
    """``text`` so that its first character is no option, and no command of qwen-code's input line."""
    return " " + text if text.startswith((*_COMMANDS, "-")) else text
