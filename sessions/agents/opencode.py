"""opencode: launched with a server of its own on this machine, read from its events, answered by its requests.

Nothing is written into the user's configuration by us: what a launch adds goes into ``OPENCODE_CONFIG_CONTENT``, which
opencode merges over the user's files. The server's password is in the start script's environment and in a file of the
session's private folder, never on a command line.
"""

from __future__ import annotations

import json
import secrets
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from sessions.agents.capabilities import Capabilities
from sessions.agents.contract import Keys, Launch, Needs, Paste, Place, Post, Reader, Screen, Step
from sessions.agents.opencode_reader import SERVER, OpencodeReader
from sessions.agents.opencode_words import answers, reply
from sessions.errors import AgentMissing, QuestionGone, SessionError
from sessions.models import Entry, Kind, Question, Spec

PROVIDER = "orchestrator"
_HOST, _USER = "127.0.0.1", "opencode"
_COMMANDS = ("!", "/")
_ASKING = ("bash", "edit", "webfetch")


_FOLDERS = {
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
}


class Opencode:
    """Adapter of opencode 1.18."""

    name = "opencode"
    title = "opencode"
    capabilities: ClassVar[Capabilities] = Capabilities(
        task="an argument",
        modes=("ask", "auto", "build", "plan"),
        endpoint="`OPENCODE_CONFIG_CONTENT`",
        sources=("events of its own server", "screen"),
        answers="requests to its own server",
        usage="events of its own server; an interrupted response as a lower bound",
        resume="by its session id",
    )

    def program(self, spec: Spec, env: Mapping[str, str]) -> str:
        wanted = spec.command[0] if spec.command else "opencode"
        found = shutil.which(wanted, path=env.get("PATH"))
        if found is None:
            raise AgentMissing(
                f"{self.title} is not installed ({wanted} is not on PATH)",
                "install it: npm install -g opencode-ai, or set [agents.opencode] command",
            )
        return found

    def launch(self, spec: Spec, place: Place) -> Launch:
        """The port is free now; should another take it first, opencode does not start and says so."""
        port, password = _free_port(), secrets.token_urlsafe(24)
        argv = [self.program(spec, place.env), *spec.command[1:], "--hostname", _HOST, "--port", str(port)]
        if spec.resume and spec.agent_session_id:
            argv += ["--session", spec.agent_session_id]
        if spec.permission_mode == "auto":
            argv.append("--auto")
        elif spec.permission_mode not in (None, "ask"):
            argv += ["--agent", spec.permission_mode]
        if model := _model(spec):
            argv += ["--model", model]
        argv += spec.args
        if spec.prompt:
            argv.append(f"--prompt={_literal(spec.prompt)}")
        env = {
            "OPENCODE_SERVER_USERNAME": _USER,
            "OPENCODE_SERVER_PASSWORD": password,
            "OPENCODE_DISABLE_AUTOUPDATE": "1",  # an update must not replace the program under running agents
        }
        if added := _settings(spec):
            env["OPENCODE_CONFIG_CONTENT"] = json.dumps(_merged(_given(place.env), added))
        server = {"url": f"http://{_HOST}:{port}", "user": _USER, "password": password}
        return Launch(argv=tuple(argv), env=env, files={SERVER: json.dumps(server)})

    def needs(self, spec: Spec, place: Place) -> Needs:
        home = Path(place.env.get("HOME") or Path.home())
        given = {name: place.env.get(name) for name in _FOLDERS}
        data, state, cache, config = (
            Path(given[name] or home / folder) / "opencode" for name, folder in _FOLDERS.items()
        )
        copied = ("opencode.json", "opencode.jsonc", "config.json", "AGENTS.md", "tui.json")
        return Needs(
            own=(data, state, cache, config),
            copies=tuple((config / name, config / name) for name in copied),
            read=tuple(config / name for name in ("agent", "command", "plugin", "tool", "themes", "skills")),
            write=(data / "auth.json",),
        )

    def reader(self, spec: Spec, place: Place) -> Reader:
        return OpencodeReader(spec, place)

    def answer(self, question: Question, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        """By its own server, which knows whether the question is still open; what only the screen shows is refused."""
        if question.id.startswith("per_") and question.kind is Kind.PERMISSION:
            return (Post(SERVER, f"/permission/{question.id}/reply", reply(choice, text)),)
        if question.id.startswith("que_"):
            return (Post(SERVER, f"/question/{question.id}/reply", answers(question, choice, text)),)
        raise QuestionGone("opencode's own server does not tell of this question", "attach and answer it there")

    def message(self, text: str) -> tuple[Step, ...]:
        return (Keys(("C-u",)), Paste(_literal(text)))

    def interrupt(self) -> tuple[Step, ...]:
        """Escape rejects what is pending. Not Escape twice: two at once are taken for another key."""
        return (Keys(("Escape",)), Post(SERVER, "/session/{session}/abort", {}))

    def quit(self) -> tuple[Step, ...]:
        """Control-C clears what stands in the input line, and ends the program when nothing does."""
        return (Keys(("C-c",)), Keys(("C-c",)))

    def transcript(self, path: Path) -> tuple[Entry, ...]:
        """None to be read: the conversation is in opencode's own database."""
        return ()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _model(spec: Spec) -> str | None:
    """The model in opencode's words, provider/model; one without a provider is asked of the endpoint given."""
    if spec.model and spec.base_url and "/" not in spec.model:
        return f"{PROVIDER}/{spec.model}"
    return spec.model


def _settings(spec: Spec) -> dict[str, Any]:
    """What the launch adds to the user's configuration."""
    added: dict[str, Any] = {}
    if spec.permission_mode == "ask":
        added["permission"] = dict.fromkeys(_ASKING, "ask")
    model = _model(spec)
    if spec.base_url is None:
        return added
    if model is None:
        raise SessionError("opencode needs a model for an endpoint of your own", "set [agents.opencode] model")
    provider, _, name = model.partition("/")
    about: dict[str, Any] = {"options": {"baseURL": spec.base_url}, "models": {name: {}}}
    if provider == PROVIDER:
        about |= {"name": "own endpoint", "npm": "@ai-sdk/openai-compatible"}
        about["options"]["apiKey"] = "{env:OPENAI_API_KEY}"
    return {**added, "provider": {provider: about}}


def _given(env: Mapping[str, str]) -> dict[str, Any]:
    """The user's own ``OPENCODE_CONFIG_CONTENT``."""
    content = env.get("OPENCODE_CONFIG_CONTENT")
    if not content:
        return {}
    try:
        value = json.loads(content)
    except ValueError as error:
        raise SessionError(
            "OPENCODE_CONFIG_CONTENT is no plain JSON, so nothing can be added to it", "mend it or unset it"
        ) from error
    return value if isinstance(value, dict) else {}


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        kept = merged.get(key)
        merged[key] = _merged(kept, value) if isinstance(kept, dict) and isinstance(value, dict) else value
    return merged


def _literal(text: str) -> str:
    """``text`` so that its first character is no command of opencode's input line."""
    return " " + text if text.startswith(_COMMANDS) else text
