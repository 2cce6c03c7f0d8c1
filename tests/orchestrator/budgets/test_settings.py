"""``[budget]`` in the files, the options of ``run``, and the caps as the daemon reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.budgets.amounts import Amount
from orchestrator.budgets.reading import Reading
from orchestrator.budgets.settings import BudgetSettings
from orchestrator.cli import parser
from orchestrator.cli.budget import asked
from orchestrator.cli.output import CommandError
from orchestrator.commands import Refused
from orchestrator.config import load_settings


def user(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return {"ORCHESTRATOR_CONFIG": str(path), "HOME": str(tmp_path)}


def test_the_caps_are_read_as_words_and_tables_and_a_repository_tightens(tmp_path: Path) -> None:
    env = user(tmp_path, '[budget]\nsession = "$5 2h"\nday = {dollars = 20}\naccount = {codex = "500k"}\n')
    (tmp_path / ".orchestrator.toml").write_text('[budget]\nsession = "$9 1h"\n')
    found = load_settings(tmp_path, env).budget
    assert found.session == Amount(dollars=5, hours=1)
    assert found.day == Amount(dollars=20)
    assert found.account == {"codex": Amount(tokens=500_000)}


@pytest.mark.parametrize(
    ("mine", "theirs", "said"),
    [
        ("", '[budget]\nday = "$900"\n', r"sets \[budget\] day, which a repository may not"),
        ("", "[budget.account]\nclaude = 5\n", r"sets \[budget\] account, which a repository may not"),
        ('[budget]\nsession = "much"\n', "", "budget.session: .*is no amount"),
        ("[budget]\nsession = {euros = 5}\n", "", "euros is no measure"),
        ('[budget]\nweek = "$5"\n', "", "budget.week"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path: Path, mine: str, theirs: str, said: str) -> None:
    (tmp_path / ".orchestrator.toml").write_text(theirs)
    with pytest.raises(Refused, match=said):
        load_settings(tmp_path, user(tmp_path, mine))


def test_the_daemon_reads_a_changed_file_and_keeps_the_last_good_caps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in user(tmp_path, '[budget]\nday = "$5"\n').items():
        monkeypatch.setenv(name, value)
    reading = Reading()
    assert reading.caps(None) == BudgetSettings(day=Amount(dollars=5))
    user(tmp_path, '[budget]\nday = "$55"\n')
    assert reading.caps(None).day == Amount(dollars=55)
    user(tmp_path, "[budget\n")
    assert reading.caps(None).day == Amount(dollars=55)
    assert "cannot be read" in reading.trouble[None]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--budget", "$5 2h"], Amount(dollars=5, hours=2)),
        (["--max-cost", "5"], Amount(dollars=5)),
        (
            ["--max-cost", "$5", "--max-tokens", "200k", "--max-hours", "90m"],
            Amount(dollars=5, tokens=200000, hours=1.5),
        ),
        (["--max-tokens", "1000"], Amount(tokens=1000)),
        (["--max-hours", "2", "--budget", "$1 5h"], Amount(dollars=1, hours=2)),
    ],
)
def test_the_options_of_run(words: list[str], expected: Amount) -> None:
    found = asked(parser().parse_args(["run", *words, "task"]))
    assert found is not None
    assert Amount.model_validate(found) == expected


@pytest.mark.parametrize("words", [["--max-cost", "2h"], ["--max-tokens", "many"], ["--budget", "0"]])
def test_an_option_that_is_no_amount_is_wrong_usage(words: list[str]) -> None:
    with pytest.raises(CommandError) as raised:
        asked(parser().parse_args(["run", *words, "task"]))
    assert raised.value.code == 2


def test_without_options_there_is_no_cap() -> None:
    assert asked(parser().parse_args(["run", "task"])) is None
