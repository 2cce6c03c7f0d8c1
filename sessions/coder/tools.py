"""What the model can do: read, write, edit, search, run, ask. Paths are taken from the working folder."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sessions.coder.shell import run_shell

OUTPUT_LIMIT = 30_000
FILE_LIMIT = 400_000
"""Characters of a tool's output, and of a file that is read, that the model gets."""
_TEXT = {"type": "string"}


class ToolFailed(Exception):
    """The tool could not do it; the model is told why."""


def _schema(description: str, required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {
        "description": description,
        "schema": {"type": "object", "properties": properties, "required": list(required)},
    }


TOOLS: dict[str, dict[str, Any]] = {
    "read": _schema(
        "Read a text file, with line numbers. offset and limit select lines, from 1.",
        ("path",),
        path=_TEXT,
        offset={"type": "integer"},
        limit={"type": "integer"},
    ),
    "write": _schema("Write a whole file; folders are made.", ("path", "content"), path=_TEXT, content=_TEXT),
    "edit": _schema(
        "Replace one exact piece of text in a file. old must occur exactly once.",
        ("path", "old", "new"),
        path=_TEXT,
        old=_TEXT,
        new=_TEXT,
    ),
    "search": _schema(
        "Search files for a regular expression. glob narrows by path; what git ignores is left out.",
        ("pattern",),
        pattern=_TEXT,
        glob=_TEXT,
    ),
    "run": _schema(
        "Run a shell command in the working folder. why is shown to the user, who may refuse. timeout in seconds.",
        ("command", "why"),
        command=_TEXT,
        why=_TEXT,
        timeout={"type": "integer"},
    ),
    "ask": _schema(
        "Ask the user a question that only they can decide, with options to choose from.",
        ("question", "options"),
        question=_TEXT,
        options={
            "type": "array",
            "items": {"type": "object", "properties": {"label": _TEXT, "detail": _TEXT}, "required": ["label"]},
        },
    ),
}


class Tools:
    """The tools on one folder. ``ask`` is the terminal's: it is not here."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._tools: dict[str, Callable[..., str]] = {
            "read": self.read,
            "write": self.write,
            "edit": self.edit,
            "search": self.search,
            "run": self.run,
        }

    def use(self, name: str, given: dict[str, Any]) -> str:
        """Carry one call out. Raises ToolFailed with words for the model."""
        tool = self._tools.get(name)
        if tool is None:
            raise ToolFailed(f"there is no tool {name}; there are: {', '.join(TOOLS)}")
        known = TOOLS[name]["schema"]
        missing = [key for key in known["required"] if key not in given]
        if missing:
            raise ToolFailed(f"{name} needs {', '.join(missing)}")
        try:
            return tool(**{key: value for key, value in given.items() if key in known["properties"]})
        except OSError as error:
            raise ToolFailed(f"{name}: {error.strerror or error}: {error.filename or ''}".rstrip(": ")) from error
        except (TypeError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
            raise ToolFailed(f"{name}: {error}") from error

    def inside(self, path: str) -> bool:
        """The file lies in the working folder once every link is followed, and not in a git folder."""
        target = self.place(path)
        if not target.is_relative_to(self.root):
            return False
        return ".git" not in (
            part.lower() for part in target.relative_to(self.root).parts
        )  # file systems may fold case

    def place(self, path: str) -> Path:
        if "\0" in path or not path.strip():
            raise ToolFailed("that is no path")
        try:
            return (self.root / Path(path).expanduser()).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a name too long, an unknown ~user
            raise ToolFailed(f"{path[:200]} is no path here: {error}") from error

    def read(self, path: str, offset: int = 1, limit: int = 2000) -> str:
        target = self.place(path)
        if target.is_dir():
            return "\n".join(sorted(entry.name + ("/" if entry.is_dir() else "") for entry in target.iterdir()))
        data = _bytes(target, 4 * FILE_LIMIT)
        if b"\0" in data[:8000]:
            raise ToolFailed(f"{path} is no text file ({target.stat().st_size} bytes)")
        lines = data.decode("utf-8", "replace")[:FILE_LIMIT].splitlines()
        first = max(1, offset)
        part = lines[first - 1 : first - 1 + max(1, limit)]
        return "\n".join(f"{number}\t{line}" for number, line in enumerate(part, first)) or "(empty)"

    def write(self, path: str, content: str) -> str:
        target = self.place(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode("utf-8", "replace"))
        return f"wrote {len(content.splitlines())} lines to {path}"

    def edit(self, path: str, old: str, new: str) -> str:
        target = self.place(path)
        before = _bytes(target).decode("utf-8")
        if "\r\n" in before and "\r" not in old + new:  # the file keeps its line ends
            old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
        count = before.count(old) if old else 0
        if count != 1:
            raise ToolFailed(f"old occurs {count} times in {path}, not once; give more of the text around it")
        target.write_bytes(before.replace(old, new).encode("utf-8", "replace"))
        return f"edited {path}"

    def search(self, pattern: str, glob: str = "**/*") -> str:
        try:
            wanted = re.compile(pattern)
        except re.error as error:
            raise ToolFailed(f"that is no regular expression: {error}") from error
        found: list[str] = []
        for path in self._files(glob):
            try:
                data = _bytes(path, 4 * FILE_LIMIT + 1)
            except OSError:
                continue
            if len(data) > 4 * FILE_LIMIT or b"\0" in data[:8000]:
                continue
            for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
                if wanted.search(line):
                    found.append(f"{path.relative_to(self.root)}:{number}: {line[:300]}")
            if len(found) > 200:
                return "\n".join(found[:200]) + "\n… more; narrow the search"
        return "\n".join(found) or "nothing found"

    def run(self, command: str, why: str = "", timeout: int = 120) -> str:
        code, output = run_shell(command, self.root, min(max(1, timeout), 1800), OUTPUT_LIMIT)
        head = "ran into its timeout and was ended" if code is None else f"exit code {code}"
        return f"{head}\n{output}".rstrip()

    def _files(self, glob: str) -> Iterator[Path]:
        """Files below the folder; in a repository those that git does not ignore."""
        listed = self._listed()
        if listed is not None:
            names = [name.decode("utf-8", "surrogateescape") for name in listed.split(b"\0") if name]
            files = [self.root / name for name in names]
        else:
            files = [path for path in self.root.rglob("*") if ".git" not in path.parts]
        pattern = glob if "/" in glob or glob == "**/*" else f"**/{glob}"
        matching = set(self.root.glob(pattern)) if glob != "**/*" else None
        for path in sorted(files):
            if path.is_file() and not path.is_symlink() and (matching is None or path in matching):
                yield path

    def _listed(self) -> bytes | None:
        """What git knows and does not ignore; None outside of a repository, or without git."""
        words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        try:
            done = subprocess.run(words, cwd=self.root, capture_output=True, timeout=60, check=False)
        except FileNotFoundError:
            return None
        return done.stdout if done.returncode == 0 else None


def _bytes(target: Path, limit: int = -1) -> bytes:
    """The beginning of a file, or all of it; never of a device or a pipe, which may have no end."""
    if target.exists() and not target.is_file():
        raise ToolFailed(f"{target} is no file")
    with target.open("rb") as file:
        return file.read(limit)
