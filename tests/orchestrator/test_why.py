"""``orchestrator why --screen``: a saved screen explained, without a daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine import Machine

SCREENS = Path(__file__).parents[1] / "sessions" / "screens"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "m")


def test_a_saved_screen_is_explained_as_a_session_is(machine: Machine) -> None:
    path = str(SCREENS / "claude" / "permission-command.txt")
    said = machine.json("why", "--agent", "claude", "--screen", path)
    assert (said["state"], said["kind"], said["rule"], said["source"]) == (
        "blocked",
        "permission",
        "permission",
        "screen",
    )
    assert said["question"]["options"][0]["label"] == "Yes"
    assert said["evidence"][0]["channel"] == "screen"
    told = {row["rule"]: row["missing"] for row in said["rules"]}
    assert told["permission"] == ""
    assert told["trust"]
    text = machine.ok("why", "--agent", "claude", "--screen", path)
    assert text.startswith("blocked (permission)")
    assert "✓ rule permission: matches" in text
    assert not (machine.state / "ledger.sqlite3").exists()  # nobody was asked


def test_the_title_counts_too(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "screen.txt"
    path.write_text("nothing that a rule knows\n")
    without = machine.json("why", "--agent", "claude", "--screen", str(path))
    assert (without["state"], without["evidence"]) == ("unknown", [])
    working = machine.json("why", "--agent", "claude", "--screen", str(path), "--title", "◐ task")
    assert (working["state"], working["source"]) == ("working", "title")


def test_rules_of_the_user_count_and_bad_ones_are_said(machine: Machine, tmp_path: Path) -> None:
    machine.settings("")
    own = machine.home / ".config" / "orchestrator" / "screens"
    own.mkdir()
    (own / "claude.toml").write_text('[[rule]]\nname = "mine"\nstate = "retrying"\npriority = 99\nall = ["hiccup"]\n')
    path = tmp_path / "screen.txt"
    path.write_text("a hiccup\n")
    said = machine.json("why", "--agent", "claude", "--screen", str(path))
    assert (said["state"], said["rule"]) == ("retrying", "mine")
    (own / "claude.toml").write_text('[[rule]]\nname = "mine"\nstate = "asleep"\n')
    refused = machine.refused("why", "--agent", "claude", "--screen", str(path))
    assert "rule 'mine'" in refused
    machine.ok("run", "--agent", "command", "--name", "t", "--", "cat")  # the daemon goes on without them
    assert "Your screen rules are not used" in machine.log()
    machine.end()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("why",), 2, "which session?"),
        (("why", "--screen", "README.md"), 2, "whose screen is it?"),
        (("why", "--agent", "nobody", "--screen", "README.md"), 1, "there is no agent 'nobody'"),
        (("why", "--agent", "claude", "--screen", "gone.txt"), 1, "gone.txt cannot be read"),
    ],
)
def test_bad_input(machine: Machine, words: tuple[str, ...], code: int, says: str) -> None:
    assert says in machine.refused(*words, code=code)
