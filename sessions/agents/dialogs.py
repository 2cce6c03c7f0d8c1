"""Dialogs on the screen: from a matched rule to evidence, and from a choice to keys. Shared by the adapters."""

from __future__ import annotations

import hashlib

from sessions.agents import resets
from sessions.agents.contract import Keys, Screen, Step
from sessions.errors import NotAnOption, QuestionGone
from sessions.models import Evidence, Kind, Question, QuestionId, Source, State
from sessions.screen_rules import Match, Rule, match

_MOVING = dict.fromkeys(map(ord, "0123456789✢✳✶✻✽·*•◦⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏◐◓◑◒"))
"""What a clock or a spinner changes; a dialog is never judged by a screen without it."""
_YES = ("y", "yes", "approve", "allow")
_NO = ("n", "no", "deny")
_ALWAYS = ("a", "always")


class ScreenReader:
    """Judges one pane's screens. One that differs from the one before only in a clock or a spinner costs nothing."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        self._before: tuple[str, ...] = ()
        self._said: Evidence | None = None

    def look(self, screen: Screen, version: str | None = None) -> Evidence | None:
        """See :func:`evidence`."""
        shape = tuple(line.translate(_MOVING) for line in screen.lines)
        said = self._said
        if shape == self._before and said is not None and said.state is not State.BLOCKED and not screen.in_mode:
            return said
        self._before, self._said = shape, evidence(self._rules, screen, version)
        return self._said


def evidence(rules: tuple[Rule, ...], screen: Screen, version: str | None = None) -> Evidence | None:
    """What the screen says; None when it cannot be judged now (copy mode, a transcript viewer)."""
    if screen.in_mode:
        return None
    found = match(rules, screen, version)
    if found is None:
        return Evidence(source=Source.SCREEN, channel="screen", state=None, at=screen.at, saw="no rule matches")
    if found.state is None:
        return None
    return Evidence(
        source=Source.SCREEN,
        channel="screen",
        state=found.state,
        kind=found.kind,
        question=_question(found, screen) if found.kind is not None else None,
        at=screen.at,
        saw=found.saw,
        rule=found.rule,
        until=resets.time(found.until, screen.at) if found.until else None,
    )


def _question(found: Match, screen: Screen) -> Question:
    assert found.kind is not None
    labels = (option.label for option in found.options)
    seed = "\0".join((found.kind, found.title, found.command or found.text, *labels))
    return Question(
        id=QuestionId("s" + hashlib.sha256(seed.encode()).hexdigest()[:11]),
        kind=found.kind,
        title=found.title or found.saw,
        text=found.text,
        options=found.options,
        free_text=found.kind in (Kind.QUESTION, Kind.PLAN),
        command=found.command if found.kind is Kind.PERMISSION else None,
        asked_at=screen.at,
    )


def shown(rules: tuple[Rule, ...], question: Question, screen: Screen) -> Match:
    """The dialog that is on the screen. Raises QuestionGone when it is not one of the question's kind."""
    found = match(rules, screen)
    if found is None or found.state is not State.BLOCKED or found.kind is not question.kind:
        raise QuestionGone(
            "the question is not on the screen any more", "look again: it may have been answered in the pane"
        )
    if question.command and found.command and not _alike(question.command, found.command):
        raise QuestionGone("the screen asks about another command by now", "look again before you answer")
    return found


def is_about(shown: Question | None, asked: Question) -> bool:
    """The dialog on the screen puts this very question."""
    return shown is not None and shown.kind is asked.kind and is_title(shown.title, asked)


def is_title(seen: str, asked: Question) -> bool:
    """``seen`` on the screen is the title of ``asked``; the screen wraps it and may cut it."""
    return bool(seen and asked.title) and _alike(asked.title, seen)


def _alike(asked: str, seen: str) -> bool:
    """The screen wraps and may cut a command; what it shows of it must agree."""
    one, other = "".join(asked.split()), "".join(seen.split()).removesuffix("…")
    return one.startswith(other[:60]) or other.startswith(one[:60])


def pick(found: Match, choice: str) -> int:
    """Index of the option that ``choice`` means: its key, y, n, a, or the beginning of its label."""
    wanted = choice.strip().lower()
    options = found.options
    for index, option in enumerate(options):
        if wanted == option.key.lower():
            return index
    labels = [option.label.lower() for option in options]
    if wanted in _YES:
        chosen = [n for n, label in enumerate(labels) if label.startswith(("yes", "trust"))]
    elif wanted in _NO:
        chosen = [n for n, label in enumerate(labels) if label.startswith("no")]
    elif wanted in _ALWAYS:
        chosen = [n for n, label in enumerate(labels) if "always" in label or "don't ask again" in label]
    else:
        chosen = [n for n, label in enumerate(labels) if wanted and label.startswith(wanted)]
    if chosen:
        return chosen[0]
    raise NotAnOption(
        f"{choice!r} is none of the options",
        "choose one of: " + " · ".join(f"{option.key} {option.label}" for option in options),
    )


def walk(found: Match, index: int) -> tuple[Step, ...]:
    """Cursor keys from the selected option to ``index``, and Enter."""
    at = found.selected or 0
    keys = ("Down",) * (index - at) if index >= at else ("Up",) * (at - index)
    return (Keys((*keys, "Enter")),)
