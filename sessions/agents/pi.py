"""pi: launched with an extension of ours that tells what it does and takes answers through a file.

Nothing is written into ``~/.pi``: extension, endpoint and permission mode are given per launch. pi has no permissions
of its own; mode "ask" lets the extension ask before commands and changes of files. Trust stays the user's: its dialog
is shown as a question.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

from sessions.agents import dialogs
from sessions.agents.capabilities import Capabilities
from sessions.agents.contract import Append, Keys, Launch, Needs, Paste, Place, Reader, Screen, Step
from sessions.agents.pi_reader import OWN, PiReader, spread, transcript_entries
from sessions.errors import AgentMissing, NotAnOption, SessionError
from sessions.models import Entry, Kind, Question, Spec
from sessions.screen_rules import Match, load

ANSWERS = Path("pi_answers.jsonl")
_EXTENSION = ("pi_extension.ts", "pi_questions.ts")
_COMMANDS = ("/", "!", "@")
_LITERAL = "\u200b"
"""Our extension takes it away again; pi trims blanks."""
_PROVIDERS = ("anthropic", "openai", "google", "openrouter", "deepseek", "groq", "mistral", "xai", "cerebras")
"""Providers of pi whose own way of asking is kept at another address."""
_QUIET = {"PI_TELEMETRY": "0", "PI_SKIP_VERSION_CHECK": "1"}


class Pi:
    """Adapter of pi 0.87."""

    name = "pi"
    title = "pi"
    capabilities: ClassVar[Capabilities] = Capabilities(
        task="an argument",
        modes=("default", "ask", "bypass"),
        endpoint="our extension",
        sources=("events of our extension", "screen"),
        answers="a file that our extension reads; trust by keys",
        usage="events of our extension; an interrupted response as a lower bound",
        resume="by its session id",
    )

    def program(self, spec: Spec, env: Mapping[str, str]) -> str:
        wanted = spec.command[0] if spec.command else "pi"
        found = shutil.which(wanted, path=env.get("PATH"))
        if found is None:
            raise AgentMissing(
                f"{self.title} is not installed ({wanted} is not on PATH)",
                "install it: npm install -g @earendil-works/pi-coding-agent, or set [agents.pi] command",
            )
        return found

    def launch(self, spec: Spec, place: Place) -> Launch:
        if spec.permission_mode not in (None, *self.capabilities.modes):
            raise SessionError(
                f"pi has no permission mode {spec.permission_mode!r}",
                'choose "ask" (asks before commands and changes) or "bypass" (as pi is by itself)',
            )
        session = spec.agent_session_id or str(uuid.uuid4())
        argv = [self.program(spec, place.env), *spec.command[1:]]
        argv += ["--extension", str(place.folder / _EXTENSION[0]), "--session-id", session]
        env = {name: value for name, value in _QUIET.items() if name not in place.env}
        env["ORCHESTRATOR_PI_ANSWERS"] = str(place.folder / ANSWERS)
        env["ORCHESTRATOR_PI_PERMISSION"] = spec.permission_mode or ""
        model = spec.model
        if spec.base_url:
            model, env["ORCHESTRATOR_PI_PROVIDER"] = _endpoint(spec.base_url, spec.model, place.env)
        if model:
            argv += ["--model", model]
        argv += spec.args
        if spec.prompt:
            argv += ["--", _literal(spec.prompt)]
        folder = files("sessions") / "agents"
        return Launch(
            argv=tuple(argv),
            env=env,
            files={name: (folder / name).read_text(encoding="utf-8") for name in _EXTENSION},
            agent_session_id=session,
        )

    def needs(self, spec: Spec, place: Place) -> Needs:
        named = place.env.get("PI_CODING_AGENT_DIR")
        config = Path(named) if named else Path(place.env.get("HOME") or Path.home()) / ".pi" / "agent"
        shown = ("AGENTS.md", "SYSTEM.md", "extensions", "skills", "prompts", "themes")
        copied = ("settings.json", "models.json", "keybindings.json", "trust.json")
        return Needs(
            own=(config,),
            copies=tuple((config / name, config / name) for name in copied),
            read=tuple(config / name for name in shown),
            write=(config / "auth.json",),
            folders=(config / "sessions",),
        )

    def reader(self, spec: Spec, place: Place) -> Reader:
        return PiReader(spec, place)

    def answer(self, question: Question, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        if question.id.startswith(OWN):
            return (_by_file(question, choice, text),)
        found = dialogs.shown(load("pi"), question, spread(screen))
        if not found.options:
            if not text and choice:
                raise NotAnOption("this question has no options", "answer it in words")
            return (Paste(text), Keys(("Enter",)))
        if text and not choice:
            raise NotAnOption("this question takes no answer in words", "choose one of its options")
        if found.rule == "trust" and choice.strip().lower() in ("n", "no"):
            choice = "do not trust"
        return dialogs.walk(found, dialogs.pick(found, choice))

    def message(self, text: str) -> tuple[Step, ...]:
        return (Keys(("C-u",)), Paste(_literal(text)))

    def interrupt(self) -> tuple[Step, ...]:
        return (Keys(("Escape",)),)

    def quit(self) -> tuple[Step, ...]:
        # No Escape before them: together they would be Alt-Ctrl-C. The first one may only close a dialog.
        return (Keys(("C-c",)), Keys(("C-c",)), Keys(("C-c",)), Keys(("C-d",)))

    def transcript(self, path: Path) -> tuple[Entry, ...]:
        return transcript_entries(path)


def _by_file(question: Question, choice: str, text: str) -> Append:
    """The line that our extension reads; what it asks in the pane goes away with it."""
    keys: list[str] = []
    if choice:
        offered = Match(rule="", state=None, kind=None, options=question.options)
        wanted = choice.split(",") if question.multiple else [choice]
        keys = [question.options[dialogs.pick(offered, one)].key for one in wanted if one.strip()]
    elif not text or not question.free_text:
        raise NotAnOption("this question takes no answer in words", "choose one of its options")
    if text and choice and question.kind is Kind.PERMISSION and keys != [question.options[-1].key]:
        raise NotAnOption("words go with a no only: they tell pi what to do instead", "answer n with them")
    line = {"id": question.id, "choice": ",".join(keys), "text": text}
    return Append(ANSWERS, json.dumps(line))


def _endpoint(base_url: str, model: str | None, env: Mapping[str, str]) -> tuple[str, str]:
    """The model's name for pi, and the provider that our extension registers.

    ``anthropic/NAME`` and the like are asked at this address in that provider's own way; any other name is one of an
    endpoint that speaks Chat Completions.
    """
    if model is None:
        raise SessionError("pi cannot choose a model of another endpoint", "name it: [agents.pi] model")
    known = model.partition("/")[0]
    if known in _PROVIDERS and known != model:
        return model, json.dumps({"name": known, "config": {"baseUrl": base_url}})
    described = {
        "id": model,
        "name": model,
        "reasoning": False,
        "input": ["text"],
        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
        "contextWindow": 128_000,
        "maxTokens": 16_384,
    }
    config = {
        "baseUrl": base_url,
        "api": "openai-completions",
        "apiKey": "$OPENAI_API_KEY" if env.get("OPENAI_API_KEY") else "none",
        "models": [described],
    }
    return f"endpoint/{model}", json.dumps({"name": "endpoint", "config": config})


def _literal(text: str) -> str:
    """``text`` so that its first character is no command of pi's input line, and no file of its command line."""
    return _LITERAL + text if text.lstrip().startswith(_COMMANDS) else text
