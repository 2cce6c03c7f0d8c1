"""The configuration of a clean room: what of the user's configuration has an effect there, and nothing that runs.

Git reads programs from its configuration (hooks, filters, drivers, editors, signers, transports), and an agent can
write the repository's. So the room has a configuration of its own, made here from a list of keys that only describe:
line ends, case, identity, formats. Whatever is not on the list is not there.

The one program is git-lfs, because a tree without it would be mangled: it is taken when the user's own global or system
configuration names it, never the repository's. Other filters can be allowed there:
``git config --global --add orchestrator.allowFilter NAME``.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass

USERS_OWN = frozenset({"system", "global"})
"""Scopes that an agent's work in a repository does not reach."""

_SWITCHES = frozenset(
    (
        *("core.filemode", "core.ignorecase", "core.symlinks", "core.precomposeunicode", "core.protectntfs"),
        *("core.protecthfs", "core.sparsecheckout", "core.sparsecheckoutcone", "merge.renormalize"),
        "user.useconfigonly",
    )
)
_WORDS = frozenset(
    (
        *("core.autocrlf", "core.eol", "core.bigfilethreshold", "core.compression", "core.sharedrepository"),
        *("core.checkroundtripencoding", "core.repositoryformatversion", "extensions.objectformat"),
        *("extensions.partialclone", "merge.renames", "merge.renamelimit", "merge.directoryrenames"),
        *("merge.conflictstyle", "diff.renames", "diff.renamelimit", "diff.algorithm", "i18n.commitencoding"),
    )
)
_TEXTS = frozenset(
    (
        *("user.name", "user.email", "author.name", "author.email", "committer.name", "committer.email"),
        "core.excludesfile",  # only patterns
    )
)
_FIXED = (
    ("core.bare", "false"),
    ("core.hookspath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.untrackedcache", "keep"),
    ("core.splitindex", "false"),
    ("core.trustctime", "true"),
    ("core.checkstat", "default"),
    ("core.safecrlf", "false"),  # "true" would refuse to keep a file
    ("core.commitgraph", "false"),  # it is a file that could lie about a commit's tree
    ("core.usereplacerefs", "false"),
    ("core.logallrefupdates", "true"),
    ("core.quotepath", "off"),
    ("core.pager", "cat"),
    ("core.editor", "false"),
    ("commit.gpgsign", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("protocol.allow", "never"),
    ("submodule.recurse", "false"),
    ("diff.ignoresubmodules", "dirty"),
    ("advice.detachedhead", "false"),
)
_FORMATS = frozenset(
    {"noop", "partialclone", "objectformat", "worktreeconfig", "preciousobjects", "compatobjectformat"}
)
_WORD = re.compile(r"[A-Za-z0-9_.:+=-]{0,64}\Z")
_COMMANDS = ("clean", "smudge", "process")


@dataclass(frozen=True)
class Value:
    """One line of ``git config --list --show-scope``. ``key`` has its section and name in lower case."""

    scope: str
    key: str
    text: str


@dataclass(frozen=True)
class Recipe:
    """``text`` is the room's configuration file. ``foreign``: filters that are defined and do not run in the room."""

    text: str
    foreign: frozenset[str]
    unsupported: str = ""  # a format of the repository that we cannot work with


def parse(said: str) -> tuple[Value, ...]:
    """The output of ``git config --list -z --show-scope``."""
    fields = said.split("\0")
    found = []
    for scope, entry in zip(fields[::2], fields[1::2], strict=False):
        key, separator, text = entry.partition("\n")
        found.append(Value(scope, key, text if separator else "true"))
    return tuple(found)


def recipe(values: Iterable[Value], lfs_storage: str) -> Recipe:
    """What the room gets of ``values``; the last one of a key wins, as in git."""
    kept: dict[str, str] = {}
    filters: dict[str, dict[str, str]] = {}
    defined: set[str] = set()
    allowed = {"lfs"}
    unsupported = ""
    for value in values:
        section, _, rest = value.key.partition(".")
        name, _, variable = rest.rpartition(".")
        own = value.scope in USERS_OWN
        if value.key in _SWITCHES:
            kept[value.key] = "true" if value.text.strip().lower() in ("true", "yes", "on", "1") else "false"
        elif value.key in _WORDS and _WORD.match(value.text):
            kept[value.key] = value.text
        elif value.key in _TEXTS or (value.key == "core.attributesfile" and own):
            kept[value.key] = "".join(letter for letter in value.text if letter.isprintable())
        elif section == "filter" and variable in _COMMANDS:
            defined.add(name)
            if own:
                filters.setdefault(name, {})[variable] = value.text
        elif value.key == "orchestrator.allowfilter" and own:
            allowed.add(value.text)
        elif section == "extensions" and rest not in _FORMATS:
            unsupported = value.key
    kept |= dict(_FIXED)
    promisor = kept.get("extensions.partialclone")
    if promisor:
        kept[f"remote.{promisor}.promisor"] = "true"
    running: set[str] = set()
    for name in sorted(allowed & filters.keys()):
        commands = _lfs(filters[name]) if name == "lfs" else filters[name]
        if commands:
            running.add(name)
            kept |= {f"filter.{name}.{variable}": command for variable, command in commands.items()}
            if "process" in commands or {"clean", "smudge"} <= commands.keys():
                kept[f"filter.{name}.required"] = "true"  # when it fails, so do we: raw content would pass instead
    if "lfs" in running:
        kept |= {"lfs.storage": lfs_storage, "lfs.skipdownloaderrors": "true"}
    return Recipe(_written(kept), frozenset(defined - running), unsupported)


def _lfs(commands: dict[str, str]) -> dict[str, str]:
    """The three commands of git-lfs, by its absolute path; none when it is not installed or is something else."""
    program = shutil.which("git-lfs")
    if program is None or any(not command.startswith("git-lfs ") for command in commands.values()):
        return {}
    quoted = "'" + program.replace("'", "'\\''") + "'"
    words = {"clean": "clean -- %f", "smudge": "smudge -- %f", "process": "filter-process"}
    return {variable: f"{quoted} {words[variable]}" for variable in commands}


def _written(values: dict[str, str]) -> str:
    lines: list[str] = []
    for key in sorted(values):
        section, _, rest = key.partition(".")
        name, _, variable = rest.rpartition(".")
        lines.append(f"[{section} {_quoted(name)}]" if name else f"[{section}]")
        lines.append(f"\t{variable} = {_quoted(values[key])}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
