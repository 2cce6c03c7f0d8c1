"""Any program, launched as it is: it may tell its state through ``$ORCHESTRATOR_EVENTS``, else its activity does."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from sessions.agents.capabilities import Capabilities
from sessions.agents.contract import Keys, Launch, Paste, Place, Reader, Screen, Step
from sessions.agents.joined import JoinedReader
from sessions.errors import AgentMissing, NotAnOption, SessionError
from sessions.models import Entry, Question, Spec

PROMPT = "{prompt}"


class Command:
    """Adapter of any command line. ``{prompt}`` in it stands for the task; without it the task is typed."""

    name = "command"
    title = "Command"
    capabilities: ClassVar[Capabilities] = Capabilities(
        task="an argument at `{prompt}`, else typed",
        modes=(),
        endpoint="",
        sources=("events contract, where the program joins it", "activity"),
        answers="keys",
        usage="events contract, where the program joins it",
        resume="starts again with its task",
    )

    def program(self, spec: Spec, env: Mapping[str, str]) -> str:
        if not spec.command:
            raise SessionError(
                "there is no command to run",
                "orchestrator run --agent command -- PROGRAM ARGUMENTS, or [agents.command] command in the settings",
            )
        named = spec.command[0]
        if "/" in named and not named.startswith("/"):
            return named  # a file of the worktree, which may not be there yet
        found = shutil.which(named, path=env.get("PATH"))
        if found is None:
            raise AgentMissing(f"the program {named!r} was not found", "name one that is on PATH, or its whole path")
        return found

    def launch(self, spec: Spec, place: Place) -> Launch:
        program = self.program(spec, place.env)
        if not program.startswith("/") and shutil.which(place.worktree / program) is None:
            raise AgentMissing(
                f"{program!r} is no program in the new worktree {place.worktree}",
                "commit it (executable) so that worktrees have it, or name its whole path",
            )
        words = (*spec.command[1:], *spec.args)
        return Launch(
            argv=(program, *(word.replace(PROMPT, spec.prompt) for word in words)),
            prompt_given=any(PROMPT in word for word in words),
        )

    def reader(self, spec: Spec, place: Place) -> Reader:
        return JoinedReader(spec, place)

    def answer(self, question: Question, choice: str, text: str, screen: Screen) -> tuple[Step, ...]:
        return typed(question, choice, text)

    def message(self, text: str) -> tuple[Step, ...]:
        return (Paste(text),)

    def interrupt(self) -> tuple[Step, ...]:
        return (Keys(("C-c",)),)

    def quit(self) -> tuple[Step, ...]:
        return (Keys(("C-c",)), Keys(("C-d",)))

    def transcript(self, path: Path) -> tuple[Entry, ...]:
        return ()


def typed(question: Question, choice: str, text: str) -> tuple[Step, ...]:
    """An answer as the contract has it: the option's key (of several, with commas) or words, and Enter.

    Raises NotAnOption.
    """
    if text and not choice:
        if not question.free_text:
            raise NotAnOption("this question takes no answer in words", "choose one of its options")
        return (Paste(text), Keys(("Enter",)))
    if not question.options and choice.strip():
        return (Paste(choice), Keys(("Enter",)))
    wanted = choice.split(",") if question.multiple else [choice]
    return (Paste(",".join(_key(question, one) for one in wanted)), Keys(("Enter",)))


def _key(question: Question, choice: str) -> str:
    """The key of the option that ``choice`` means: its key, the beginning of its label, or y, n, a."""
    wanted = choice.strip().lower()
    for option in question.options:
        if wanted == option.key.lower():
            return option.key
    for option in question.options:
        if wanted and option.label.lower().startswith(_WORDS.get(wanted, (wanted,))):
            return option.key
    raise NotAnOption(
        f"{choice!r} is none of the options",
        "choose one of: " + " · ".join(f"{option.key} {option.label}" for option in question.options),
    )


_WORDS = {"y": ("yes", "allow", "approve"), "n": ("no", "deny", "refuse"), "a": ("always", "yes, always")}
