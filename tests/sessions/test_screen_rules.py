"""Screen rules against screens of the real CLIs (Claude Code 2.1.330, Codex 0.169.0)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sessions.agents import dialogs
from sessions.agents.claude import Claude
from sessions.agents.codex import Codex
from sessions.agents.contract import Agent, Keys, Paste, Say, Screen
from sessions.errors import NotAnOption, QuestionGone
from sessions.models import Kind, Question, QuestionId, State
from sessions.screen_rules import load, match

SCREENS = Path(__file__).parent / "screens"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def screen(agent: str, name: str, *, width: int = 120) -> Screen:
    lines = (SCREENS / agent / f"{name}.txt").read_text().split("\n")
    return Screen(lines=tuple(lines), title="", at=NOW, width=width, height=len(lines))


@pytest.mark.parametrize(
    ("agent", "name", "state", "kind", "options"),
    [
        ("claude", "trust", State.BLOCKED, Kind.DIALOG, ("No, exit", "Yes, I trust this folder")),
        ("claude", "set-up", State.BLOCKED, Kind.DIALOG, ()),
        (
            "claude",
            "settings-warning",
            State.BLOCKED,
            Kind.DIALOG,
            ("Continue", "Fix with Claude", "Exit and fix manually"),
        ),
        ("claude", "bypass", State.BLOCKED, Kind.DIALOG, ("No, exit", "Yes, I accept")),
        ("claude", "auto-mode", State.BLOCKED, Kind.DIALOG, ()),
        ("claude", "permission-file", State.BLOCKED, Kind.PERMISSION, None),
        ("claude", "question", State.BLOCKED, Kind.QUESTION, ("Red", "Blue", "Type something.", "Chat about this")),
        ("claude", "plan", State.BLOCKED, Kind.PLAN, None),
        ("claude", "several", State.BLOCKED, Kind.QUESTION, None),
        ("claude", "review", State.BLOCKED, Kind.QUESTION, ("Submit answers", "Cancel")),
        ("claude", "narrow", State.BLOCKED, Kind.PERMISSION, None),
        ("claude", "quoted", State.IDLE, None, ()),
        ("claude", "limit", State.RATE_LIMITED, None, ()),
        ("claude", "working", State.WORKING, None, ()),
        ("claude", "queued", State.WORKING, None, ()),
        ("claude", "background", State.BACKGROUND, None, ()),
        ("claude", "retrying", State.RETRYING, None, ()),
        ("claude", "idle", State.IDLE, None, ()),
        ("claude", "interrupted", State.IDLE, None, ()),
        ("codex", "sign-in", State.BLOCKED, Kind.DIALOG, None),
        ("codex", "trust", State.BLOCKED, Kind.DIALOG, None),
        ("codex", "new-model", State.BLOCKED, Kind.DIALOG, ("Try new model", "Use existing model")),
        ("codex", "hooks-review", State.BLOCKED, Kind.DIALOG, None),
        ("codex", "question", State.BLOCKED, Kind.QUESTION, None),
        ("codex", "question-last", State.BLOCKED, Kind.QUESTION, None),
        ("codex", "quoted", State.IDLE, None, ()),
        ("codex", "plan", State.BLOCKED, Kind.PLAN, None),
        ("codex", "working", State.WORKING, None, ()),
        ("codex", "retrying", State.RETRYING, None, ()),
        ("codex", "idle", State.IDLE, None, ()),
        ("codex", "fresh", State.IDLE, None, ()),
        ("codex", "interrupted", State.IDLE, None, ()),
    ],
)
def test_what_a_screen_says(
    agent: str, name: str, state: State, kind: Kind | None, options: tuple[str, ...] | None
) -> None:
    found = match(load(agent), screen(agent, name))
    assert found is not None
    assert (found.state, found.kind) == (state, kind)
    if options is not None:
        assert tuple(option.label for option in found.options) == options
    elif kind is not None:
        assert len(found.options) >= 2


@pytest.mark.parametrize(("agent", "name"), [("claude", "exited"), ("codex", "exited")])
def test_a_screen_that_no_rule_knows_says_nothing(agent: str, name: str) -> None:
    assert match(load(agent), screen(agent, name)) is None


@pytest.mark.parametrize(
    ("agent", "name", "command"),
    [
        ("claude", "permission-command", "touch made-by-bash.txt && echo done"),
        (
            "claude",
            "permission-lines",
            'for name in one two three; do\necho "$name" >> names.txt\ndone\n'
            "printf '%s\\n' 'Do you want to proceed?' >> names.txt",
        ),
        ("codex", "permission", "touch /project/escalated.txt"),
    ],
)
def test_a_permission_shows_the_command_and_its_keys(agent: str, name: str, command: str) -> None:
    found = match(load(agent), screen(agent, name))
    assert found is not None
    assert (found.command, found.selected) == (command, 0)
    assert [option.key for option in found.options] == [str(n) for n in range(1, len(found.options) + 1)]
    assert dialogs.pick(found, "y") == 0
    assert found.options[dialogs.pick(found, "n")].label.startswith("No")
    with pytest.raises(NotAnOption) as error:
        dialogs.pick(found, "maybe")
    assert "1 Yes" in error.value.hint


def test_always_means_the_option_that_asks_no_more() -> None:
    for agent, name in (("claude", "permission-command"), ("codex", "permission")):
        found = match(load(agent), screen(agent, name))
        assert found is not None
        assert dialogs.pick(found, "a") == 1


def test_a_command_of_several_lines_is_the_one_that_was_asked_about() -> None:
    """Claude Code draws a bar before each of its lines."""
    command = 'for name in one two three; do\n  echo "$name" >> names.txt\ndone\n'
    command += "printf '%s\\n' 'Do you want to proceed?' >> names.txt"
    asked = Question(id=QuestionId("q"), kind=Kind.PERMISSION, title="t", text="", command=command, asked_at=NOW)
    assert dialogs.shown(load("claude"), asked, screen("claude", "permission-lines")).selected == 0


def test_a_dialog_that_is_quoted_in_a_conversation_does_not_count() -> None:
    quoted = screen("claude", "permission-command").lines
    rest = tuple(f"line {n} of what came after it" for n in range(45))
    under = (*quoted, *rest, "❯ ", "  ? for shortcuts")
    found = match(load("claude"), Screen(lines=under, title="", at=NOW))
    assert found is not None
    assert found.state is State.IDLE


def test_copy_mode_is_never_judged() -> None:
    shown = screen("claude", "permission-command")
    frozen = Screen(lines=shown.lines, title="", at=NOW, in_mode=True)
    assert match(load("claude"), frozen) is None
    assert dialogs.evidence(load("claude"), frozen) is None


def test_an_answer_is_for_the_dialog_that_is_shown() -> None:
    def asked(kind: Kind, command: str | None = None) -> Question:
        return Question(id=QuestionId("q"), kind=kind, title="t", text="", command=command, asked_at=NOW)

    shown = screen("claude", "permission-command")
    rules = load("claude")
    assert dialogs.shown(rules, asked(Kind.PERMISSION, "touch made-by-bash.txt && echo done"), shown).options
    with pytest.raises(QuestionGone, match="another command"):
        dialogs.shown(rules, asked(Kind.PERMISSION, "rm -rf /"), shown)
    with pytest.raises(QuestionGone, match="not on the screen"):
        dialogs.shown(rules, asked(Kind.QUESTION), shown)
    with pytest.raises(QuestionGone):
        dialogs.shown(rules, asked(Kind.PERMISSION), screen("claude", "idle"))


def test_the_cursor_walks_from_where_it_stands() -> None:
    found = match(load("claude"), screen("claude", "trust"))
    assert found is not None
    assert found.selected == 0
    assert dialogs.walk(found, dialogs.pick(found, "y")) == (Keys(("Down", "Enter")),)


def test_a_spinner_costs_no_new_judgement_and_a_dialog_always_does() -> None:
    reader = dialogs.ScreenReader(load("claude"))
    before = tuple(f"text {n}" for n in range(20))

    def at(line: str) -> Screen:
        return Screen(lines=(*before, line), title="", at=NOW)

    first = reader.look(at("✻ Working… (3s · esc to interrupt)"))
    assert first is not None
    assert first.state is State.WORKING
    assert reader.look(at("✳ Working… (4s · esc to interrupt)")) is first
    one = reader.look(screen("claude", "permission-command"))
    two = reader.look(screen("claude", "permission-command"))
    assert one is not None
    assert one is not two
    assert one.state is State.BLOCKED


def _asked(kind: Kind, title: str = "t", *, multiple: bool = False) -> Question:
    return Question(id=QuestionId("q"), kind=kind, title=title, text="", multiple=multiple, asked_at=NOW)


@pytest.mark.parametrize(("agent", "name"), [(Claude(), "permission-command"), (Codex(), "permission")])
def test_a_refusal_in_words_says_them_only_when_the_dialog_is_gone(agent: Agent, name: str) -> None:
    steps = agent.answer(_asked(Kind.PERMISSION), "n", "/use another\nname", screen(agent.name, name))
    assert steps == (Keys(("Escape",)), Say("/use another\nname"))


def test_an_answer_in_words_is_typed_into_the_option_that_takes_them() -> None:
    shown = screen("claude", "question")
    asked = _asked(Kind.QUESTION, "Which color do you prefer?")
    steps = Claude().answer(asked, "", "Green", shown)
    assert steps == (Keys(("3",)), Paste("Green"), Keys(("Enter",)))
    text = "\n".join(shown.lines).replace("❯ 1. ", "  1. ").replace("  3. Type", "❯ 3. Type")
    there = Screen(lines=tuple(text.split("\n")), title="", at=NOW)
    # A digit would be text by now.
    assert Claude().answer(asked, "", "Green", there) == (Paste("Green"), Keys(("Enter",)))
    assert Claude().answer(asked, "1", "", there) == (Keys(("Up", "Up", "Enter")),)
    assert Claude().answer(asked, "1", "", shown) == (Keys(("1",)),)


def test_a_message_to_codex_first_clears_every_line_that_stands_there() -> None:
    clear, paste = Codex().message("two\nlines")
    assert isinstance(clear, Keys)
    assert set(clear.keys) == {"C-u"}
    assert len(clear.keys) > 20
    assert paste == Paste("two\nlines")


def _several(text: str = "") -> Screen:
    shown = screen("claude", "several")
    lines = [text if text and line.endswith("1. [ ] Small") else line for line in shown.lines]
    return Screen(lines=tuple(lines), title="", at=NOW)


def test_several_answers_are_ticked_one_by_one_and_sent_off() -> None:
    asked = _asked(Kind.QUESTION, "Which sizes?", multiple=True)
    send = (Keys(("Right",)), Keys(("Enter",)))
    assert Claude().answer(asked, "1,3", "", _several()) == (Keys(("1",)), Keys(("3",)), *send)
    assert Claude().answer(asked, "Small, huge", "", _several()) == (Keys(("1",)), Keys(("3",)), *send)
    # What somebody ticked before counts: the boxes become those that were chosen.
    assert Claude().answer(asked, "3", "", _several("❯ 1. [✔] Small")) == (Keys(("1",)), Keys(("3",)), *send)
    assert Claude().answer(asked, "1", "", _several("❯ 1. [✔] Small")) == send
    words = (Keys(("2",)), Keys(("Down", "Down", "Down")), Paste("Tiny"), Keys(("Down", "Enter")), Keys(("Enter",)))
    assert Claude().answer(asked, "2", "Tiny", _several()) == words
    for nothing in ("", "5", "4", "9"):
        with pytest.raises(NotAnOption):
            Claude().answer(asked, nothing, "", _several())


def test_of_several_questions_the_next_one_is_shown_and_nothing_sent_off() -> None:
    asked = _asked(Kind.QUESTION, "Which sizes?", multiple=True)
    assert Claude().answer(asked, "2", "", screen("claude", "sizes-of-two")) == (Keys(("2",)), Keys(("Right",)))
    with pytest.raises(QuestionGone, match="something else"):
        Claude().answer(_asked(Kind.QUESTION, "Which colour?"), "1", "", screen("claude", "sizes-of-two"))
    with pytest.raises(QuestionGone, match="something else"):
        Codex().answer(_asked(Kind.QUESTION, "Which colour?"), "1", "", screen("codex", "question-last"))
    review = _asked(Kind.QUESTION, "Submit your answers?")
    assert Claude().answer(review, "1", "", screen("claude", "review")) == (Keys(("1",)),)


def test_what_stands_above_a_dialog_is_not_its_text() -> None:
    seen = dialogs.evidence(load("claude"), screen("claude", "review"))
    assert seen is not None
    assert seen.question is not None
    assert "Review your answers" in seen.question.text
    assert "Please do the next thing" not in seen.question.text


def test_a_limit_ends_at_the_time_that_the_screen_tells() -> None:
    seen = dialogs.evidence(load("claude"), screen("claude", "limit"))
    assert seen is not None
    assert seen.until is not None
    assert (seen.until.astimezone().hour, seen.until.astimezone().minute) == (1, 50)
    assert seen.until > NOW
