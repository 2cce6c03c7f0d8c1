"""Commands that a repository brings along: none runs before a human approved exactly it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from orchestrator import home, trust
from orchestrator.commands import Refused
from tests.machine import Machine
from worktrees.setup import FILE


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(tmp_path / "state"))
    path = tmp_path / "shop"
    path.mkdir()
    say(path, ["npm ci"], ["make test"])
    return path


def say(root: Path, setup: list[str], checks: list[str]) -> None:
    (root / FILE).write_text(f"[worktree]\nrun = {setup}\n[merge]\nchecks = {checks}\n".replace("'", '"'))


def test_one_approval_is_for_all_commands_and_for_exactly_them(root: Path) -> None:
    first = trust.wanted(root)
    assert not trust.approved(first)
    with pytest.raises(Refused, match="make test") as caught:
        trust.require(first, None, first.checks or ())
    asked = caught.value.trust
    assert asked is not None
    assert (asked.commands, asked.checks) == (("npm ci",), ("make test",))
    with pytest.raises(Refused):
        trust.require(first, "0" * 64, first.recipe.run)
    trust.require(first, asked.digest, first.checks or ())
    trust.require(first, None, first.recipe.run)
    for setup, checks in (
        (["npm ci"], ["make test", "x"]),
        (["npm ci", "x"], ["make test"]),
        (["npm ci"], ["make  test"]),
        (["make test"], ["npm ci"]),
        (["npm ci", "make test"], []),
    ):
        say(root, setup, checks)
        assert not trust.approved(trust.wanted(root)), (setup, checks)
    say(root, ["npm ci"], ["make test"])
    assert trust.approved(trust.wanted(root))  # as another branch carries it, and back


def test_what_runs_nothing_needs_no_approval(root: Path) -> None:
    seen = trust.wanted(root)
    trust.require(seen, None, ())
    (root / FILE).write_text("[run]\nbase = 'main'\n")
    assert trust.approved(trust.wanted(root))
    assert trust.wanted(root).checks is None  # so that the user's own hold
    (root / FILE).write_text("[merge]\nchecks = []\n")
    assert trust.wanted(root).checks == ()


def test_the_approval_of_one_repository_is_not_another_ones(root: Path, tmp_path: Path) -> None:
    trust.approve(trust.wanted(root))
    other = tmp_path / "other" / "shop"
    other.mkdir(parents=True)
    say(other, ["npm ci"], ["make test"])
    assert not trust.approved(trust.wanted(other))


def test_revoking_forgets_all(root: Path) -> None:
    trust.approve(trust.wanted(root))
    trust.approve(trust.wanted(root))
    assert trust.revoke(root) == 1
    assert not trust.approved(trust.wanted(root))
    assert trust.revoke(root) == 0


@pytest.mark.parametrize("content", [b"", b"torn {", b"[]", b"\xff", b'{"repository": "x", "approved": [{}]}'])
def test_a_file_that_cannot_be_read_approves_nothing(root: Path, content: bytes) -> None:
    seen = trust.wanted(root)
    trust.approve(seen)
    path = next((home.home() / "trusted").glob("*.json"))
    path.write_bytes(content)
    assert not trust.approved(seen)
    trust.approve(seen)
    assert trust.approved(seen)


def test_approvals_that_are_given_at_once_are_all_kept(root: Path) -> None:
    seen = []
    for number in range(trust.KEPT):
        say(root, [f"step {number}"], [])
        seen.append(trust.wanted(root))
    threads = [threading.Thread(target=trust.approve, args=(one,)) for one in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(trust.approved(one) for one in seen)


def test_checks_of_a_repository_run_only_once_they_are_approved(machine: Machine) -> None:
    say(machine.repository, [], ["touch ../../../../../checked; test -e new"])
    machine.commit("rules")
    machine.settings("[agents.command]\n")
    machine.ok("run", "--agent", "command", "--name", "t", "--", "sh", "-c", "echo x > new")
    machine.ok("wait", "t", "--for", "exited", "--timeout", "20")
    assert "(not approved yet)" in machine.ok("merge", "t", "--dry-run")
    before = machine.git("rev-parse", "main")
    said = machine.refused("merge", "t")
    assert "test -e new" in said
    assert "orchestrator trust" in said
    assert machine.git("rev-parse", "main") == before
    assert machine.session("t")["state"] == "exited"
    machine.ok("merge", "t", "--trust")
    assert machine.git("show", "main:new") == "x"
    assert machine.json("trust")["approved"] is True


def test_an_agent_does_not_change_the_checks_by_which_it_is_judged(machine: Machine) -> None:
    say(machine.repository, [], ["false"])
    machine.commit("rules")
    script = f"printf '[merge]\\nchecks = [\"true\"]\\n' > {FILE}"
    machine.ok("run", "--agent", "command", "--name", "t", "--", "sh", "-c", script)
    machine.ok("wait", "t", "--for", "exited", "--timeout", "20")
    said = machine.ok("merge", "t", "--dry-run")
    assert "check: false" in said
    assert f"it changes {FILE}; for this merge that of main holds" in said
    assert "the check failed with code 1: false" in machine.refused("merge", "t", "--trust")
    machine.ok("merge", "t", "--no-check")  # the human's word
    assert machine.json("trust")["checks"] == ["true"]
    assert machine.json("trust")["approved"] is False


def test_checks_of_the_users_own_settings_need_no_approval(machine: Machine) -> None:
    machine.settings('[merge]\nchecks = ["test -e new"]\n')
    machine.ok("run", "--agent", "command", "--name", "t", "--", "sh", "-c", "echo x > new")
    machine.ok("wait", "t", "--for", "exited", "--timeout", "20")
    machine.ok("merge", "t")


def test_trust_shows_approves_and_forgets(machine: Machine) -> None:
    assert "brings no commands along" in machine.ok("trust")
    say(machine.repository, ["npm ci"], ["make test"])
    said = machine.run("trust")
    assert said.returncode == 1
    assert "in every new worktree:\n    npm ci\n  to judge its agents' work:\n    make test" in said.stdout
    assert "trust --yes" in said.stderr
    assert "an agent cannot approve" in machine.refused("trust", "--yes", ORCHESTRATOR_EVENTS="/x")
    assert machine.json("trust")["approved"] is False
    assert "approved; any change asks again" in machine.ok("trust", "--yes")
    assert machine.json("trust")["approved"] is True
    assert "1 approval of" in machine.ok("trust", "--revoke")
    assert machine.json("trust")["approved"] is False
    machine.write(FILE, "[merge")
    assert "cannot be read" in machine.refused("trust")
