"""Questions in one call, requests made at once, limits and sums: what the readers make of several channels together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessions.agents.contract import Reading, Screen
from sessions.models import Evidence, State
from tests.sessions.test_readers import NOW, claude, codex, lines, only, said


def shown(agent: str, name: str) -> Screen:
    text = (Path(__file__).parent / "screens" / agent / f"{name}.txt").read_text()
    return Screen(lines=tuple(text.split("\n")), title="", at=NOW)


def test_several_questions_of_claude_are_told_apart_by_the_screen() -> None:
    options = [{"label": "Red", "description": "warm"}]
    sizes = [{"label": "Small", "description": "take Small"}, {"label": "Large"}, {"label": "Huge"}]
    asked = [
        {"question": "Which colour do you prefer?", "options": options, "multiSelect": False},
        {"question": "Which sizes?", "options": sizes, "multiSelect": True},
    ]
    hook = {"hook_event_name": "PermissionRequest", "tool_name": "AskUserQuestion", "prompt_id": "p"}
    reader = claude()
    assert only(reader.read(lines("hooks", {**hook, "tool_input": {"questions": asked}}))).question is None
    seen = reader.look(shown("claude", "sizes-of-two")).evidence[0].question
    assert seen is not None
    assert (seen.title, seen.multiple, seen.free_text) == ("Which sizes?", True, True)
    assert [option.label for option in seen.options] == ["Small", "Large", "Huge"]
    assert seen.id.endswith(".2")
    review = reader.look(shown("claude", "review")).evidence[0].question
    assert review is not None
    assert review.title == "Submit your answers?"


@pytest.mark.parametrize(
    ("error", "said", "state", "saw"),
    [
        ("authentication_failed", "Please run /login", State.FAILED, "not signed in: Please run /login"),
        ("server_error", "API Error: 500", State.FAILED, "API Error: 500"),
        ("rate_limit", "Request rejected (429)", State.FAILED, "Request rejected (429)"),
        ("rate_limit", "Limit reached · resets 3pm (UTC)", State.RATE_LIMITED, "Limit reached · resets 3pm (UTC)"),
    ],
)
def test_how_a_turn_of_claude_fails(error: str, said: str, state: State, saw: str) -> None:
    payload = {"hook_event_name": "StopFailure", "error": error, "last_assistant_message": said}
    found = only(claude().read(lines("hooks", payload)))
    assert (found.state, found.saw) == (state, saw)
    assert (found.until is not None) == (state is State.RATE_LIMITED)


def test_what_summed_a_conversation_up_is_counted_from_claudes_own_total() -> None:
    reader = claude()
    boundary = {"type": "system", "subtype": "compact_boundary", "timestamp": NOW.isoformat()}
    found = reader.read(lines("transcript", said("m1", 5), boundary)).responses
    assert [(item.id, item.usage.lower_bound) for item in found] == [("m1", False), ("unlogged", True)]
    total = {"inputTokens": 110, "outputTokens": 25, "cacheReadInputTokens": 3, "cacheCreationInputTokens": 2}
    end = {"type": "cost-state", "timestamp": NOW.isoformat(), "modelUsage": {"claude-opus": total}}
    (rest,) = reader.read(lines("transcript", end)).responses
    assert (rest.id, rest.usage.input, rest.usage.output, rest.usage.lower_bound) == ("unlogged", 100, 20, False)
    assert (rest.usage.cache_read, rest.usage.cache_write) == (0, 0)
    assert claude().read(lines("transcript", end)).responses == ()  # nothing was summed up, so all of it is logged


def test_of_requests_made_at_once_the_one_on_the_screen_is_asked() -> None:
    reader = codex()

    def asks(command: str) -> Reading:
        payload = {"hook_event_name": "PermissionRequest", "tool_name": "Bash", "tool_input": {"command": command}}
        return lines("hooks", {**payload, "turn_id": "t"})

    first = only(reader.read(asks("touch /project/escalated.txt"))).question
    reader.read(asks("touch /project/other.txt"))
    found = reader.look(shown("codex", "permission")).evidence
    told = [item.question for item in found if item.channel == "hook"]
    assert first is not None
    assert [question.id for question in told if question is not None] == [first.id]
    again = reader.look(shown("codex", "permission")).evidence
    assert [item for item in again if item.channel == "hook"] == []
    # The screen's own claim is for that request too: what a hook tells of another thing meanwhile changes nothing.
    (seen,) = (item.question for item in again if item.channel == "screen")
    assert seen is not None
    assert (seen.id, seen.text) == (first.id, first.text)
    assert len(seen.options) == 3


def test_questions_and_failures_of_codex() -> None:
    reader = codex()
    options = [{"label": "Small", "description": "take Small"}, {"label": "Large", "description": ""}]
    one, two = (
        {"id": f"q{n}", "question": text, "options": options} for n, text in ((1, "Colour?"), (2, "Which size?"))
    )
    call = {"type": "function_call", "name": "request_user_input", "call_id": "c"}
    arguments = json.dumps({"questions": [one, two]})
    reader.read(lines("rollout", {"type": "response_item", "payload": {**call, "arguments": arguments}}))
    seen = reader.look(shown("codex", "question-last")).evidence[0].question
    assert seen is not None
    assert (seen.id, seen.title, seen.free_text) == ("c.q2", "Which size?", True)
    assert [(option.label, option.detail) for option in seen.options] == [("Small", "take Small"), ("Large", "")]

    def failed(message: str, info: object) -> Evidence:
        error = {"message": message, "codex_error_info": info}
        payload = {"type": "task_complete", "error": error}
        return reader.read(lines("rollout", {"type": "event_msg", "payload": payload})).evidence[-1]

    out = failed("unexpected status 401", {"http_connection_failed": {"http_status_code": 401}})
    assert (out.state, out.saw) == (State.FAILED, "not signed in: unexpected status 401")
    # Codex's own state is a bare "error": the reason is put into it, whichever comes first.
    own = only(reader.read(Reading("pane", Path("/p"), NOW, data=b"\x1b]7501;state=error:app=codex\x07")))
    assert (own.channel, own.state, own.saw) == ("osc7501", State.FAILED, out.saw)
    limit = failed("You've hit your usage limit. Try again at 5:46 AM.", "usage_limit_exceeded")
    assert (limit.channel, limit.state) == ("osc7501", State.RATE_LIMITED)
    assert limit.until is not None


def test_an_interrupted_answer_of_claude_is_a_lower_bound_and_a_whole_one_is_not() -> None:
    at = NOW.isoformat()
    cut = {"type": "user", "timestamp": at, "message": {"content": "[Request interrupted by user]"}}

    def asked(name: str) -> dict[str, object]:
        return {"type": "api-request", "id": name, "timestamp": at}

    def marks(*records: dict[str, object]) -> list[tuple[str, int, bool]]:
        found = claude().read(lines("transcript", *records)).responses
        return [(item.id, item.usage.output, item.usage.lower_bound) for item in found]

    assert marks(asked("r1"), cut) == [("r1", 0, True)]  # before its first word: the log has nothing of it
    assert marks(asked("r1"), said("m1", 1), cut) == [("m1", 1, True)]  # in it: the log has what was told at its start
    assert marks(asked("r1"), said("m1", 50), cut) == [("m1", 50, False)]  # a tool was cut off; the answer was whole
    assert marks(asked("r1"), said("m1", 50), asked("r2"), cut) == [("m1", 50, False), ("r2", 0, True)]
    assert marks(asked("r1"), said("m1", 50), asked("r2"), said("m2", 1), cut, cut)[1] == ("m2", 1, True)
