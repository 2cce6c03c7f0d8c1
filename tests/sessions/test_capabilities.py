"""What the adapters state of themselves is true, and what the documents say."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import agents_table
from sessions import agents
from sessions.agents.contract import Launch, Place
from sessions.models import Spec

STATING = [name for name in agents.names() if agents_table.of(name) is not None]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("s", "w", "bin", "home"):
        (tmp_path / name).mkdir()
    for name in agents.names():
        program = tmp_path / "bin" / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    return Place(tmp_path / "s", tmp_path / "w", {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")})


def launched(name: str, place: Place, **fields: str) -> Launch:
    command = ("claude",) if name == "command" else ()
    spec = Spec.model_validate({"agent": name, "name": "a", "prompt": "Do it", "command": command, **fields})
    return agents.get(name).launch(spec, place)


def test_every_agent_of_ours_states_what_it_can() -> None:
    assert list(agents.names()) == STATING


def test_the_document_says_what_the_adapters_state() -> None:
    document = agents_table.DOCUMENT.read_text(encoding="utf-8")
    assert agents_table.filled(document) == document, "run: python -m scripts.agents_table --write"


@pytest.mark.parametrize("name", STATING)
def test_every_mode_that_is_stated_is_taken(name: str, place: Place) -> None:
    has = agents_table.of(name)
    assert has is not None
    for mode in has.modes:
        assert launched(name, place, permission_mode=mode).argv


@pytest.mark.parametrize("name", STATING)
def test_a_task_is_typed_only_where_it_is_stated(name: str, place: Place) -> None:
    has = agents_table.of(name)
    assert has is not None
    launch = launched(name, place)
    assert launch.prompt_given or "typed" in has.task
    assert not launch.prompt_given or any("Do it" in word for word in launch.argv)


@pytest.mark.parametrize("name", STATING)
def test_an_endpoint_of_ones_own_reaches_the_launch_where_it_is_stated(name: str, place: Place) -> None:
    has = agents_table.of(name)
    assert has is not None
    launch = launched(name, place, base_url="http://127.0.0.1:9/v1", model="mock")
    told = [*launch.argv, *launch.env.values(), *launch.files.values()]
    assert any("http://127.0.0.1:9/v1" in word for word in told) == bool(has.endpoint)
