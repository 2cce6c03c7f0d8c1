"""Questions of several sessions answered at once, several answers to one question, and how bad a yes can be."""

from __future__ import annotations

import pytest

from orchestrator.commands import Answer, Command, Refused
from orchestrator.inbox.ask import Snoozed
from orchestrator.inbox.order import mark
from orchestrator.tui.answers import SETTLE, said, several, toggled
from orchestrator.tui.screens.inbox import InboxScreen
from orchestrator.tui.screens.later import LaterScreen
from orchestrator.tui.screens.together import Together
from sessions.events import Said
from sessions.models import QuestionId, State
from sessions.risk import WORDS, Risk
from tests.orchestrator.questions import CHECKS, ask_more
from tests.orchestrator.sample import REMOVE, SampleLink
from tests.orchestrator.screens import NARROW, WIDE, Shown, compare, dashboard

SAME = ("login-form", "api-retry", "cache-ttl")


def asking_link() -> SampleLink:
    link = SampleLink()
    ask_more(link)
    return link


async def opened(shown: Shown) -> None:
    await shown.press("w")
    await shown.until(lambda: isinstance(shown.app.screen, InboxScreen))
    await shown.settled()


async def asked_together(shown: Shown, key: str = "y") -> None:
    await opened(shown)
    await shown.press(key)
    await shown.until(lambda: isinstance(shown.app.screen, Together))


def answers(shown: Shown) -> list[tuple[str, str, str]]:
    """Session, answer and question of each, as they were given."""
    names = {row.id: row.name for row in shown.link.fleet}
    given = [call for call in shown.link.calls if isinstance(call, Answer)]
    return [(names[call.session], call.choice or call.text, call.question or "") for call in given]


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x36"])
async def test_several_that_ask_the_same_look_as_drawn(size: tuple[int, int]) -> None:
    async with dashboard(asking_link(), size) as shown:
        now = shown.link.now
        await opened(shown)
        await shown.until(lambda: size == NARROW or "❯ 1. Yes" in shown.text())
        shown.link.now = now
        shown.app.screen._show_question()
        await compare(f"inbox-same-{size[0]}", shown)
        shown.app.screen._since -= 2 * SETTLE
        await shown.press("y")
        await shown.until(lambda: isinstance(shown.app.screen, Together))
        await compare(f"inbox-together-{size[0]}", shown)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x36"])
async def test_several_answers_look_as_drawn(size: tuple[int, int]) -> None:
    async with dashboard(asking_link(), size) as shown:
        now = shown.link.now
        await opened(shown)
        shown.app.screen.list.cursor = 2
        await shown.sees("digits mark")
        await shown.settled()
        await shown.press("1", "3")
        await shown.sees("answers 1,3")
        shown.link.now = now
        shown.app.screen._show_question()
        await compare(f"inbox-several-{size[0]}", shown)


async def test_an_answer_to_several_names_them_and_waits_for_one_more_enter() -> None:
    async with dashboard(asking_link()) as shown:
        await asked_together(shown)
        assert "answers login-form, api-retry and cache-ttl" in shown.text()
        assert "with 1 Yes" in shown.text()
        assert answers(shown) == []
        await shown.settled()
        await shown.press("enter")
        await shown.until(lambda: len(answers(shown)) == 3)
        assert answers(shown) == [
            ("login-form", "1", "q-remove"),
            ("api-retry", "1", "q-api-retry"),
            ("cache-ttl", "1", "q-cache-ttl"),
        ]
        await shown.until(shown.said)
        assert shown.said() == ["answered login-form, api-retry and cache-ttl"]


async def test_an_enter_as_the_list_opens_answers_nobody() -> None:
    async with dashboard(asking_link()) as shown:
        await asked_together(shown)
        await shown.press("enter")
        assert isinstance(shown.app.screen, Together)
        assert answers(shown) == []
        await shown.settled()
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, InboxScreen))
        assert answers(shown) == []


async def test_only_the_first_of_several_can_be_answered() -> None:
    async with dashboard(asking_link()) as shown:
        await asked_together(shown)
        await shown.settled()
        await shown.press("f")
        await shown.until(lambda: answers(shown))
        assert answers(shown) == [("login-form", "1", "q-remove")]


class OneIsGone(SampleLink):
    """Refuses the answer of one session."""

    async def call(self, command: Command) -> object:
        said = await super().call(command)
        if isinstance(command, Answer) and command.session == self.session("api-retry"):
            raise Refused("it asks something else by now", "look at it again")
        return said


async def test_one_that_does_not_take_it_is_named_and_the_others_are_done() -> None:
    link = OneIsGone()
    ask_more(link)
    async with dashboard(link) as shown:
        await asked_together(shown)
        await shown.settled()
        await shown.press("enter")
        await shown.until(lambda: len(shown.said()) == 2)
        assert shown.said() == [
            "answered login-form and cache-ttl",
            "api-retry was not answered: it asks something else by now\n→ look at it again",
        ]
        link.status("login-form", State.WORKING)
        link.status("cache-ttl", State.WORKING)
        await shown.until(lambda: [len(group) for group in shown.app.screen.list.groups] == [1] * 5)
        await shown.settled()
        await shown.press("y")
        await shown.until(lambda: len(answers(shown)) == 4)
        assert answers(shown)[3][0] == "api-retry"


async def test_the_same_dialog_again_can_be_answered_again() -> None:
    """An id made of what a screen shows is the same when the dialog comes back."""
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        await shown.press("y")
        await shown.until(lambda: answers(shown))
        shown.link.status("login-form", State.WORKING)
        await shown.sees("codex asks")
        shown.link.status("login-form", State.BLOCKED, REMOVE, 500)
        await shown.until(lambda: len(shown.app.screen.list.groups) == 4)
        await shown.press("g")
        await shown.sees("rm -rf build/")
        await shown.settled()
        await shown.press("n")
        await shown.until(lambda: len(answers(shown)) == 2)
        assert answers(shown)[1] == ("login-form", "3", "q-remove")


async def test_more_sessions_than_fit_are_all_listed() -> None:
    link = SampleLink()
    names = ["login-form"]
    for row in list(link.fleet)[1:]:
        if not row.paused:
            asked = REMOVE.model_copy(update={"id": QuestionId(f"q-{row.name}")})
            link.status(row.name, State.BLOCKED, asked, 100)
            names.append(row.name)
    async with dashboard(link, NARROW) as shown:
        await asked_together(shown)
        assert "csv-export" in shown.text()
        await shown.press("G")
        await shown.sees(f"{max(names)}  in ")
        assert "enter answers all" in shown.text()
        await shown.settled()
        await shown.press("enter")
        await shown.until(lambda: len(answers(shown)) == len(names))
        assert {name for name, _, _ in answers(shown)} == set(names)


async def test_words_for_several_are_shown_before_they_are_sent() -> None:
    async with dashboard(asking_link()) as shown:
        await opened(shown)
        await shown.press("r")
        await shown.until(lambda: not isinstance(shown.app.screen, InboxScreen))
        await shown.press(*"keep", "enter")
        await shown.until(lambda: isinstance(shown.app.screen, Together))
        assert "with keep" in shown.text()
        await shown.settled()
        await shown.press("enter")
        await shown.until(lambda: len(answers(shown)) == 3)
        assert {answer for _, answer, _ in answers(shown)} == {"keep"}


async def test_another_risk_or_another_option_is_another_question() -> None:
    link = SampleLink()
    link.status("api-retry", State.BLOCKED, REMOVE.model_copy(update={"risk": Risk.UNKNOWN}), 90)
    link.status("cache-ttl", State.BLOCKED, REMOVE.model_copy(update={"options": REMOVE.options[:2]}), 80)
    link.status("flaky-test", State.BLOCKED, REMOVE.model_copy(update={"command": "rm -rf dist/"}), 70)
    link.status("csv-export", State.BLOCKED, REMOVE.model_copy(update={"text": "Another reason."}), 60)
    async with dashboard(link) as shown:
        await opened(shown)
        groups = [[row.name for row in group] for group in shown.app.screen.list.groups]
        asked = groups[:-2]  # then what blocks nobody
        assert asked == [["login-form", "csv-export"], ["cache-ttl"], ["flaky-test"], ["api-retry"], ["db-migrate"]]


async def test_later_puts_all_that_ask_the_same_behind_the_others() -> None:
    async with dashboard(asking_link()) as shown:
        await opened(shown)
        await shown.press("z")
        await shown.until(lambda: isinstance(shown.app.screen, LaterScreen))
        await shown.press("3")
        await shown.until(lambda: len(shown.asked("snooze")) == 3)
        assert {call.session for call in shown.asked("snooze")} == {shown.link.session(name) for name in SAME}
        for name in SAME:
            shown.link.emit(name, Snoozed(mark=mark(shown.link.fleet.named(name))))
        await shown.until(lambda: shown.app.screen.list.items[0].snoozed)
        await shown.press("R")
        await shown.until(lambda: shown.app.screen.current().name == "db-migrate")
        assert [row.name for row in shown.app.screen.list.groups[-1]] == list(SAME)


async def test_digits_mark_and_unmark_and_enter_sends_what_is_marked() -> None:
    link = SampleLink()
    link.status("login-form", State.BLOCKED, CHECKS, 252)
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("enter")
        await shown.until(shown.said)
        assert shown.said() == ["Nothing is marked\n→ 1-9 mark what you choose"]
        await shown.press("3", "2", "1", "2")
        await shown.sees("[x] types")
        assert "[ ] style" in shown.text()
        assert "[x] tests" in shown.text()
        assert answers(shown) == []
        await shown.press("enter", "enter")
        await shown.until(lambda: answers(shown))
        assert answers(shown) == [("login-form", "1,3", "q-checks")]


async def test_marks_do_not_go_over_to_the_next_question() -> None:
    link = SampleLink()
    link.status("login-form", State.BLOCKED, CHECKS, 252)
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("1")
        await shown.sees("[x] types")
        link.status("login-form", State.BLOCKED, CHECKS.model_copy(update={"id": QuestionId("q-again")}), 252)
        await shown.sees("[ ] types")
        await shown.press("1")
        assert "[x]" not in shown.text()  # too soon: it was meant for the question before


async def test_a_question_of_several_answers_takes_words_too() -> None:
    link = SampleLink()
    link.status("login-form", State.BLOCKED, CHECKS, 252)
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("r")
        await shown.until(lambda: not isinstance(shown.app.screen, InboxScreen))
        await shown.press(*"all", "enter")
        await shown.until(lambda: answers(shown))
        assert answers(shown) == [("login-form", "all", "q-checks")]


async def test_enter_is_no_key_where_nothing_can_be_marked() -> None:
    async with dashboard(SampleLink()) as shown:
        await opened(shown)
        assert "enter" not in shown.app.screen.active_bindings
        await shown.press("enter")
        assert answers(shown) == []
        assert shown.said() == []


@pytest.mark.parametrize("risk", list(Risk))
async def test_a_risk_is_told_in_words(risk: Risk) -> None:
    link = SampleLink()
    asked = REMOVE.model_copy(update={"risk": risk, "risk_because": "what decided"})
    link.status("login-form", State.BLOCKED, asked, 252)
    async with dashboard(link, NARROW) as shown:
        await opened(shown)
        glyph = {"reads": "○", "writes_inside": "○", "unknown": "?"}.get(risk, "▲")
        assert f"risk  {glyph} {WORDS[risk]} — what decided" in shown.text()


async def test_a_path_is_shown_whole_and_so_are_the_agents_last_words() -> None:
    path = "/home/dev/.worktrees/shop/login-form/" + "very/" * 20 + "deep.py"
    link = SampleLink()
    link.emit("login-form", Said(text="I will mend the login form now."))
    asked = REMOVE.model_copy(update={"command": None, "path": path, "title": "Write: deep.py", "text": "+ one line"})
    link.status("login-form", State.BLOCKED, asked, 252)
    async with dashboard(link) as shown:
        await opened(shown)
        await shown.press("space")
        await shown.sees("I will mend the login form now.")
        assert "+ one line" in shown.text()
        drawn = "".join("".join(line.split("││")[-1].strip(" │▁▂▃▄▅▆▇█")) for line in shown.lines())
        assert path in drawn


def test_marks_are_sent_in_the_order_of_the_options() -> None:
    marks: frozenset[str] = frozenset()
    for key in ("3", "1", "y", "9", "2", "2"):
        marks = toggled(CHECKS, marks, key)
    assert several(CHECKS, marks) == "1,3"
    assert said(CHECKS, "1,3") == "1 types, 3 tests"
    assert said(REMOVE, "1") == "1 Yes"
    assert said(REMOVE, "", "in words") == "in words"
