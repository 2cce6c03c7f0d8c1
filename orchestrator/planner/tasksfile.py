"""A plan as a tasks file, which ``run --file`` and the human's editor take, and back. Pure.

The area stands at the end of the prompt, where the agent reads it: no key of a tasks file is for it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence

from orchestrator.planner.ask import Task
from orchestrator.queue.ask import NewTask

KEEP = "Keep to these files and folders; where others must change, do only what is needed and say so:"
_KEYS = ("name", "prompt", "agent", "after")
_MORE: dict[str, type] = {
    **dict.fromkeys(("base", "model", "permission_mode", "isolation", "method", "when"), str),
    **dict.fromkeys(("count", "priority", "retries"), int),
    "held": bool,
}
"""Keys of a tasks file that are passed on as they are."""


def prompt_of(task: Task) -> str:
    """What the agent is told: the prompt, then the area."""
    if not task.area:
        return task.prompt
    return "\n".join((task.prompt, "", KEEP, *(f"- {area}" for area in task.area)))


def write(tasks: Sequence[Task], head: str = "") -> str:
    """The plan as TOML. ``head``: a comment above it."""
    lines = [f"# {line}".rstrip() for line in head.splitlines()]
    for task in tasks:
        lines += ["", "[[task]]", f"name = {_quoted(task.name)}"]
        lines += [f"agent = {_quoted(task.agent)}"] if task.agent else []
        lines += [f"after = [{', '.join(map(_quoted, task.after))}]"] if task.after else []
        for key, value in task.more.items():
            lines.append(f"{key} = {_quoted(value) if isinstance(value, str) else json.dumps(value)}")
        lines.append(f'prompt = """\n{_escaped(prompt_of(task))}\n"""')
    return "\n".join(lines).lstrip("\n") + "\n"


def new_task(task: Task, repository: str) -> NewTask:
    """The task as the queue takes it. Raises ValidationError when a key that was passed on has no fit value."""
    said = {"repository": repository, "prompt": prompt_of(task), "name": task.name, "after": task.after}
    return NewTask.model_validate({**said, "agent": task.agent, **task.more})


def read(text: str) -> tuple[Task, ...]:
    """The tasks that ``text`` holds. Raises ValueError that says where what is wrong."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(str(error)) from error
    found = table.get("task")
    if not isinstance(found, list) or not all(isinstance(task, dict) for task in found):
        raise ValueError("there is no [[task]]")
    return tuple(_task(task, number) for number, task in enumerate(found, 1))


def _task(said: dict[str, object], number: int) -> Task:
    for key, value in said.items():
        if key == "after":
            if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
                raise ValueError(f"task {number}: after has to be a list of names")
        elif key in _KEYS and not isinstance(value, str):
            raise ValueError(f"task {number}: {key} has to be a text")
        elif key not in _KEYS and type(value) is not _MORE.get(key):
            known = ", ".join(f"{name} ({kind.__name__})" for name, kind in _MORE.items())
            raise ValueError(f"task {number}: {key} cannot be {value!r}"[:200] + f"; beside the four there are {known}")
    prompt, area = _parted(str(said.get("prompt", "")))
    after = said.get("after", [])
    assert isinstance(after, list)
    return Task(
        name=str(said.get("name", "")).strip(),
        prompt=prompt,
        agent=str(said["agent"]) if said.get("agent") else None,
        area=area,
        after=tuple(after),
        more={key: value for key, value in said.items() if key in _MORE and isinstance(value, (str, bool, int))},
    )


def _parted(prompt: str) -> tuple[str, tuple[str, ...]]:
    """The prompt, and the area at its end."""
    lines = prompt.strip().split("\n")
    at = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].strip() == KEEP), None)
    if at is None or not all(line.startswith("- ") for line in lines[at + 1 :]) or at + 1 == len(lines):
        return prompt.strip(), ()
    return "\n".join(lines[:at]).strip(), tuple(line[2:].strip() for line in lines[at + 1 :])


def _quoted(text: str) -> str:
    return f'"{_escaped(text, one_line=True)}"'


def _escaped(text: str, *, one_line: bool = False) -> str:
    """As a basic string of TOML 1.0 holds it; what is no text (half a surrogate pair) becomes a question mark."""
    text = text.encode("utf-8", "replace").decode().replace("\\", "\\\\")
    text = text.replace('"', '\\"') if one_line else text.replace('"""', '""\\"')
    keep = "" if one_line else "\n"
    return re.sub(r"[\x00-\x1f\x7f]", lambda sign: sign[0] if sign[0] in keep else f"\\u{ord(sign[0]):04X}", text)
