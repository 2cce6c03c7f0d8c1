"""Screen rules of the user, and rules for some versions only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sessions import screen_rules
from sessions.agents.contract import Screen
from sessions.models import State
from sessions.screen_rules import RulesInvalid, load, match, trace

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def screen(*lines: str) -> Screen:
    return Screen(lines=lines, title="", at=NOW)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    screen_rules.use(tmp_path)
    yield tmp_path
    screen_rules.use(None)


def write(folder: Path, text: str, agent: str = "claude") -> None:
    (folder / f"{agent}.toml").write_text(text)
    screen_rules.use(folder)


def test_a_rule_of_the_user_is_tried_beside_ours_replaces_one_or_takes_it_away(own: Path) -> None:
    ours = {rule.name for rule in load("claude")}
    new = '[[rule]]\nname = "coffee"\nstate = "blocked"\nkind = "dialog"\npriority = 99\nall = ["Coffee"]\n'
    write(own, new + '[[rule]]\nname = "trust"\noff = true\n')
    assert {rule.name for rule in load("claude")} == (ours | {"coffee"}) - {"trust"}
    found = match(load("claude"), screen("Coffee?"))
    assert found is not None
    assert found.rule == "coffee"
    write(own, '[[rule]]\nname = "working"\nstate = "working"\nall = ["brewing"]\n')
    assert match(load("claude"), screen("esc to interrupt")) is None
    assert {rule.name for rule in load("codex")} != set()


def test_an_agent_without_rules_of_ours_can_have_the_users(own: Path) -> None:
    write(own, '[[rule]]\nname = "asks"\nstate = "blocked"\nkind = "question"\nany = ["really"]\n', "command")
    found = match(load("command"), screen("really"))
    assert found is not None
    assert found.state is State.BLOCKED


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[[rule]\n", "the file"),
        ('[[rule]]\nstate = "idle"\n', "rule 'without a name'"),
        ('[[rule]]\nname = "x"\nstate = "asleep"\n', "rule 'x'"),
        ('[[rule]]\nname = "x"\nstate = "idle"\nall = ["("]\n', "rule 'x'"),
        ('[[rule]]\nname = "x"\nstate = "idle"\nall = "no list"\n', "rule 'x'"),
        ('[[rule]]\nname = "x"\nstate = "idle"\nversions = "2.1"\n', "rule 'x'"),
        ('rule = "no table"\n', "the file"),
    ],
)
def test_a_file_that_cannot_be_used_says_which_rule(own: Path, text: str, names: str) -> None:
    write(own, text)
    with pytest.raises(RulesInvalid) as raised:
        load("claude")
    assert str(own / "claude.toml") in raised.value.message
    assert names in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize(
    ("version", "rule"),
    [("2.1.299", None), ("2.1.300", "new"), ("2.1.999-beta.3", "new"), ("2.2.0", None), (None, "new")],
)
def test_a_rule_counts_for_its_versions_and_for_one_that_is_not_known(own: Path, version: str, rule: str) -> None:
    text = '[[rule]]\nname = "new"\nstate = "idle"\npriority = 99\nversions = ">=2.1.300, <2.2"\nall = ["ready"]\n'
    write(own, text)
    found = match(load("claude"), screen("ready"), version)
    assert (found.rule if found is not None else None) == rule


def test_the_trace_says_of_each_rule_what_keeps_it_from_matching(own: Path) -> None:
    told = {rule.name: missing for rule, missing in trace(load("claude"), screen("esc to interrupt"))}
    assert told["working"] == ""
    assert told["permission"].endswith("is not there")
    write(own, '[[rule]]\nname = "old"\nstate = "idle"\nversions = "<2"\nall = ["esc"]\n')
    told = {rule.name: missing for rule, missing in trace(load("claude"), screen("esc to interrupt"), "2.1.330")}
    assert told["old"] == "it is not for version 2.1.330"


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ('options = "^(?P<key>\\\\d) (?P<libel>.*)"', "options: the regex has no group label"),
        ('title_from = "^Title"', "title_from: the regex has no group 1"),
        ('command = "x"', "command: the regex has no group 1"),
        ("versions = 3", "versions"),
        ("last = []", "last|invalid literal"),
    ],
)
def test_a_rule_that_would_break_later_is_refused_by_name(own: Path, rule: str, what: str) -> None:
    write(own, f'[[rule]]\nname = "mine"\nstate = "idle"\n{rule}\n')
    with pytest.raises(RulesInvalid, match=f"rule 'mine' cannot be used: .*({what})"):
        load("claude")


@pytest.mark.parametrize("text", ["rule = 1", 'rule = "x"', "rule = [1]", "x = " + "[" * 5000])
def test_a_file_that_holds_no_rules_is_refused(own: Path, text: str) -> None:
    write(own, text)
    with pytest.raises(RulesInvalid, match="cannot be used"):
        load("claude")


def test_a_group_that_took_no_part_reads_as_nothing(own: Path) -> None:
    regexes = 'options = "^- (?P<label>x)?"\ntitle_from = "> (y)?"\n'
    write(own, f'[[rule]]\nname = "m"\nstate = "idle"\npriority = 99\nall = ["^> "]\n{regexes}')
    found = match(load("claude"), screen("> ", "- z"))
    assert found is not None
    assert (found.title, [option.label for option in found.options]) == ("", [""])
