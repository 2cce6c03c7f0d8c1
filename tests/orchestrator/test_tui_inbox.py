"""Questions: which key gives which answer, and that no key ever answers a question that was not read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.commands import Answer, Prioritise, Refused, Snooze
from orchestrator.inbox.ask import Prioritised, Snoozed
from orchestrator.inbox.order import mark
from orchestrator.inbox.settings import AttentionSettings
from orchestrator.tui.answers import choice_for, letters
from orchestrator.tui.screens.inbox import InboxScreen
from orchestrator.tui.screens.main import MainScreen
from orchestrator.tui.screens.merge import MergeScreen
from orchestrator.tui.screens.session import SessionScreen
from sessions.events import Said
from sessions.models import Kind, Option, Question, QuestionId, State
from tests.orchestrator.sample import NOW, REMOVE, SCHEMA, SampleLink
from tests.orchestrator.screens import NARROW, WIDE, Shown, compare, dashboard


async def opened(shown: Shown) -> None:
    await shown.press("w")
    await shown.until(lambda: isinstance(shown.app.screen, InboxScreen))
    await shown.settled()


def answers(shown: Shown) -> list[Answer]:
    return [call for call in shown.link.calls if isinstance(call, Answer)]


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x36"])
async def test_it_looks_as_drawn(size: tuple[int, int]) -> None:
    async with dashboard(SampleLink(), size) as shown:
        await opened(shown)
        await shown.until(lambda: size == NARROW or "❯ 1. Yes" in shown.text())
        shown.link.now = NOW
        shown.app.screen._show_question()
        await compare(f"inbox-{size[0]}", shown)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x36"])
async def test_what_is_ready_to_merge_looks_as_drawn(size: tuple[int, int]) -> None:
    link = SampleLink()
    row = link.fleet.named("db-migrate")
    assert row is not None
    link.emit("db-migrate", Snoozed(mark=mark(row)))
    link.emit("dark-theme", Prioritised(priority=2))
    link.emit("dark-theme", Said(text="The dark theme is done, with a switch in the settings."))
    async with dashboard(link, size) as shown:
        await opened(shown)
        await shown.press("w")
        await shown.sees("v reviews it")
        shown.link.now = NOW
        shown.app.screen._show_question()
        await shown.sees("412 tok/s")
        await compare(f"inbox-ready-{size[0]}", shown)


@pytest.mark.parametrize(("key", "choice"), [("y", "1"), ("a", "2"), ("n", "3"), ("2", "2")])
async def test_one_key_answers_the_question_that_is_shown(key: str, choice: str) -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        await shown.press(key)
        await shown.until(lambda: answers(shown))
        assert answers(shown) == [
            Answer(session=shown.link.session("login-form"), choice=choice, question=QuestionId("q-remove"))
        ]


async def test_a_key_pressed_too_soon_after_a_question_appeared_answers_nothing() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        another = REMOVE.model_copy(update={"id": QuestionId("q-worse"), "command": "rm -rf /", "title": "rm -rf /"})
        shown.link.status("login-form", State.BLOCKED, another, ago_s=500)
        await shown.sees("rm -rf /")
        await shown.press("y")
        assert answers(shown) == []
        shown.link.now += timedelta(seconds=0.29)
        await shown.press("y")
        assert answers(shown) == []
        shown.link.now += timedelta(seconds=0.02)
        await shown.press("y")
        await shown.until(lambda: answers(shown))
        assert answers(shown)[0].question == "q-worse"


async def test_a_second_press_does_not_answer_twice_and_the_next_question_follows() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        await shown.press("y", "y", "y")
        await shown.until(lambda: answers(shown))
        assert len(answers(shown)) == 1
        assert "answering …" in shown.text()
        shown.link.status("login-form", State.WORKING)
        await shown.sees("codex asks")
        await shown.settled()
        await shown.press("2")
        await shown.until(lambda: len(answers(shown)) == 2)
        assert answers(shown)[1].question == SCHEMA.id


async def test_a_stale_answer_is_refused_said_and_may_be_given_again() -> None:
    link = SampleLink()
    link.answers["answer"] = Refused("that question is gone", "look at the one that is open now")
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("y")
        await shown.until(shown.said)
        assert shown.said() == ["that question is gone\n→ look at the one that is open now"]
        del link.answers["answer"]
        await shown.press("y")
        await shown.until(lambda: len(answers(shown)) == 2)


async def test_a_letter_that_means_nothing_here_is_dim_and_answers_nothing() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        await shown.press("w")
        await shown.sees("codex asks")
        await shown.settled()
        assert not shown.app.screen.active_bindings["y"].enabled
        await shown.press("y")
        await shown.until(shown.said)
        assert answers(shown) == []
        assert "y is no answer to this" in shown.said()[0]
        assert "1 auth · 2 core · 3 a new one" in shown.said()[0]


async def test_words_are_an_answer_of_their_own() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        await shown.press("r")
        await shown.until(lambda: not isinstance(shown.app.screen, InboxScreen))
        await shown.press(*"keep it", "enter")
        await shown.until(lambda: answers(shown))
        assert (answers(shown)[0].text, answers(shown)[0].question) == ("keep it", "q-remove")


def shown_names(shown: Shown) -> list[str]:
    return [row.name for row in shown.app.screen.list.rows]


@pytest.mark.parametrize(("key", "for_s"), [("1", 600), ("2", 3600), ("3", None), ("z", 600)])
async def test_later_asks_for_how_long(key: str, for_s: float | None) -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        await shown.press("z")
        await shown.sees("when something changes")
        await shown.press(key)
        await shown.until(lambda: shown.asked("snooze"))
        assert shown.asked("snooze") == [Snooze(session=shown.link.session("login-form"), for_s=for_s)]


async def test_what_is_put_off_goes_to_the_end_and_comes_back_by_itself_or_when_asked_anew() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        until = shown.link.now + timedelta(minutes=10)
        row = shown.link.fleet.named("login-form")
        shown.link.emit("login-form", Snoozed(mark=mark(row), until=until))
        inbox = shown.app.screen
        await shown.until(lambda: inbox.list.items[0].snoozed)
        await shown.press("R")
        await shown.sees("codex asks")
        assert shown_names(shown)[0] == "db-migrate"
        assert shown_names(shown)[-1] == "login-form"
        await shown.press("G", "z")
        await shown.until(lambda: shown.asked("snooze"))
        assert shown.asked("snooze")[0].off
        await shown.press("g")
        shown.link.now = until
        inbox._tick()
        assert not inbox.list.items[-1].snoozed
        again = REMOVE.model_copy(update={"id": QuestionId("q-again")})
        shown.link.status("login-form", State.BLOCKED, again, ago_s=500)
        await shown.until(lambda: shown_names(shown)[0] == "login-form")
        assert inbox.current().name == "db-migrate"


async def test_the_order_changes_only_where_the_human_lets_it() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        before = shown_names(shown)
        assert before == ["login-form", "db-migrate", "docs-typos", "dark-theme"]
        shown.link.emit("dark-theme", Prioritised(priority=3))
        shown.link.emit("docs-typos", Prioritised(priority=-3))
        await shown.until(lambda: shown.app.fleet.seq == shown.link.fleet.seq)
        await shown.pilot.pause()
        assert shown_names(shown) == before
        shown.link.status("api-retry", State.BLOCKED, SCHEMA.model_copy(update={"id": QuestionId("q-2")}), ago_s=5)
        await shown.until(lambda: shown_names(shown) == [*before[:2], "api-retry", *before[2:]])
        await shown.press("R")
        await shown.until(lambda: shown_names(shown) == [*before[:2], "api-retry", "dark-theme", "docs-typos"])


@pytest.mark.parametrize("advance", [True, False])
async def test_an_answer_leads_to_the_next_or_back_as_the_settings_say(advance: bool) -> None:
    async with dashboard(SampleLink(), attention=AttentionSettings(advance=advance)) as shown:
        await opened(shown)
        await shown.press("y")
        await shown.until(lambda: answers(shown))
        shown.link.status("login-form", State.WORKING)
        if advance:
            await shown.sees("codex asks")
            assert isinstance(shown.app.screen, InboxScreen)
        else:
            await shown.until(lambda: isinstance(shown.app.screen, MainScreen))


async def test_what_blocks_nobody_has_keys_of_its_own() -> None:
    link = SampleLink()
    link.status("docs-typos", State.CRASHED, ago_s=720)
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("w", "w")
        await shown.sees("r starts it again")
        await shown.press("r")
        await shown.until(lambda: shown.asked("resume"))
        assert shown.asked("resume")[0].session == shown.link.session("docs-typos")
        await shown.press("w")
        await shown.sees("v reviews it · m merges it")
        assert "y Yes" not in shown.text()
        await shown.press("m")
        await shown.until(lambda: isinstance(shown.app.screen, MergeScreen))
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, InboxScreen))
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen))
        await shown.press("escape", "plus")
        await shown.until(lambda: shown.asked("prioritise"))
        assert shown.asked("prioritise") == [Prioritise(session=shown.link.session("dark-theme"), priority=1)]


async def test_when_nobody_needs_the_human_the_rest_stays_until_esc_and_nothing_leads_back() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        shown.link.status("login-form", State.WORKING)
        shown.link.status("db-migrate", State.WORKING)
        await shown.until(lambda: "esc leads back" in "".join(shown.said()))
        assert isinstance(shown.app.screen, InboxScreen)
        shown.link.status("docs-typos", State.WORKING)
        shown.link.status("dark-theme", State.WORKING)
        await shown.until(lambda: isinstance(shown.app.screen, MainScreen))
        assert "Nobody needs you" in shown.text()
        await shown.press("w")
        await shown.until(lambda: "Nobody needs you." in shown.said())
        assert isinstance(shown.app.screen, MainScreen)


async def test_a_dialog_that_cannot_be_read_is_never_answered_by_guess() -> None:
    link = SampleLink()
    link.status("login-form", State.BLOCKED, None, ago_s=252)
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("y", "1")
        await shown.until(shown.said)
        assert answers(shown) == []
        assert "o attaches · i types into it" in shown.said()[0]


async def test_a_command_that_goes_on_below_says_so_until_its_end_was_seen() -> None:
    long = REMOVE.model_copy(update={"id": QuestionId("q-long"), "command": "\n".join(f"step {n}" for n in range(30))})
    link = SampleLink()
    link.status("login-form", State.BLOCKED, long, ago_s=252)
    async with dashboard(link, NARROW) as shown:
        await opened(shown)
        await shown.sees("▼ it goes on: space shows more")
        assert "step 29" not in shown.text()
        await shown.press("space", "space")
        await shown.sees("step 29")
        await shown.press("space", "space")
        await shown.until(lambda: "it goes on" not in shown.text())
        await shown.press("j")
        await shown.sees("codex asks")
        await shown.press("k")
        await shown.sees("step 0")


def question(kind: Kind, *labels: str, multiple: bool = False) -> Question:
    options = tuple(Option(key=str(n), label=label) for n, label in enumerate(labels, 1))
    return Question(id=QuestionId("q"), kind=kind, title="", text="", options=options, multiple=multiple, asked_at=NOW)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (question(Kind.PERMISSION, "Yes", "No"), {"1": "y", "2": "n"}),
        (
            question(Kind.PERMISSION, "Yes", "Yes, allow all edits during this session", "No, tell it (esc)"),
            {"1": "y", "2": "a", "3": "n"},
        ),
        (
            question(Kind.PERMISSION, "Yes, proceed", "Yes, and don't ask again for this command", "No"),
            {"1": "y", "2": "a", "3": "n"},
        ),
        (question(Kind.DIALOG, "Trust this folder", "No, exit"), {"1": "y", "2": "n"}),
        (question(Kind.PERMISSION, "Always allow", "Deny"), {"1": "a", "2": "n"}),
        (question(Kind.QUESTION, "Notify the user", "Yes and no"), {}),
        (question(Kind.QUESTION, "Yes", "No"), {"1": "y", "2": "n"}),
        (question(Kind.QUESTION, "Yes", "No", multiple=True), {}),
        (question(Kind.PERMISSION), {}),
    ],
)
def test_letters_stand_beside_the_options_that_they_choose(asked: Question, expected: dict[str, str]) -> None:
    assert letters(asked) == expected
    for option, letter in expected.items():
        assert choice_for(asked, letter) == option


def test_an_options_own_key_wins_over_the_meaning_of_a_letter() -> None:
    asked = question(Kind.PERMISSION).model_copy(
        update={"options": (Option(key="n", label="Never mind, go on"), Option(key="d", label="No"))}
    )
    assert choice_for(asked, "n") == "n"


def test_a_permission_without_readable_options_takes_yes_and_no_as_they_are() -> None:
    assert [choice_for(question(Kind.PERMISSION), key) for key in "yna1"] == ["y", "n", None, None]
    assert choice_for(question(Kind.QUESTION), "y") is None


@pytest.mark.parametrize(("way", "key"), [("T", "w"), ("v", "W"), ("enter", "w")])
async def test_the_next_key_walks_from_other_screens_and_esc_leads_back_there(way: str, key: str) -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press(way)
        await shown.until(lambda: not isinstance(shown.app.screen, MainScreen))
        there = shown.app.screen
        await shown.press(key)
        await shown.until(lambda: isinstance(shown.app.screen, InboxScreen))
        assert shown.app.screen.current().name == "login-form"
        await shown.press(key)
        assert shown.app.screen.current().name == "db-migrate"
        await shown.press("escape")
        await shown.until(lambda: shown.app.screen is there)
