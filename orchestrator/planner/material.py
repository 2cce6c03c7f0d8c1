"""What of a repository a model is shown: tracked files with their sizes, the README's beginning, names at top level.

All of it is read from a commit, through git in the clean room: what git ignores is in no commit, and what may hold
secrets is left out by its name. :func:`told` is pure; :func:`gather` asks git.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from worktrees import inert
from worktrees.cleanroom import run
from worktrees.errors import WorktreeError

TREE, README, SYMBOLS = 12_000, 4_000, 6_000
"""Characters of each part at most; together with the goal all that a model is sent."""
MANY = 20_000
"""Files above which no symbols are looked for."""
_SECRET = re.compile(
    r"(^|/)(\.env(\..*|rc)?|\.netrc|\.npmrc|\.pypirc|\.git-credentials|id_(rsa|dsa|ecdsa|ed25519)[^/]*|secrets?(\.[^/]*)?"
    r"|credentials?(\.[^/]*)?|[^/]*\.(pem|key|p12|pfx|jks|keystore|kdbx|tfstate))($|/)",
    re.I,
)
_TOP = (
    r"^(export +)?(default +)?(pub(\([a-z]+\))? +)?(async +)?(abstract +)?"
    r"(def|class|func|fn|function|struct|enum|trait|interface|type|module) +[A-Za-z_(]"
)
_NAME = re.compile(
    r"(?:def|class|func|fn|function|struct|enum|trait|interface|type|module) +(?:\([^)]*\) *)?([A-Za-z_]\w*)"
)


@dataclass(frozen=True)
class Material:
    """``files``: tracked files, their sizes in bytes; without those that may hold secrets."""

    files: Mapping[str, int]
    readme: str
    symbols: Mapping[str, tuple[str, ...]]


def gather(root: Path, revision: str = "HEAD") -> Material:
    """What the commit ``revision`` of the repository holds. Raises WorktreeError."""
    commit = run(root, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").strip()
    files: dict[str, int] = {}
    for entry in run(root, "ls-tree", "-r", "-l", "-z", "--full-tree", commit).split("\0"):
        head, _, name = entry.partition("\t")
        fields = head.split()
        if len(fields) == 4 and not _SECRET.search(name):
            files[name] = int(fields[3]) if fields[3].isdigit() else 0
    readme = next((name for name in sorted(files) if re.match(r"readme(\.\w+)?\Z", name, re.I)), None)
    text = run(root, "cat-file", "blob", f"{commit}:{readme}") if readme and files[readme] < 1 << 20 else ""
    return Material(files, text[:README], _symbols(root, commit) if len(files) <= MANY else {})


def told(material: Material) -> str:
    """The material as a model reads it, within its limits, inert."""
    parts = ["Tracked files (size in bytes):", *_tree(material.files, TREE)]
    if material.readme:
        parts += ["", "The README begins:", inert.block(material.readme)[:README]]
    lines, left = [], SYMBOLS
    for name, found in material.symbols.items():
        if name not in material.files:
            continue
        line = f"{inert.line(name)}: {', '.join(found)}"
        left -= len(line) + 1
        if left < 0:
            lines.append("…")
            break
        lines.append(line)
    return "\n".join([*parts, *(["", "Names at top level:", *lines] if lines else [])])


def _symbols(root: Path, commit: str) -> dict[str, tuple[str, ...]]:
    """Names at the top level by file; none when git takes too long: a plan does not depend on them."""
    try:
        said = run(
            root, "grep", "-I", "-E", "--no-color", "--max-count=25", "-z", "-e", _TOP, commit, ok=(0, 1), deadline_s=10
        )
    except WorktreeError:
        return {}
    found: dict[str, list[str]] = {}
    for line in said.split("\n"):
        where, _, text = line.partition("\0")
        if (name := _NAME.search(text)) is not None:
            found.setdefault(where.partition(":")[2], []).append(name[1][:60])
    return {where: tuple(dict.fromkeys(names)) for where, names in found.items()}


def _tree(files: Mapping[str, int], limit: int) -> list[str]:
    """All files when they fit, else folders from some depth on with the number and size of what is in them."""
    deepest = max((name.count("/") for name in files), default=0)
    lines: list[str] = []
    for depth in range(deepest, -1, -1):
        lines = _folded(files, depth)
        if sum(len(line) + 1 for line in lines) <= limit:
            return lines
    return _cut(lines, limit)


def _folded(files: Mapping[str, int], depth: int) -> list[str]:
    number: Counter[str] = Counter()
    size: Counter[str] = Counter()
    lines: list[str] = []
    for name, bytes_ in sorted(files.items()):
        parts = name.split("/")
        if len(parts) - 1 <= depth:
            lines.append(f"{inert.line(name)} {bytes_}")
            continue
        folder = "/".join(parts[: depth + 1])
        if folder not in number:
            lines.append(folder)
        number[folder] += 1
        size[folder] += bytes_
    return [f"{inert.line(line)}/ ({number[line]} files, {size[line]})" if line in number else line for line in lines]


def _cut(lines: Sequence[str], limit: int) -> list[str]:
    found: list[str] = []
    for line in lines:
        limit -= len(line) + 1
        if limit < 20:
            return [*found, f"… and {len(lines) - len(found)} more"]
        found.append(line)
    return found
