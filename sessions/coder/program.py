"""The coder's command line and its life: options, provider, conversation, messages until the human ends it."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

from sessions.coder.agent import Agent
from sessions.coder.conversation import Conversation
from sessions.coder.events import Events
from sessions.coder.permission import Permission
from sessions.coder.providers import Provider, ProviderFailed
from sessions.coder.terminal import Terminal, complain

VERSION = "0.1.0"


class UsageError(Exception):
    """The command line cannot be carried out; one clear line."""


def run(argv: Sequence[str] | None = None) -> int:
    """One run of the program; returns its exit code."""
    try:
        return _run(argv)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read what we print has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(argv: Sequence[str] | None) -> int:
    options = _parser().parse_args(argv)
    try:
        provider = _provider(options)
        conversation, name = _conversation(options)
    except (UsageError, ProviderFailed) as error:
        complain(f"coder: {error}")
        return 2
    terminal = Terminal(interactive=not options.print and sys.stdin.isatty() and sys.stdout.isatty())
    events = Events()
    if not terminal.interactive and not options.print:
        print("coder: it needs a terminal; without one: --print and a task", file=sys.stderr)  # noqa: T201
        return 2
    transcript = str(conversation.path) if conversation.path else None
    events.tell("hello", agent="coder", version=VERSION, session=name, transcript=transcript)
    agent = Agent(provider, conversation, terminal, events, Permission(options.permission_mode), Path.cwd())
    task = " ".join(options.prompt)
    if options.print:
        return _once(agent, terminal, task)
    threading.Thread(target=provider.prepare, daemon=True).start()
    with terminal.open():
        return _talk(agent, terminal, events, task, provider.model)


def _once(agent: Agent, terminal: Terminal, task: str) -> int:
    if not task and not sys.stdin.isatty():
        task = sys.stdin.read().strip()
    if not task:
        print("coder: --print needs a task, as words or on stdin", file=sys.stderr)  # noqa: T201
        return 2
    done = agent.turn(task)
    terminal.end()
    return 0 if done else 1


def _talk(agent: Agent, terminal: Terminal, events: Events, task: str, model: str) -> int:
    terminal.line(f"coder {VERSION} · {model} · {Path.cwd()}")
    terminal.note("Enter sends, Escape interrupts, Ctrl-D ends")
    if agent.conversation.turns:
        last = next(record for record in reversed(agent.conversation.records) if record["role"] == "assistant")
        terminal.note(f"goes on after {agent.conversation.turns} answers; the last one was:")
        terminal.line(last["text"])
    if task:
        terminal.queue(task)
    else:
        events.state("idle")
    while True:
        try:
            message = terminal.message()
            if message is None or message.strip() in ("/exit", "/quit"):
                break
            if message.strip():
                agent.turn(message.strip())
        except KeyboardInterrupt:
            continue
    terminal.note(f"{agent.usage['input']} tokens in, {agent.usage['output']} out")
    if agent.conversation.path is not None and agent.conversation.records:
        terminal.note(
            f"go on later: orchestrator coder --resume --transcript {shlex.quote(str(agent.conversation.path))}"
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="orchestrator coder",
        description="A small coding agent on any Anthropic- or OpenAI-compatible endpoint.",
        epilog="""examples:
  orchestrator coder "Add type hints to src/money.py"
  orchestrator coder --provider openai --base-url http://127.0.0.1:11434/v1 --model qwen3-coder
  orchestrator coder --print --permission-mode bypass "Run the tests and mend what fails"
  orchestrator coder --resume --transcript FILE""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("prompt", nargs="*", metavar="TASK", help="the first message")
    parser.add_argument("--provider", choices=("anthropic", "openai", "scripted"), help="default: whose key is set")
    parser.add_argument("--model", help="default: the provider's own good choice")
    parser.add_argument("--base-url", metavar="URL", help="any compatible endpoint (Ollama, vLLM, a gateway)")
    parser.add_argument(
        "--permission-mode",
        choices=[mode.value for mode in Permission],
        default=Permission.DEFAULT.value,
        help="default: asks before it runs a command or writes outside of this folder; ask: before every write too; "
        "bypass: never",
    )
    parser.add_argument("--transcript", metavar="FILE", type=Path, help="where the conversation is kept")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the conversation of --transcript, or with the latest"
    )
    parser.add_argument("--script", metavar="FILE", type=Path, help="what the scripted model says")
    parser.add_argument("--print", action="store_true", help="do one task, asking nothing; only the answer to stdout")
    return parser


def _provider(options: argparse.Namespace) -> Provider:
    if options.provider == "scripted":
        if options.script is None:
            raise UsageError("the scripted model needs --script FILE; see docs/coder.md")
        from sessions.coder.providers.scripted import Scripted

        return Scripted(options.script)
    from sessions.coder.providers.choosing import choose

    return choose(os.environ, name=options.provider, model=options.model, base_url=options.base_url)


def _conversation(options: argparse.Namespace) -> tuple[Conversation, str]:
    path: Path = options.transcript or _folder() / f"{uuid.uuid4().hex[:12]}.jsonl"
    if options.resume and options.transcript is None:
        kept = sorted(_folder().glob("*.jsonl"), key=lambda file: file.stat().st_mtime)
        if not kept:
            raise UsageError(f"there is no conversation to resume in {_folder()}")
        path = kept[-1]
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if options.resume:
            return Conversation.resume(path), path.stem
        if path.exists() and path.stat().st_size:
            raise UsageError(f"{path} holds a conversation already; --resume goes on with it")
    except FileNotFoundError as error:
        raise UsageError(f"there is no conversation {path}") from error
    except OSError as error:
        raise UsageError(f"the conversation {path} cannot be used: {error.strerror}") from error
    return Conversation(path), path.stem


def _folder() -> Path:
    named = os.environ.get("ORCHESTRATOR_HOME")
    if named:
        return Path(named).expanduser() / "coder"
    from platformdirs import user_state_path

    return user_state_path("orchestrator") / "coder"
