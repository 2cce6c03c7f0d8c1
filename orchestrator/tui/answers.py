"""What a key means as the answer to a question. Pure; what is shown beside an option is what the key does."""

from __future__ import annotations

import re
from datetime import timedelta

from orchestrator.tui.looks import one_line
from sessions.models import Kind, Option, Question

LETTERS = ("y", "a", "n")
SETTLE = timedelta(seconds=0.3)
"""A key pressed within this time of a new question was meant for the one before: it does nothing."""

_YES = re.compile(r"(?:yes|allow|approve|accept|trust|proceed)\b", re.IGNORECASE)
_NO = re.compile(r"(?:no|deny|reject|refuse|cancel)\b", re.IGNORECASE)
_ALWAYS = re.compile(r"\balways\b|don.t ask again|\ball edits\b|\bthis session\b", re.IGNORECASE)


def choice_for(question: Question, key: str) -> str | None:
    """The choice that ``key`` gives: an option of that key, or of that meaning (y, n, a). None: it is no answer.

    A permission without readable options takes y and n as they are; the adapter knows what they are there.
    """
    for option in question.options:
        if option.key.lower() == key:
            return option.key
    if key not in LETTERS or question.multiple:
        return None
    if not question.options:
        return key if question.kind is Kind.PERMISSION and key != "a" else None
    return next((option.key for option in question.options if _means(question, option, key)), None)


def toggled(question: Question, marks: frozenset[str], key: str) -> frozenset[str]:
    """The marked options of a question that takes several, after ``key`` marks or unmarks one."""
    choice = choice_for(question, key)
    return marks if choice is None else marks ^ {choice}


def several(question: Question, marks: frozenset[str]) -> str:
    """The marked options as one choice: their keys with commas, in the order of the question."""
    return ",".join(option.key for option in question.options if option.key in marks)


def said(question: Question, choice: str, text: str = "") -> str:
    """An answer in words, for people: what its keys stand for."""
    keys = choice.split(",") if question.multiple else [choice]
    return (
        text
        or ", ".join(
            f"{one_line(option.key)} {one_line(option.label)}" for option in question.options if option.key in keys
        )
        or choice
    )


def letters(question: Question) -> dict[str, str]:
    """For each option's key the letter that also chooses it."""
    found: dict[str, str] = {}
    for letter in LETTERS:
        choice = choice_for(question, letter)
        if choice is not None and choice != letter and question.options:
            found.setdefault(choice, letter)
    return found


def _means(question: Question, option: Option, letter: str) -> bool:
    label = option.label.strip()
    if question.kind is Kind.QUESTION:
        return label.lower() == {"y": "yes", "n": "no"}.get(letter)
    always = bool(_ALWAYS.search(label))
    match letter:
        case "y":
            return bool(_YES.match(label)) and not always
        case "n":
            return bool(_NO.match(label))
        case _:
            return always and not _NO.match(label)
