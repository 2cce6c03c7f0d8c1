"""Screen rules: what a pane's text says of the agent's state, as data.

One TOML file per agent (``sessions/screens/<agent>.toml``), a list of ``[[rule]]``:

=============  =====================================================================================================
``name``       shown by ``why``
``priority``   higher is tried first
``state``      word of :class:`~sessions.models.State`; left out in a rule with ``skip = true``: no verdict at all
``kind``       word of :class:`~sessions.models.Kind`, with state ``blocked``
``last``       only the last N lines that are not blank are looked at (default 30)
``below``      regex: only lines below its last match
``all``        regexes of which each must match a line (or the region, with ``(?s)``)
``any``        at least one must match
``none``       none may match
``title``      text of the question, or ``title_from``: regex whose group 1 is it
``command``    regex whose group 1 is the command that is asked about (region, multi-line)
``options``    regex with groups ``key`` and ``label``, one a line; without ``key`` they are numbered
=============  =====================================================================================================

Dialogs are matched at the bottom of the screen and by their key legend, so a dialog that is quoted further up in a
transcript does not count.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from sessions.agents.contract import Screen
from sessions.models import Kind, Option, State


@dataclass(frozen=True)
class Rule:
    name: str
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
    selected: int | None = field(default=None)  # index of the option under the cursor


@cache
def load(agent: str) -> tuple[Rule, ...]:
    """The rules of an agent, the highest priority first; none when there is no file for it."""
    resource = files("sessions") / "screens" / f"{agent}.toml"
    if not resource.is_file():
        return ()
    rules = [_rule(table) for table in tomllib.loads(resource.read_text(encoding="utf-8")).get("rule", [])]
    return tuple(sorted(rules, key=lambda rule: -rule.priority))


def match(rules: tuple[Rule, ...], screen: Screen) -> Match | None:
    """The first rule that matches ``screen``; None when none does, or the screen is not the program's own."""
    if screen.in_mode:
        return None
    lines = [line for line in screen.lines if line.strip()]
    regions: dict[tuple[int, str], tuple[list[str], str]] = {}
    for rule in rules:
        key = (rule.last, rule.below.pattern if rule.below is not None else "")
        if key not in regions:
            found_lines = _region(rule, lines)
            regions[key] = (found_lines, "\n".join(found_lines))
        region, text = regions[key]
        if not region or any(pattern.search(text) for pattern in rule.none):
            continue
        found = [pattern.search(text) for pattern in rule.all]
        if not all(found) or (rule.any and not any(pattern.search(text) for pattern in rule.any)):
            continue
        hit = next((one for one in found if one), None) or next(
            (one for pattern in rule.any if (one := pattern.search(text))), None
        )
        return _read(rule, region, text, hit)
    return None


def _read(rule: Rule, region: list[str], text: str, hit: re.Match[str] | None) -> Match:
    options, selected, first = _options(rule.options, region)
    title = rule.title
    if rule.title_from is not None and (found := rule.title_from.search(text)):
        title = " ".join(found[1].split())
    command = None
    if rule.command is not None and (found := rule.command.search(text)):
        command = "\n".join(line.strip() for line in found[1].strip().splitlines())
    body = "\n".join(line.strip() for line in (region[:first] if first is not None else region[-6:]))
    return Match(
        rule=rule.name,
        state=rule.state,
        kind=rule.kind,
        title=title,
        text=body,
        command=command,
        options=options,
        saw=" ".join((hit[0] if hit else "").split())[:80],
        selected=selected,
    )


_RULER = re.compile(r"^[\s─━╌▔▁=_-]*$")
_CURSOR = re.compile(r"^\s*[❯›>]\s")


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
            found.append(Option(key=key, label=" ".join(hit["label"].split())))
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
    def one(key: str) -> re.Pattern[str] | None:
        value = table.get(key)
        return re.compile(str(value), re.MULTILINE) if value is not None else None

    def many(key: str) -> tuple[re.Pattern[str], ...]:
        value = table.get(key, [])
        assert isinstance(value, list)
        return tuple(re.compile(str(item), re.MULTILINE) for item in value)

    skip = bool(table.get("skip"))
    return Rule(
        name=str(table["name"]),
        state=None if skip else State(str(table["state"])),
        kind=Kind(str(table["kind"])) if "kind" in table else None,
        priority=int(str(table.get("priority", 50))),
        last=int(str(table.get("last", 30))),
        below=one("below"),
        all=many("all"),
        any=many("any"),
        none=many("none"),
        title=str(table.get("title", "")),
        title_from=one("title_from"),
        command=one("command"),
        options=one("options"),
    )
