"""The built-in coder in a pane: it speaks the events contract, and its questions carry a mark on the screen."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from sessions.agents.capabilities import Capabilities
from sessions.agents.command import typed
from sessions.agents.contract import Keys, Launch, Needs, Paste, Place, Reader, Screen, Step
from sessions.agents.findings import time
from sessions.agents.hooks import parse
from sessions.agents.joined import JoinedReader
from sessions.errors import AgentMissing, QuestionGone
from sessions.models import Entry, Question, Role, Spec

TRANSCRIPT = "coder.jsonl"
_START = "import sys; sys.path.insert(0, {packages!r}); from sessions.coder import main; sys.exit(main())"


class Coder:
    """Adapter of ``orchestrator coder``."""

    name = "coder"
    title = "built-in coder"
    capabilities: ClassVar[Capabilities] = Capabilities(
        task="an argument",
        modes=("default", "ask", "bypass"),
        endpoint="`--base-url`",
        sources=("events contract",),
        answers="keys, to a question that carries its id",
        usage="events contract",
        resume="from its transcript",
    )

    def program(self, spec: Spec, env: Mapping[str, str]) -> str:
        if not spec.command:
            return sys.executable
        found = shutil.which(spec.command[0], path=env.get("PATH"))
        if found is None:
            raise AgentMissing(
                f"the program {spec.command[0]!r} of [agents.coder] was not found",
                "mend or remove [agents.coder] command: without it the built-in coder is started",
            )
        return found

    def launch(self, spec: Spec, place: Place) -> Launch:
        # -P: a module of the worktree must never be taken for one of ours. Not by PYTHONPATH: tools would inherit it.
        argv = [self.program(spec, place.env), "-P", "-c", _START.format(packages=_packages())]
        if spec.command:
            argv = [self.program(spec, place.env), *spec.command[1:]]
        kept = _transcripts(place.folder)
        if spec.resume and kept:
            argv += ["--resume", "--transcript", str(kept[-1])]
        else:
            argv += ["--transcript", str(place.folder / _fresh(place.folder))]
        for flag, value in (
            ("--model", spec.model),
            ("--base-url", spec.base_url),
            ("--permission-mode", spec.permission_mode),
        ):
            if value:
                argv += [flag, value]
        argv += spec.args
        if spec.prompt:
            argv += ["--", spec.prompt]
        return Launch(argv=tuple(argv))

    def reader(self, spec: Spec, place: Place) -> Reader:
        return JoinedReader(spec, place)

    def needs(self, spec: Spec, place: Place) -> Needs:
        kept = [path.name for path in _transcripts(place.folder)]
        return Needs(files=tuple(kept) if spec.resume and kept else (_fresh(place.folder),))

    def answer(self, question: Question, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        shown = [line for line in screen.lines if line.strip()]
        if screen.in_mode or not shown or not shown[-1].strip().endswith(f"answer [q:{question.id}] >"):
            raise QuestionGone(
                "the question is not on the screen any more", "look again: it may have been answered in the pane"
            )
        return typed(question, choice, text)

    def message(self, text: str) -> tuple[Step, ...]:
        return (Keys(("C-u",)), Paste(text))

    def interrupt(self) -> tuple[Step, ...]:
        return (Keys(("C-c",)),)

    def quit(self) -> tuple[Step, ...]:
        return (Keys(("C-c",)), Keys(("C-u",)), Keys(("C-d",)))

    def transcript(self, path: Path) -> tuple[Entry, ...]:
        entries: list[Entry] = []
        with path.open("rb") as file:
            for line in file:
                record = parse(line)
                at = time(record.get("at"))
                match record.get("role"):
                    case "user":
                        entries.append(Entry(at=at, role=Role.USER, text=str(record.get("text"))))
                    case "assistant":
                        if record.get("text"):
                            entries.append(Entry(at=at, role=Role.AGENT, text=str(record["text"])))
                        for call in record.get("calls") or ():
                            given = call.get("input") or {}
                            what = next((str(given[key]) for key in ("command", "path", "pattern") if key in given), "")
                            entries.append(Entry(at=at, role=Role.TOOL, title=f"{call.get('name')} {what}"[:120]))
                    case "tool":
                        entries.append(
                            Entry(at=at, role=Role.TOOL, title="result", text=str(record.get("output"))[:4000])
                        )
        return tuple(entries)


def _fresh(folder: Path) -> str:
    """The name of the next conversation."""
    kept = _transcripts(folder)
    return f"coder-{len(kept) + 1}.jsonl" if kept else TRANSCRIPT


def _transcripts(folder: Path) -> list[Path]:
    """The conversations of a session, oldest first: one, but for a session that was started anew with its task."""
    found = ((re.fullmatch(r"coder(?:-(\d+))?\.jsonl", path.name), path) for path in folder.glob("coder*.jsonl"))
    return [path for _, path in sorted((int(name[1] or 1), path) for name, path in found if name)]


def _packages() -> str:
    return str(Path(__file__).resolve().parents[2])
