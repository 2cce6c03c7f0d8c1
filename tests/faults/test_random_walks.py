"""Random sequences of what agents, users and we do to a repository, 50 each time and 500 a night."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults import shims
from tests.faults.guards import Guard
from tests.faults.walk import Walk
from tests.nightly import NIGHTLY

WALKS = settings(
    max_examples=500 if NIGHTLY else 50,
    stateful_step_count=25,
    deadline=None,
    derandomize=not NIGHTLY,
    print_blob=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
UNTIL_HARM = settings(WALKS, max_examples=100, derandomize=True, phases=[Phase.generate])
CARELESS = Guard("ignored files are kept", shims={"git": shims.NO_IGNORED})


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\nname = Test\nemail = test@localhost\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.timeout(7200 if NIGHTLY else 600)
def test_nothing_is_lost_whatever_happens_in_which_order() -> None:
    run_state_machine_as_test(Walk, settings=WALKS)


@pytest.mark.timeout(600)
def test_the_walk_finds_what_a_careless_program_loses(tmp_path: Path) -> None:
    with CARELESS.off(tmp_path), pytest.raises(AssertionError, match="is lost"):
        run_state_machine_as_test(Walk, settings=UNTIL_HARM)
