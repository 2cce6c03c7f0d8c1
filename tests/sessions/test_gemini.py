"""Gemini CLI: how it is launched, what its chat file, title and screens tell, how its questions are answered."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.agents.contract import Findings, Keys, Paste, Place, Reading, Say, Screen, Step
from sessions.agents.gemini import Gemini
from sessions.agents.gemini_reader import GeminiReader
from sessions.errors import AgentMissing, NotAnOption, QuestionGone
from sessions.models import Evidence, Kind, Question, Role, Spec, State
from sessions.perception import Perception

SCREENS = Path(__file__).parent / "screens" / "gemini"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SESSION = "655f7b09-702d-4839-82e5-cc4b3540572b"
CHAT = Path(f"/h/.gemini/tmp/task/chats/session-2026-11-25T12-00-{SESSION[:8]}.jsonl")
READY, WORKING, ASKING = "◇  Ready (task)", "✦  Working… (task)", "✋  Action Required (task)"
TOKENS = {"input": 1160, "output": 17, "cached": 223, "thoughts": 5, "tool": 2, "total": 1184}


def _spec(**fields: Any) -> Spec:
    return Spec.model_validate({"agent": "gemini", "name": "x", "agent_session_id": SESSION, **fields})


def _reader(**fields: Any) -> GeminiReader:
    return GeminiReader(_spec(**fields), Place(Path("/s"), Path("/w"), {"HOME": "/h"}))


def _screen(name: str, title: str = "", *, seconds: float = 0.0) -> Screen:
    lines = (SCREENS / f"{name}.txt").read_text().split("\n")
    return Screen(lines=tuple(lines), title=title, at=NOW + timedelta(seconds=seconds), width=120, height=40)


def _chat(*records: dict[str, Any], feed: str = "chat", at: float = 0.0) -> Reading:
    return Reading(
        feed, CHAT, NOW + timedelta(seconds=at), lines=tuple(json.dumps(record).encode() for record in records)
    )


def _record(kind: str, content: Any, seconds: float = 0.0, **more: Any) -> dict[str, Any]:
    at = (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return {"id": f"{kind}-{seconds}", "timestamp": at, "type": kind, "content": content, **more}


def _said(*parts: str, at: float = 0.0) -> dict[str, Any]:
    return _record("user", [{"text": part} for part in parts], at)


def _answered(text: str, at: float, **more: Any) -> dict[str, Any]:
    return _record("gemini", text, at, tokens=TOKENS, model="gemini-2.5-pro", **more)


def _claim(findings: Findings, channel: str) -> Evidence:
    (found,) = [item for item in findings.evidence if item.channel == channel]
    return found


@pytest.mark.parametrize(
    ("name", "title", "kind", "options"),
    [
        ("trust", READY, Kind.DIALOG, ("Trust folder", "Trust parent folder", "Don't trust")),
        ("permission", ASKING, Kind.PERMISSION, ("Allow once", "Allow for this session", "No, suggest changes (esc)")),
        (
            "edit",
            ASKING,
            Kind.PERMISSION,
            ("Allow once", "Allow for this session", "Modify with external editor", "No, suggest changes (esc)"),
        ),
        ("question", ASKING, Kind.QUESTION, ("Red", "Blue", "Green")),
        ("several", ASKING, Kind.QUESTION, ("Red", "Blue", "Green")),
        ("plan", ASKING, Kind.PLAN, ("Yes, automatically", "Yes, manually", "Type your feedback...")),
        ("limit", WORKING, Kind.DIALOG, ("Keep trying", "Stop")),
    ],
)
def test_a_dialog_blocks_whatever_the_title_says(name: str, title: str, kind: Kind, options: tuple[str, ...]) -> None:
    perception = Perception(_reader(), task=True)
    perception.look(_screen(name, title))
    status = perception.status
    assert status is not None
    assert (status.state, status.kind) == (State.BLOCKED, kind)
    assert status.question is not None
    labels = [option.label for option in status.question.options]
    assert len(labels) == len(options)
    assert all(label.startswith(beginning) for label, beginning in zip(labels, options, strict=True))
    assert status.question.multiple is (name == "several")


@pytest.mark.parametrize(
    ("name", "title", "state"),
    [
        ("working", WORKING, State.WORKING),
        ("working", "Gemini CLI (task)", State.WORKING),  # the user wants no state in the title
        ("idle", READY, State.IDLE),
        ("idle", "Gemini CLI (task)", State.IDLE),
        ("cancelled", READY, State.IDLE),
        ("failed", READY, State.FAILED),
    ],
)
def test_what_a_screen_says_under_a_title(name: str, title: str, state: State) -> None:
    perception = Perception(_reader())
    perception.look(_screen(name, title))
    assert perception.status is not None
    assert perception.status.state is state


def test_a_dialog_that_no_rule_knows_blocks_once_it_must_be_drawn() -> None:
    perception = Perception(_reader())
    states = []
    for seconds, title in ((0, WORKING), (1, ASKING), (1.1, ASKING), (1.3, ASKING), (2, WORKING), (3, ASKING)):
        perception.look(_screen("working", title, seconds=seconds))
        assert perception.status is not None
        states.append(perception.status.state)
    at_work, blocked = State.WORKING, State.BLOCKED
    assert states == [at_work, at_work, at_work, blocked, at_work, at_work]


def test_it_starts_until_it_opens_the_chat_file_though_it_shows_its_prompt() -> None:
    began = NOW.isoformat()
    perception = Perception(_reader(started_at=NOW))
    perception.printing(True, NOW)

    def state(name: str, seconds: float) -> State | None:
        perception.look(_screen(name, READY, seconds=seconds))
        return perception.status.state if perception.status is not None else None

    assert state("idle", 1) is State.STARTING
    assert not perception.at_prompt
    assert state("trust", 1.5) is State.BLOCKED
    perception.read(_chat({"sessionId": SESSION, "startTime": began}))  # opened behind the dialog
    assert state("idle", 20) is State.STARTING  # it starts again
    perception.read(_chat({"sessionId": SESSION, "startTime": began}))
    assert state("idle", 21) is State.IDLE
    assert perception.at_prompt


@pytest.mark.parametrize("record", [{"$set": {"sessionId": SESSION}}, {"$set": {"lastUpdated": "now"}}])
def test_a_conversation_that_is_taken_up_again_is_open_by_a_patch(record: dict[str, Any]) -> None:
    reader = _reader(started_at=NOW, resume=True)
    for began in (NOW - timedelta(hours=1), NOW + timedelta(seconds=1)):  # the second head is thrown away
        reader.read(_chat({"sessionId": SESSION, "startTime": began.isoformat()}))
    assert _claim(reader.look(_screen("idle", READY, seconds=1)), "title").state is State.STARTING
    reader.read(_chat(record))
    opened = "sessionId" in record["$set"]
    assert _claim(reader.look(_screen("idle", READY, seconds=2)), "screen").state is (State.IDLE if opened else None)
    assert _claim(reader.look(_screen("idle", READY, seconds=31)), "screen").state is State.IDLE


def test_ready_in_the_title_is_no_rest_by_itself() -> None:
    found = _reader().look(Screen(lines=("Starting", "something"), title=READY, at=NOW))
    assert {item.state for item in found.evidence} == {None}


def test_a_permission_shows_the_command_and_a_change_its_file() -> None:
    asked = _claim(_reader().look(_screen("permission", ASKING)), "screen").question
    assert asked is not None
    assert asked.command == "touch made.txt"
    change = _claim(_reader().look(_screen("edit", ASKING)), "screen").question
    assert change is not None
    assert (change.path, change.command) == ("new.txt", None)


def test_an_asking_has_an_id_of_its_own_that_a_restart_finds_again() -> None:
    def asked(reader: GeminiReader) -> str:
        found = _claim(reader.look(_screen("permission", ASKING)), "screen").question
        assert found is not None
        return found.id

    one, two = _reader(), _reader()
    for reader in (one, two):
        reader.read(_chat(_said("Do it"), _answered("May I?", 1)))
    first = asked(one)
    assert first == asked(one) == asked(two)
    one.read(_chat(_record("user", [{"functionResponse": {}}], 2), _answered("And again?", 3)))
    assert asked(one) != first


def test_what_is_drawn_above_a_dialog_later_makes_no_other_asking_of_it() -> None:
    reader, shown = _reader(), _screen("trust", READY)
    first = _claim(reader.look(shown), "screen").question
    more = Screen(lines=("⚠  Warning: no true colour", *shown.lines), title=READY, at=NOW)
    again = _claim(reader.look(more), "screen").question
    assert first is not None
    assert again is not None
    assert (first.id, first.text) == (again.id, again.text)


def test_options_that_scroll_away_are_remembered() -> None:
    reader = _reader()
    reader.look(_screen("question", ASKING))
    moved = [line.replace("● 1.", "  4.").replace("Red", "Grey") for line in _screen("question").lines]
    found = _claim(reader.look(Screen(lines=tuple(moved), title=ASKING, at=NOW)), "screen").question
    assert found is not None
    assert [(option.key, option.label) for option in found.options] == [
        ("1", "Red"),
        ("2", "Blue"),
        ("3", "Green"),
        ("4", "Grey"),
    ]


def test_a_turn_is_over_when_answer_title_and_screen_say_so() -> None:
    reader = _reader()
    began = reader.read(_chat(_said("<session_context>…"), _said("Go on", at=1)))
    assert _claim(began, "chat").state is State.WORKING
    early = reader.look(_screen("idle", READY, seconds=1.1))  # the title is behind
    assert [item.channel for item in early.evidence] == ["title", "screen"]
    assert _claim(reader.look(_screen("working", WORKING, seconds=1.2)), "title").state is State.WORKING
    ended = reader.read(_chat(_answered("All done. Shall I?", 3)))
    assert (ended.said, ended.asks) == ("All done. Shall I?", True)
    assert _claim(reader.look(_screen("working", WORKING, seconds=3.1)), "chat").state is None
    assert _claim(reader.look(_screen("idle", READY, seconds=3.2)), "chat").state is State.DONE
    assert _claim(reader.look(_screen("working", WORKING, seconds=9)), "chat").state is None  # something else began


def test_a_cancelled_turn_rests_though_its_prompt_is_filed_once_more() -> None:
    reader = _reader()
    reader.read(_chat(_said("One"), _answered("Yes.", 1), _said("Two", at=2)))
    cancelled = reader.read(_chat(_record("info", "Request cancelled.", 3), _said("One", "Two", at=3.01)))
    assert _claim(cancelled, "chat").state is State.IDLE
    (lost,) = cancelled.responses
    assert (lost.usage.lower_bound, lost.usage.output) == (True, 0)
    queued = reader.read(_chat(_said("Three", at=3.08)))
    assert _claim(queued, "chat").state is State.WORKING


def test_nothing_is_lost_when_a_dialog_is_cancelled() -> None:
    found = _reader().read(_chat(_said("One"), _answered("May I?", 1), _record("info", "Request cancelled.", 2)))
    assert [item.usage.lower_bound for item in found.responses] == [False]


@pytest.mark.parametrize(
    ("said", "state", "saw"),
    [
        ('[API Error: {"error":{"code":400,"message":"scripted"}}]', State.FAILED, "[API Error"),
        ('[API Error: {"error":{"code":401,"message":"scripted"}}]', State.FAILED, "not signed in: [API"),
        ("[API Error: API key not valid. Please pass a valid API key.]", State.FAILED, "not signed in: [API"),
        ("Failed to load an extension", State.WORKING, "the model was asked"),
    ],
)
def test_a_failure_of_the_turn(said: str, state: State, saw: str) -> None:
    perception = Perception(_reader())
    perception.read(_chat(_said("Go on"), _record("error", said, 1)))
    assert perception.status is not None
    assert perception.status.state is state
    assert perception.status.why[0].saw.startswith(saw)


def test_tokens_count_once_a_message_and_subagents_count_too() -> None:
    reader = _reader()
    call = {"name": "run_shell_command", "status": "success", "args": {}}
    found = reader.read(_chat(_said("Go"), _answered("A", 2), _answered("A", 2, toolCalls=[call])))
    (response,) = found.responses
    used = response.usage
    assert (used.input, used.cache_read, used.output, used.reasoning) == (939, 223, 22, 5)
    other = reader.read(_chat(_answered("B", 3), feed="subagents"))
    assert [item.id for item in other.responses] == ["gemini-3"]
    assert (other.evidence, other.said) == ((), None)


def test_an_earlier_launch_counts_in_tokens_only() -> None:
    reader = _reader(started_at=NOW + timedelta(seconds=60))
    error = _record("error", "[API Error: gone]", 3)
    found = reader.read(_chat(_said("Go"), _answered("A", 2), error))
    assert len(found.responses) == 1
    assert (found.evidence, found.said) == ((), None)
    assert _claim(reader.look(_screen("idle", READY, seconds=90)), "screen").state is State.IDLE


def test_the_chat_file_is_found_by_the_programs_own_list() -> None:
    reader = _reader()
    assert [watch.feed for watch in reader.watches()] == ["projects"]
    reader.read(Reading("projects", Path("/p"), NOW, data=b'{"projects": {"/other": "other", "/w": "../w"}}'))
    assert len(reader.watches()) == 1
    reader.read(Reading("projects", Path("/p"), NOW, data=b'{"projects": {"/w": "task-1"}}'))
    chat = reader.watches()[1]
    assert (chat.path, chat.pattern) == (Path("/h/.gemini/tmp/task-1/chats"), f"session-*-{SESSION[:8]}.jsonl")
    found = reader.read(_chat({"sessionId": SESSION, "kind": "main"}))
    assert (found.agent_session_id, found.transcript) == (SESSION, CHAT)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.fixed_dictionaries(
                {},
                optional={
                    name: st.one_of(
                        st.none(),
                        st.integers(),
                        st.text(max_size=5),
                        st.sampled_from(["user", "gemini", "info", "error"]),
                        st.lists(st.dictionaries(st.sampled_from(["text", "name"]), st.text(max_size=4)), max_size=2),
                        st.dictionaries(st.sampled_from(["input", "output"]), st.integers() | st.none()),
                    )
                    for name in ("type", "id", "timestamp", "content", "tokens", "toolCalls", "$set", "projects")
                },
            ).map(lambda value: json.dumps(value).encode()),
        ),
        max_size=4,
    )
)
def test_nothing_that_a_file_may_hold_breaks_the_reader(found: list[bytes]) -> None:
    reader = _reader()
    for feed in ("chat", "subagents"):
        reader.read(Reading(feed, CHAT, NOW, lines=tuple(found)))
    reader.read(Reading("projects", CHAT, NOW, data=b"".join(found)))


def _place(folder: Path, **env: str) -> Place:
    (folder / "gemini").touch(mode=0o755)
    (folder / ".gemini").mkdir(exist_ok=True)
    return Place(folder, folder / "work" / "task", {"PATH": str(folder), "HOME": str(folder), **env})


def test_what_is_launched(tmp_path: Path) -> None:
    place = _place(tmp_path, GEMINI_CLI_TRUST_WORKSPACE="true")
    made = Gemini().launch(_spec(prompt="- a list", model="m", base_url="http://x", args=("--debug",)), place)
    assert made.argv[1:] == ("--session-id", SESSION, "--model", "m", "--debug", "--prompt-interactive=- a list")
    assert (made.env, made.files, made.prompt_given) == ({"GOOGLE_GEMINI_BASE_URL": "http://x"}, {}, True)
    again = Gemini().launch(_spec(resume=True, permission_mode="plan"), place)
    assert again.argv[1:] == ("--resume", SESSION, "--approval-mode", "plan")
    assert Gemini().launch(_spec(agent_session_id=None), place).agent_session_id
    command = Gemini().launch(_spec(prompt="/help"), place).argv[-1]
    assert command.removeprefix("--prompt-interactive=").strip()[0] != "/"
    with pytest.raises(AgentMissing) as missing:
        Gemini().program(_spec(command=("no-such",)), place.env)
    assert "npm install" in missing.value.hint


@pytest.mark.parametrize(
    ("trusted", "settings", "args", "given"),
    [
        ({}, {}, (), False),
        ({"work": "TRUST_FOLDER"}, {}, (), True),
        ({"work/task": "DO_NOT_TRUST"}, {}, (), True),  # decided: it does not ask
        ({"work/other": "TRUST_PARENT"}, {}, (), True),
        ({"work/other": "TRUST_FOLDER"}, {}, (), False),
        ({}, {"security": {"folderTrust": {"enabled": False}}}, (), True),
        ({}, {"security": "?"}, (), False),
        ({}, {}, ("--skip-trust",), True),
    ],
)
def test_the_task_is_given_at_once_only_where_trust_is_decided(
    tmp_path: Path, trusted: dict[str, str], settings: dict[str, Any], args: tuple[str, ...], given: bool
) -> None:
    place = _place(tmp_path)
    rules = {str(tmp_path / name): level for name, level in trusted.items()}
    (tmp_path / ".gemini" / "trustedFolders.json").write_text(json.dumps(rules))
    (tmp_path / ".gemini" / "settings.json").write_text(json.dumps(settings))
    made = Gemini().launch(_spec(prompt="Go", args=args), place)
    assert made.prompt_given is given
    assert ("--prompt-interactive=Go" in made.argv) is given


def _shown(name: str) -> Question:
    found = _claim(_reader().look(_screen(name, ASKING)), "screen").question
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "choice", "text", "steps"),
    [
        ("permission", "y", "", (Keys(("1",)),)),
        ("permission", "a", "", (Keys(("2",)),)),
        ("permission", "n", "", (Keys(("3",)),)),
        ("permission", "2", "", (Keys(("2",)),)),
        ("permission", "n", "Use make", (Keys(("Escape",)), Say("Use make"))),
        ("edit", "n", "", (Keys(("4",)),)),
        ("trust", "y", "", (Keys(("1",)),)),
        ("trust", "n", "", (Keys(("3",)),)),
        ("limit", "n", "", (Keys(("2",)),)),
        ("plan", "y", "", (Keys(("2",)),)),  # the answer that hands out fewer rights
        ("plan", "n", "", (Keys(("Escape",)),)),
        ("plan", "", "Not so", (Keys(("Up",)), Paste("Not so"), Keys(("Enter",)))),
        ("question", "blue", "", (Keys(("2",)),)),
        ("question", "4", "", (Keys(("4",)),)),  # below what is shown of the list
        ("question", "", "Pink", (Keys(("Up",)), Paste("Pink"), Keys(("Enter",)))),
        ("several", "1,3", "", (Keys(("1",)), Keys(("3",)), Keys(("Up", "Up", "Up")), Keys(("Enter",)))),
        (
            "several",
            "2",
            "Pink",
            (Keys(("2",)), Keys(("Up", "Up")), Keys(("Up",)), Paste("Pink"), Keys(("Down",)), Keys(("Enter",))),
        ),
    ],
)
def test_how_a_question_is_answered(name: str, choice: str, text: str, steps: tuple[Step, ...]) -> None:
    assert Gemini().answer(_shown(name), choice, text, _screen(name)) == steps


def test_an_answer_is_refused_when_it_fits_nothing() -> None:
    gemini = Gemini()
    with pytest.raises(QuestionGone):
        gemini.answer(_shown("permission"), "y", "", _screen("idle"))
    with pytest.raises(QuestionGone, match="another command"):
        gemini.answer(_shown("permission").model_copy(update={"command": "rm -rf /"}), "y", "", _screen("permission"))
    with pytest.raises(QuestionGone, match="something else"):
        gemini.answer(_shown("question"), "1", "", _screen("several"))
    with pytest.raises(NotAnOption, match="nothing is chosen"):
        gemini.answer(_shown("several"), "", "", _screen("several"))
    with pytest.raises(NotAnOption):
        gemini.answer(_shown("permission"), "perhaps", "", _screen("permission"))
    with pytest.raises(NotAnOption):
        gemini.answer(_shown("permission"), "4", "", _screen("permission"))
    with pytest.raises(NotAnOption, match="no answer in words"):
        gemini.answer(_shown("trust"), "", "words", _screen("trust"))


def test_the_conversation_for_reading(tmp_path: Path) -> None:
    call = {
        "name": "run_shell_command",
        "displayName": "Shell",
        "args": {"command": "ls"},
        "status": "success",
        "result": [{"functionResponse": {"response": {"output": "README.md"}}}],
    }
    records = (
        {"sessionId": SESSION},
        _said("<session_context>…"),
        _said("Look", at=1),
        _answered("I look.", 2),
        _answered("I look.", 2, toolCalls=[call]),
        _record("info", "Request cancelled.", 3),
    )
    path = tmp_path / "chat.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records) + '\n{"id": "torn')
    assert [(entry.role, entry.title, entry.text.split("\n")[0]) for entry in Gemini().transcript(path)] == [
        (Role.USER, "", "Look"),
        (Role.AGENT, "", "I look."),
        (Role.TOOL, "Shell ls", "{"),
        (Role.TOOL, "result: success", "README.md"),
        (Role.NOTE, "", "Request cancelled."),
    ]
    assert Gemini().transcript(tmp_path / "none") == ()
