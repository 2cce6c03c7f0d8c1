"""aider: what its files and its pane's bytes tell, and the states that come of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sessions.agents.aider import Aider
from sessions.agents.aider_chat import Chat, Outcome
from sessions.agents.aider_reader import CHAT, TURNS
from sessions.agents.contract import Findings, Reading
from sessions.events import SessionEvent, StatusChanged
from sessions.models import Evidence, Role, Source, State
from sessions.perception import Perception
from tests.sessions.aider_material import (
    ASKED,
    NOW,
    PROMPT_ROWS,
    RULE,
    STARTS,
    WAITS,
    chat,
    claims,
    pane,
    reader,
    screen,
    turns,
)


def test_a_turn_in_the_log() -> None:
    it = reader(model="openai/mock")
    assert claims(it.read(turns({"event": "launched", "properties": {}}))) == {"turn": State.STARTING}
    assert claims(it.read(turns(STARTS))) == {"turn": State.WORKING}
    about = {"main_model": "openai/REDACTED", "prompt_tokens": 2540, "completion_tokens": 12, "cost": 0}
    found = it.read(turns({"event": "message_send", "properties": about}, at=NOW + timedelta(seconds=2)))
    (response,) = found.responses
    assert (response.model, response.usage.input, response.usage.output) == ("openai/mock", 2540, 12)
    assert response.usage.lower_bound
    assert (response.started_at, response.ended_at) == (NOW, NOW + timedelta(seconds=2))
    assert response.cost_usd is None
    assert claims(it.read(turns(WAITS))) == {"turn": None}


def test_responses_are_the_same_when_the_log_is_read_again() -> None:
    sent = {"event": "message_send", "properties": {"main_model": "m", "prompt_tokens": 1, "cost": 0.25}}
    live, again = reader(), reader()
    one, other = (live.read(turns(sent)).responses[0] for _ in range(2))
    both = again.read(turns(sent, sent, replay=True)).responses
    assert [one.id, other.id] == [response.id for response in both]
    assert one.id != other.id
    assert one.cost_usd == 0.25


def test_what_was_there_before_is_timed_by_the_log() -> None:
    (evidence,) = reader().read(turns(STARTS, replay=True)).evidence
    assert evidence.at == datetime.fromtimestamp(1795569000, UTC)


def test_a_line_that_is_none_says_nothing() -> None:
    reading = Reading("turns", Path("/s") / TURNS, NOW, lines=(b"{", b"[]", b'{"event": "new"}'))
    assert reader().read(reading) == Findings()


@pytest.mark.parametrize(
    ("chunks", "states"),
    [
        ([b"text\x1b[?2004htext"], [None]),
        ([b"\x1b[?2004l\r\nRunning"], [State.WORKING]),
        ([b"\x1b[?20", b"04l"], [State.WORKING]),
        ([b"\x1b[?2004l\x1b[6n\x1b[?2004h"], [State.WORKING, None]),
        ([b"\x1b[?2004h", b"", b"more"], [None]),
        ([b"\x1b[?25h"], []),
    ],
)
def test_the_pane_tells_when_it_waits(chunks: list[bytes], states: list[State | None]) -> None:
    it = reader()
    found = [item for chunk in chunks for item in it.read(pane(chunk)).evidence if item.channel == "terminal"]
    assert [item.state for item in found] == states
    assert {item.source for item in found} <= {Source.TITLE}


def test_an_answer_is_said_whole_whatever_its_markdown() -> None:
    it = reader()
    found = it.read(
        chat(
            "",
            "# aider chat started at 2026-11-25 00:41:03",
            "> Aider v0.86.2  ",
            "> Model: openai/mock with diff edit format  ",
            "#### Please.  ",
            "#### And do it well.  ",
            "",
            "# A heading",
            "#### A smaller one",
            "> a quotation",
            "",
            "Shall I go on?",
            "",
            "> Tokens: 2.5k sent, 12 received.  ",
        )
    )
    assert found.said == "# A heading\n#### A smaller one\n> a quotation\n\nShall I go on?"
    assert found.asks
    assert found.version == "0.86.2"
    assert found.transcript == Path("/s") / CHAT


@pytest.mark.parametrize(
    ("notes", "outcome"),
    [
        (["Tokens: 2.5k sent, 12 received."], Outcome(State.DONE, "the model answered")),
        (["^C again to exit"], Outcome(State.IDLE, "interrupted")),
        (
            ["litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided."],
            Outcome(
                State.FAILED,
                "not signed in: litellm.AuthenticationError: AuthenticationError: OpenAIException - "
                "Incorrect API key provided.",
            ),
        ),
        (
            ["litellm.BadRequestError: OpenAIException - scripted"],
            Outcome(State.FAILED, "litellm.BadRequestError: OpenAIException - scripted"),
        ),
        (["litellm.InternalServerError: down", "Retrying in 0.2 seconds..."], None),
        (
            ["litellm.Timeout: a", "Retrying in 32.0 seconds...", "litellm.Timeout: b"],
            Outcome(State.FAILED, "litellm.Timeout: b"),
        ),
        (
            ["litellm.RateLimitError: Limit reached. Please try again in 1h2m3.5s."],
            Outcome(
                State.RATE_LIMITED,
                "litellm.RateLimitError: Limit reached. Please try again in 1h2m3.5s.",
                NOW + timedelta(hours=1, minutes=2, seconds=3.5),
            ),
        ),
        (
            ["litellm.RateLimitError: Limit reached. Please try again in 20s."],
            Outcome(
                State.RATE_LIMITED,
                "litellm.RateLimitError: Limit reached. Please try again in 20s.",
                NOW + timedelta(seconds=20),
            ),
        ),
        (
            ["litellm.RateLimitError: Limit reached. Please try again in 17ms."],
            Outcome(State.FAILED, "litellm.RateLimitError: Limit reached. Please try again in 17ms."),
        ),
        (
            ["litellm.RateLimitError: Limit reached. Please try again in a while."],
            Outcome(State.FAILED, "litellm.RateLimitError: Limit reached. Please try again in a while."),
        ),
        (["Model openai/x has hit a token limit!"], Outcome(State.FAILED, "Model openai/x has hit a token limit!")),
        (
            ["Only 3 reflections allowed, stopping."],
            Outcome(State.FAILED, "Only 3 reflections allowed, stopping."),
        ),
        (["Tokens: 1 sent, 1 received.", ASKED + " n"], Outcome(State.IDLE, "declined")),
        (["Tokens: 1 sent, 1 received.", ASKED + " d"], Outcome(State.IDLE, "declined")),
        (["Tokens: 1 sent, 1 received.", ASKED + " y"], Outcome(State.DONE, "allowed")),
        (
            ["Tokens: 1 sent, 1 received.", "Add command output to the chat? (Y)es/(N)o/(D)on't ask again [Yes]: n"],
            Outcome(State.DONE, "the model answered"),
        ),
        ([], None),
    ],
)
def test_how_a_turn_ended(notes: list[str], outcome: Outcome | None) -> None:
    it = Chat()
    for line in ("> litellm.APIError: of the turn before  ", "#### Please.  ", *(f"> {note}  " for note in notes)):
        it.feed(line, NOW)
    assert it.outcome == outcome


def test_what_an_earlier_launch_left_is_over() -> None:
    it = Chat()
    for line in ("> litellm.APIError: gone  ", "# aider chat started at 2026-11-25 00:41:03"):
        it.feed(line, NOW)
    assert it.outcome is None


def test_a_transcript_for_reading(tmp_path: Path) -> None:
    path = tmp_path / CHAT
    path.write_text(
        "\n# aider chat started at 2026-11-25 00:41:03\n\n> Aider v0.86.2  \n\n#### Please.  \n#### Well.  \n"
        "\nRun this:\n\n```bash\ntouch a\n```\n\n> Tokens: 1 sent, 1 received.  \n"
    )
    entries = Aider().transcript(path)
    assert [(entry.role, entry.text) for entry in entries] == [
        (Role.NOTE, "aider was started"),
        (Role.NOTE, "Aider v0.86.2"),
        (Role.USER, "Please.\nWell."),
        (Role.AGENT, "Run this:\n\n```bash\ntouch a\n```"),
        (Role.NOTE, "Tokens: 1 sent, 1 received."),
    ]
    assert entries[0].at is not None


class Story:
    """Readings and screens through the engine, a second apart; the states that it went through."""

    def __init__(self) -> None:
        self.perception = Perception(reader(), since=NOW)
        self.at = NOW
        self.states: list[State] = []

    def then(self, *things: Reading | tuple[str, ...]) -> None:
        self.at += timedelta(seconds=1)
        for thing in things:
            if isinstance(thing, Reading):
                moved = Reading(thing.feed, thing.path, self.at, thing.lines, thing.data)
                self._note(self.perception.read(moved))
            else:
                self._note(self.perception.look(screen(*thing, at=self.at)))

    def _note(self, events: list[SessionEvent]) -> None:
        self.states += [event.status.state for event in events if isinstance(event, StatusChanged)]

    @property
    def why(self) -> Evidence:
        assert self.perception.status is not None
        return self.perception.status.why[0]


ON, OFF = pane(b"\x1b[?2004h"), pane(b"\x1b[?2004l")
ANSWERED = chat("I suggest a command.", "> Tokens: 1 sent, 1 received.  ")


def test_a_start_is_told_until_the_prompt_stands_there() -> None:
    it = Story()
    it.then(turns({"event": "launched"}), (RULE,))
    it.perception.printing(True, it.at)
    it.perception.printing(False, it.at + timedelta(seconds=3))  # it loads for seconds without a word
    assert not it.perception.at_prompt
    it.then(ON, PROMPT_ROWS)
    assert it.states == [State.STARTING, State.IDLE]
    assert it.perception.at_prompt


def test_a_dialog_at_the_start_is_no_prompt() -> None:
    it = Story()
    it.then(
        turns({"event": "launched"}), ON, ("", "https://x", "Open documentation url for more info? (Y)es/(N)o [Yes]:")
    )
    assert it.states == [State.STARTING, State.BLOCKED]
    assert not it.perception.at_prompt
    it.then(OFF, ("Aider v0.86.2",))
    it.then(ON, PROMPT_ROWS)
    assert it.perception.at_prompt


def test_a_long_and_silent_command_is_work() -> None:
    """The answer came, the question is answered, and aider's only notification was the question's."""
    it = Story()
    it.then(ON, PROMPT_ROWS)
    it.then(OFF, chat("#### Please.  "), turns(STARTS), ("  ░█  Waiting for openai/mock",))
    it.then(ANSWERED, turns(WAITS), ON, ("", "sleep 60", ASKED))
    it.then(
        OFF, chat(f"> {ASKED} y  ", "> Running sleep 60  "), ("", "sleep 60", ASKED + " y", "", "Running sleep 60", "")
    )
    for _ in range(5):
        it.then(("", "sleep 60", ASKED + " y", "", "Running sleep 60", ""))
    assert it.states == [State.STARTING, State.IDLE, State.WORKING, State.BLOCKED, State.WORKING]
    it.then(ON, ("Running sleep 60", *PROMPT_ROWS))
    assert it.states[-1] is State.DONE


def test_a_command_that_was_declined_leaves_it_idle() -> None:
    it = Story()
    it.then(OFF, chat("#### Please.  "), turns(STARTS))
    it.then(ANSWERED, turns(WAITS), ON, ("", "touch a", ASKED))
    it.then(OFF, chat(f"> {ASKED} n  "))
    it.then(ON, (ASKED + " n", *PROMPT_ROWS))
    assert it.states[-1] is State.IDLE
    assert it.why.saw == "declined"


def test_a_reason_that_is_read_after_the_prompt_is_seen_counts() -> None:
    it = Story()
    it.then(OFF, chat("#### Please.  "), turns(STARTS))
    it.then(turns(WAITS), ON, PROMPT_ROWS, chat("> litellm.AuthenticationError: bad key  "))
    assert it.states[-1] is State.FAILED
    assert it.why.saw == "not signed in: litellm.AuthenticationError: bad key"
    it.then(OFF, chat("#### Again.  "), turns(STARTS))
    assert it.states[-1] is State.WORKING


def test_an_input_that_was_taken_ends_the_rest() -> None:
    it = reader()
    it.read(chat("> Tokens: 1 sent, 1 received.  "))
    assert claims(it.look(screen(*PROMPT_ROWS)))["chat"] is State.DONE
    assert claims(it.read(pane(b"\x1b[?2004l"))) == {"terminal": State.WORKING, "chat": None}
    assert "chat" not in claims(it.read(chat("> ^C again to exit  ")))


def test_trying_again_is_told_while_the_turn_runs() -> None:
    it = Story()
    it.then(OFF, chat("#### Please.  "), turns(STARTS), ("  ░█  Waiting for openai/mock",))
    error = "litellm.InternalServerError: down"
    it.then(chat(f"> {error}  ", "> Retrying in 0.2 seconds...  "), (error, "Retrying in 0.2 seconds...", ""))
    it.then((error, "Retrying in 0.2 seconds...", "All", "of", "it", "is"))
    assert it.states == [State.WORKING, State.RETRYING, State.WORKING]


def test_an_exception_in_aider_itself_fails_the_turn() -> None:
    it = Story()
    it.then(OFF, chat("#### Please.  "), turns(STARTS))
    broken = {"event": "message_send_exception", "properties": {"exception": "no such codec"}}
    it.then(turns(broken, WAITS), ON, ("no such codec", *PROMPT_ROWS))
    assert (it.states[-1], it.why.saw) == (State.FAILED, "no such codec")


def test_a_question_that_the_chat_history_has_is_not_only_seen() -> None:
    """What only the screen shows may be cut, so its risk is not told."""
    it = Story()
    it.then(OFF, chat("#### Please.  "), turns(STARTS))
    it.then(ANSWERED, chat("> ls -la  "), turns(WAITS), ON, ("", "ls -la", ASKED))
    assert it.why.source is Source.TRANSCRIPT
    assert it.why.question is not None
    assert it.why.question.risk is not None
    assert it.why.question.risk.value == "reads"
    it.then(OFF)
    assert it.states[-1] is State.WORKING
    it.then(ON, ("", "a.py", "Add command output to the chat? (Y)es/(N)o/(D)on't ask again [Yes]:"))
    assert it.why.source is Source.SCREEN


@pytest.mark.parametrize(
    ("replay", "state", "until"),
    [(False, State.RATE_LIMITED, NOW + timedelta(seconds=20)), (True, State.FAILED, None)],
)
def test_the_end_of_a_limit_is_told_when_its_beginning_is_known(
    replay: bool, state: State, until: datetime | None
) -> None:
    line = b"> litellm.RateLimitError: Limit reached. Please try again in 20s.  "
    it = reader()
    it.read(Reading("chat", Path("/s") / CHAT, NOW, lines=(line,), replay=replay))
    found = next(item for item in it.look(screen(*PROMPT_ROWS)).evidence if item.channel == "chat")
    assert (found.state, found.until) == (state, until)
