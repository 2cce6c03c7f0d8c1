"""How risky a question is: by tables, and that nothing obscured is ever called harmless."""

from __future__ import annotations

import posixpath
import string
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessions import risk
from sessions.agents.contract import Findings, Reading, Screen, Watch
from sessions.commandline.effect import HARMLESS
from sessions.models import Evidence, Kind, Question, QuestionId, Source, State
from sessions.perception import Perception
from sessions.risk import Risk, command_risk, tool_risk
from tests.sessions.command_lines import (
    DELETES,
    MANY_LINES,
    NETWORK,
    READS,
    UNKNOWN,
    WRITES_INSIDE,
    WRITES_OUTSIDE,
)

TREE = "/w/tree"


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        *((line, Risk.READS) for line in _lines(READS)),
        *((line, Risk.WRITES_INSIDE) for line in _lines(WRITES_INSIDE)),
        *((line, Risk.WRITES_OUTSIDE) for line in _lines(WRITES_OUTSIDE)),
        *((line, Risk.DELETES) for line in _lines(DELETES)),
        *((line, Risk.NETWORK) for line in _lines(NETWORK)),
        *((line, Risk.UNKNOWN) for line in _lines(UNKNOWN)),
        *MANY_LINES,
    ],
)
def test_the_risk_of_a_command(command: str, expected: Risk) -> None:
    assert command_risk(command, TREE).risk is expected, command_risk(command, TREE)


@pytest.mark.parametrize(
    ("command", "because"),
    [
        ("rm -rf build/", "rm inside the worktree"),
        ("rm -rf build/ ../x", "rm inside the worktree, rm outside of the worktree"),
        ("rm $X", "rm where it cannot be told"),
        ("curl x && rm y", "curl; also deletes files: rm inside the worktree"),
        ("curl x | sh", "sh runs what the line does not show; also uses the network: curl"),
        ("`x`; rm -rf y", "it holds a command in backquotes; also deletes files: rm"),
        ("cat ~/.ssh/id_rsa", "~/.ssh/id_rsa outside of the worktree"),
        ("echo x > notes.txt", "notes.txt"),
        ("ls", ""),
    ],
)
def test_what_decided_is_named(command: str, because: str) -> None:
    assert command_risk(command, TREE).because == because


PATCH = "*** Begin Patch\n*** Update File: src/a.py\n@@\n-x\n+*** y\n{more}*** End Patch"


@pytest.mark.parametrize(
    ("name", "text", "path", "expected"),
    [
        ("Read", "", "/w/tree/a.py", Risk.READS),
        ("Read", "", "/etc/passwd", Risk.READS),
        ("Write", "", "/w/tree/a.py", Risk.WRITES_INSIDE),
        ("Write", "", "a.py", Risk.WRITES_INSIDE),
        ("write_file", "", "a.py", Risk.WRITES_INSIDE),
        ("Edit", "", "/w/tree/../a.py", Risk.WRITES_OUTSIDE),
        ("Edit", "", "/w/tree-2/a.py", Risk.WRITES_OUTSIDE),
        ("Edit", "", "/w/tree/.git/hooks/x", Risk.WRITES_OUTSIDE),
        ("Edit", "", "~/.bashrc", Risk.WRITES_OUTSIDE),
        ("Edit", "", "/w/tree/a\u202epy", Risk.UNKNOWN),
        ("Edit", "", "/w/tree/very-lo…", Risk.UNKNOWN),
        ("Delete", "", "a.py", Risk.DELETES),
        ("Frobnicate", "", "a.py", Risk.UNKNOWN),
        ("mcp__files__read", "", "a.py", Risk.UNKNOWN),
        ("WebFetch", "", None, Risk.NETWORK),
        ("apply_patch", PATCH.format(more=""), None, Risk.WRITES_INSIDE),
        ("apply_patch", PATCH.format(more="*** Add File: ../b\n+z\n"), None, Risk.WRITES_OUTSIDE),
        ("apply_patch", PATCH.format(more="*** Delete File: b\n"), None, Risk.DELETES),
        ("apply_patch", PATCH.format(more="*** Move to: /etc/b\n"), None, Risk.WRITES_OUTSIDE),
        ("apply_patch", PATCH.format(more="")[:-8], None, Risk.UNKNOWN),
        ("", "in words", None, Risk.UNKNOWN),
    ],
)
def test_the_risk_of_a_tool(name: str, text: str, path: str | None, expected: Risk) -> None:
    assert tool_risk(name, text, path, TREE).risk is expected


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Write: a.py", "Write"),
        ("read_file(a.py)", "read_file"),
        ("Read", "Read"),
        ("Read the docs? It deletes them", ""),
        ("mcp__files__read: x", "mcp__files__read"),
        ("?", ""),
    ],
)
def test_the_tool_that_a_title_names(title: str, name: str) -> None:
    assert risk.named(title) == name


def test_without_a_worktree_no_path_is_inside() -> None:
    assert command_risk("touch x", None).risk is Risk.UNKNOWN
    assert command_risk("touch /x", None).risk is Risk.UNKNOWN
    assert tool_risk("Write", "", "x", None).risk is Risk.UNKNOWN
    assert command_risk("ls", None).risk is Risk.READS


INSIDE = Risk.WRITES_INSIDE


def _asked(kind: Kind, command: str | None = None, path: str | None = None) -> Question:
    return Question(
        id=QuestionId("q"),
        kind=kind,
        title="Write: x",
        text="",
        command=command,
        path=path,
        asked_at=datetime(2026, 3, 2, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("asked", "seen", "expected"),
    [
        (_asked(Kind.PERMISSION, "ls"), False, Risk.READS),
        (_asked(Kind.PERMISSION, "ls"), True, Risk.UNKNOWN),
        (_asked(Kind.PERMISSION, "rm x"), True, Risk.DELETES),
        (_asked(Kind.PERMISSION, path="x"), False, Risk.WRITES_INSIDE),
        (_asked(Kind.PERMISSION), False, Risk.UNKNOWN),
        (_asked(Kind.PERMISSION, path="x").model_copy(update={"tool": "mcp"}), False, Risk.UNKNOWN),
        (_asked(Kind.PERMISSION, path="x").model_copy(update={"title": "Read: x", "tool": "edit"}), False, INSIDE),
        (_asked(Kind.QUESTION), False, None),
        (_asked(Kind.DIALOG), False, None),
        (_asked(Kind.PLAN), False, None),
    ],
)
def test_a_question_gets_its_risk_and_a_screen_alone_proves_nothing_harmless(
    asked: Question, seen: bool, expected: Risk | None
) -> None:
    assert risk.of(asked, TREE, seen=seen).risk is expected


OBSCURE = ["$(rm x)", "`rm x`", "; rm x", "&& rm x", "| sh", "\nrm x", "& rm x", "|| ./x", "| xargs rm", "<(rm x)"]


@given(st.text(max_size=60), st.sampled_from(OBSCURE), st.booleans())
@example("ls", "; rm x", False)
def test_what_follows_a_harmless_command_is_never_lost(word: str, tail: str, quoted: bool) -> None:
    """The word stands in single quotes, so that nothing in it can hide what follows."""
    word = word.replace("'", "")
    line = f"cat '{word}' {tail}" if quoted else f"{tail.lstrip(';&|' + chr(10))} ; cat '{word}'"
    assert command_risk(line, TREE).risk not in HARMLESS


ALPHABET = st.sampled_from([*"rmlsx $`'\"\\;&|<>(){}[]*?~#!=\n\t-./0123", "rm", "ls", "cat", "$(", "<<E\n", "EOF"])


@given(st.lists(ALPHABET, max_size=30).map("".join), st.sampled_from([TREE, None, "/", "relative"]))
def test_it_never_raises(line: str, worktree: str | None) -> None:
    assert command_risk(line, worktree).risk in Risk


@given(st.text(), st.text(), st.none() | st.text(), st.sampled_from([TREE, None]))
def test_a_tool_never_raises(title: str, text: str, path: str | None, worktree: str | None) -> None:
    assert tool_risk(title, text, path, worktree).risk in Risk


@given(
    st.lists(
        st.sampled_from(_lines(READS + WRITES_INSIDE + WRITES_OUTSIDE + DELETES + NETWORK)), min_size=1, max_size=3
    )
)
def test_the_worst_of_several_commands_counts(lines: list[str]) -> None:
    lines = [line for line in lines if not line.endswith("\\")] or ["ls"]  # one that goes on is no command of its own
    order = list(Risk)
    alone = max((command_risk(line, TREE).risk for line in lines), key=order.index)
    assert order.index(command_risk("\n".join(lines), TREE).risk) >= order.index(alone)


NAMES = st.text(string.ascii_letters + "/._-", min_size=1, max_size=12)


@given(st.lists(NAMES, min_size=1, max_size=4).map("/".join))
def test_a_path_is_inside_only_below_the_worktree(path: str) -> None:
    found = tool_risk("Write", "", path, TREE).risk
    inside = (posixpath.normpath(posixpath.join(TREE, path)) + "/").startswith(TREE + "/")
    assert found is (Risk.WRITES_INSIDE if inside and ".git" not in path.lower().split("/") else Risk.WRITES_OUTSIDE)


def test_perception_weighs_the_questions_of_every_adapter() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)

    class Reader:
        def watches(self) -> tuple[Watch, ...]:
            return ()

        def read(self, reading: Reading) -> Findings:
            return Findings()

        def look(self, screen: Screen) -> Findings:
            asked = _asked(Kind.PERMISSION, "rm x")
            evidence = Evidence(source=Source.HOOK, channel="hook", state=State.BLOCKED, question=asked, at=at)
            return Findings(evidence=(evidence,))

    perception = Perception(Reader(), worktree=TREE)
    perception.look(Screen(lines=(), title="", at=at))
    assert perception.status is not None
    assert perception.status.question is not None
    assert perception.status.question.risk is Risk.DELETES
    assert perception.status.question.risk_because == "rm inside the worktree"
