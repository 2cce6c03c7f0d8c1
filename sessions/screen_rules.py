"""Screen rules: what a pane's text says of the agent's state, as data.

One TOML file per agent (``sessions/screens/<agent>.toml``), a list of ``[[rule]]``. A file of that name in the folder
``screens`` beside the user's settings adds to it: a rule with the name of another replaces it, ``off = true`` takes it
away.

=============  =====================================================================================================
``name``       shown by ``why``
``priority``   higher is tried first
``versions``   of the agent, as ``">=2.1.300,<2.2"``; an agent whose version is not known has every rule
``state``      word of :class:`~sessions.models.State`; left out in a rule with ``skip = true``: no verdict at all
``kind``       word of :class:`~sessions.models.Kind`, with state ``blocked``
``last``       only the last N lines that are not blank are looked at (default 30)
``below``      regex: only lines below its last match
``all``        regexes of which each must match a line (or the region, with ``(?s)``)
``any``        at least one must match
``none``       none may match
``title``      text of the question, or ``title_from``: regex whose group 1 is it
``command``    regex whose group 1 is the command that is asked about (region, multi-line)
``margin``     regex of what the program draws before every line of a command of several lines
``until``      regex whose group 1 is the time at which a limit ends, as the agent words it
``options``    regex with groups ``key`` and ``label``, one a line; without ``key`` they are numbered
=============  =====================================================================================================

Dialogs are matched at the bottom of the screen and by their key legend, so a dialog that is quoted further up in a
transcript does not count.
"""

from __future__ import annotations

import operator
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from sessions.agents.contract import Screen
from sessions.errors import SessionError
from sessions.models import Kind, Option, State


@dataclass(frozen=True)
class Rule:
    name: str
    versions: tuple[tuple[str, tuple[int, ...]], ...]
    state: State | None
    kind: Kind | None
    priority: int
    last: int
    below: re.Pattern[str] | None
    all: tuple[re.Pattern[str], ...]
    any: tuple[re.Pattern[str], ...]
    none: tuple[re.Pattern[str], ...]
    title: str
    title_from: re.Pattern[str] | None
    command: re.Pattern[str] | None
    margin: re.Pattern[str] | None
    until: re.Pattern[str] | None
    options: re.Pattern[str] | None


@dataclass(frozen=True)
class Match:
    """A rule that matched, and what it read."""

    rule: str
    state: State | None
    kind: Kind | None
    title: str = ""
    text: str = ""
    command: str | None = None
    options: tuple[Option, ...] = ()
    saw: str = ""
    until: str = ""
    selected: int | None = field(default=None)  # index of the option under the cursor


class RulesInvalid(SessionError):
    """The user's own rules cannot be used; the message names file and rule."""


_own: Path | None = None
"""The user's folder of rules."""


def use(folder: Path | None) -> None:
    """Take the user's rules from ``folder`` from now on; it need not exist."""
    global _own
    _own = folder
    load.cache_clear()


@cache
def load(agent: str) -> tuple[Rule, ...]:
    """The rules of an agent, the highest priority first; none when there is no file for it. Raises RulesInvalid."""
    resource = files("sessions") / "screens" / f"{agent}.toml"
    tables = tomllib.loads(resource.read_text(encoding="utf-8")).get("rule", []) if resource.is_file() else []
    rules = {rule.name: rule for rule in map(_rule, tables)}
    for name, rule in _of_user(agent).items():
        rules.pop(name, None)
        if rule is not None:
            rules[name] = rule
    return tuple(sorted(rules.values(), key=lambda rule: -rule.priority))


def match(rules: tuple[Rule, ...], screen: Screen, version: str | None = None) -> Match | None:
    """The first rule that matches ``screen``; None when none does, or the screen is not the program's own."""
    if screen.in_mode:
        return None
    lines = _lines(screen)
    known = _numbers(version) if version else ()
    regions: dict[tuple[int, str], tuple[list[str], str]] = {}
    for rule in rules:
        if known and not _covers(rule, known):
            continue
        key = (rule.last, rule.below.pattern if rule.below is not None else "")
        if key not in regions:
            found_lines = _region(rule, lines)
            regions[key] = (found_lines, "\n".join(found_lines))
        region, text = regions[key]
        if not region or _missing(rule, text):
            continue
        hit = next((one for pattern in (*rule.all, *rule.any) if (one := pattern.search(text))), None)
        return _read(rule, region, text, hit)
    return None


def trace(rules: tuple[Rule, ...], screen: Screen, version: str | None = None) -> list[tuple[Rule, str]]:
    """Each rule in the order of trying, with what keeps it from matching; "" for one that matches."""
    lines = _lines(screen)
    known = _numbers(version) if version else ()
    found = []
    for rule in rules:
        region = _region(rule, lines)
        if known and not _covers(rule, known):
            found.append((rule, f"it is not for version {version}"))
        else:
            found.append((rule, _missing(rule, "\n".join(region)) if region else "there is nothing to look at"))
    return found


def _missing(rule: Rule, text: str) -> str:
    """Why ``rule`` does not match ``text``; "" when it does."""
    for pattern in rule.all:
        if not pattern.search(text):
            return f"{pattern.pattern!r} is not there"
    if rule.any and not any(pattern.search(text) for pattern in rule.any):
        return "none of " + ", ".join(repr(pattern.pattern) for pattern in rule.any) + " is there"
    return next((f"{pattern.pattern!r} is there" for pattern in rule.none if pattern.search(text)), "")


_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}


def _covers(rule: Rule, version: tuple[int, ...]) -> bool:
    return all(_COMPARE[sign](version, bound) for sign, bound in rule.versions)


def _numbers(version: str) -> tuple[int, ...]:
    """2.1.330 as numbers; what follows them ("-beta") counts no more."""
    found = re.match(r"\d+(?:\.\d+)*", version.strip())
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _versions(text: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        bound = re.fullmatch(r"(<=|>=|==|<|>)\s*(\d+(?:\.\d+)*)", part)
        if bound is None:
            raise ValueError(f"versions: {part!r} is no bound like >=2.1")
        found.append((bound[1], _numbers(bound[2])))
    return tuple(found)


def _of_user(agent: str) -> dict[str, Rule | None]:
    """The user's rules by name; None for one that is switched off."""
    path = _own / f"{agent}.toml" if _own is not None else None
    if path is None or not path.is_file():
        return {}
    name = "the file"
    try:
        found: dict[str, Rule | None] = {}
        for table in tomllib.loads(path.read_text(encoding="utf-8")).get("rule", []):
            name = f"rule {table.get('name', 'without a name')!r}"
            found[str(table["name"])] = None if table.get("off") else _rule(table)
    except (*_NO_RULE, OSError) as error:
        raise RulesInvalid(
            f"{path}: {name} cannot be used: {error}", "mend it, or move the file away; docs/states.md tells the format"
        ) from error
    return found


def _read(rule: Rule, region: list[str], text: str, hit: re.Match[str] | None) -> Match:
    options, selected, first = _options(rule.options, region)
    title = rule.title
    if rule.title_from is not None and (found := rule.title_from.search(text)):
        title = " ".join((found[1] or "").split())
    command = None
    if rule.command is not None and (found := rule.command.search(text)):
        command = "\n".join(line.strip() for line in _within_margin(rule.margin, (found[1] or "").strip().splitlines()))
    before = region[:first] if first is not None else region[-6:]
    across = max((number for number, line in enumerate(before) if _ACROSS.match(line)), default=-1)
    body = "\n".join(line.strip() for line in before[across + 1 :])
    return Match(
        rule=rule.name,
        state=rule.state,
        kind=rule.kind,
        title=title,
        text=body,
        command=command,
        options=options,
        saw=" ".join((hit[0] if hit else "").split())[:80],
        until=(found[1] or "") if rule.until is not None and (found := rule.until.search(text)) else "",
        selected=selected,
    )


def _within_margin(margin: re.Pattern[str] | None, lines: list[str]) -> list[str]:
    if margin is None or not all(margin.match(line) for line in lines):
        return lines
    return [margin.sub("", line, count=1) for line in lines]


_NO_RULE = (ValueError, KeyError, TypeError, AttributeError, AssertionError, OverflowError, RecursionError, re.error)
"""What a file that is no rules, or a rule that is none, comes to."""
_RULER = re.compile(r"^[\s─━╌▔▁=_-]*$")
_ACROSS = re.compile(r"^─{20,}[^─]*─*\s*$")
"""A line across the screen, perhaps with a name in it: what stands above it is the conversation, not the dialog."""
_CURSOR = re.compile(r"^\s*[❯›>●]\s")
_FRAME = re.compile(r"^\s*│ ?(.*?)\s*│\s*$")


def _lines(screen: Screen) -> list[str]:
    """What is not blank, out of the frame that some programs draw around a dialog.

    An edge of a frame within a frame becomes a dashed line, so that the dialog's own edge is told from it.
    """
    found = []
    for line in screen.lines:
        framed = False
        while inner := _FRAME.match(line):
            line, framed = inner[1], True
        if framed and line.lstrip().startswith(("╭", "╰")):
            line = "╌╌╌"
        if line.strip():
            found.append(line)
    return found


def _options(pattern: re.Pattern[str] | None, region: list[str]) -> tuple[tuple[Option, ...], int | None, int | None]:
    """Options in the region's last run of option lines, the one under the cursor, and the line they begin at."""
    if pattern is None:
        return (), None, None
    found: list[Option] = []
    selected = first = None
    for number, line in enumerate(region):
        hit = pattern.match(line)
        if hit:
            key = hit.groupdict().get("key") or str(len(found) + 1)
            if key == "1" and found:
                found, selected = [], None
            if not found:
                first = number
            if _CURSOR.match(line):
                selected = len(found)
            found.append(Option(key=key, label=" ".join((hit["label"] or "").split())))
        elif found and line.startswith("    ") and not _RULER.match(line):
            last = found[-1]
            detail = " ".join(f"{last.detail} {line.strip()}".split())
            found[-1] = last.model_copy(update={"detail": detail})
    return tuple(found), selected, first


def _region(rule: Rule, lines: list[str]) -> list[str]:
    region = lines[-rule.last :]
    if rule.below is not None:
        at = next((n for n in range(len(region) - 1, -1, -1) if rule.below.search(region[n])), None)
        region = region[at + 1 :] if at is not None else region
    return region


def _rule(table: dict[str, object]) -> Rule:
    def one(key: str, group: str | int | None = None) -> re.Pattern[str] | None:
        value = table.get(key)
        pattern = re.compile(str(value), re.MULTILINE) if value is not None else None
        if pattern is not None and group not in (None, *pattern.groupindex, *range(1, pattern.groups + 1)):
            raise ValueError(f"{key}: the regex has no group {group}")
        return pattern

    def many(key: str) -> tuple[re.Pattern[str], ...]:
        value = table.get(key, [])
        assert isinstance(value, list)
        return tuple(re.compile(str(item), re.MULTILINE) for item in value)

    skip = bool(table.get("skip"))
    return Rule(
        name=str(table["name"]),
        versions=_versions(str(table.get("versions", ""))),
        state=None if skip else State(str(table["state"])),
        kind=Kind(str(table["kind"])) if "kind" in table else None,
        priority=int(str(table.get("priority", 50))),
        last=int(str(table.get("last", 30))),
        below=one("below"),
        all=many("all"),
        any=many("any"),
        none=many("none"),
        title=str(table.get("title", "")),
        title_from=one("title_from", 1),
        command=one("command", 1),
        margin=one("margin"),
        until=one("until", 1),
        options=one("options", "label"),
    )
