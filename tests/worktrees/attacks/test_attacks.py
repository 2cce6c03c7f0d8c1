"""Whatever an agent plants, none of it runs in our hands, and plain git shows that it would have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worktrees.attacks.vectors import ENVIRONMENT, VECTORS, Vector
from tests.worktrees.attacks.world import COUNT, World, build, walk


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build(tmp_path)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_what_is_planted_fires_under_plain_git_and_never_under_ours(
    world: World, vector: Vector, record_property: pytest.FixtureRequest
) -> None:
    vector.plant(world)
    world.mark.unlink(missing_ok=True)  # planting uses git too
    refused = walk(world)
    assert refused.keys() == vector.refused, refused
    vector.fire(world)
    assert world.fired, "plain git did not run it: this vector proves nothing"
    record_property("planted", COUNT)  # type: ignore[operator]


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_the_callers_environment_plants_nothing(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch, record_property: pytest.FixtureRequest
) -> None:
    variables, fire = ENVIRONMENT[name]
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value.replace("TRAP", str(world.trap)).replace("MARK", str(world.mark)))
    assert walk(world) == {}, "kept from its work"
    fire(world)
    assert world.fired
    record_property("planted", COUNT)  # type: ignore[operator]
