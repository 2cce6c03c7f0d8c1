"""A row of the matrix as a test: with its guards, and once without each of them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.guards import Guard
from tests.faults.harm import Harm
from tests.faults.scene import Scene

LIMIT_S = 60.0


def fault(number: int, *guards: Guard) -> Callable[[Callable[[Scene], Any]], Callable[..., None]]:
    """A scenario of fault ``number``. Toothless, and failed, when nobody is harmed without one of ``guards``."""
    assert guards, "a fault without a guard is not survived but lucky"

    def decorate(scenario: Callable[[Scene], Any]) -> Callable[..., None]:
        assert scenario.__name__.startswith(f"test_{number:02d}_"), scenario.__name__

        def test(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
            record_property("fault", number)
            with Scene(tmp_path / "with") as scene:
                try:
                    _play(scenario, scene)
                finally:
                    record_property("bytes_read", scene.bytes_read)
                    record_property("bytes_lost", scene.bytes_lost)
            for index, guard in enumerate(guards):
                with Scene(tmp_path / f"without{index}", guard) as scene:
                    try:
                        _play(scenario, scene)
                    except Harm:
                        continue
                pytest.fail(f"toothless: nobody was harmed without this guard: {guard.says}")

        test.__name__ = scenario.__name__
        test.__qualname__ = scenario.__qualname__
        test.__doc__ = scenario.__doc__
        test.__module__ = scenario.__module__
        return test

    return decorate


def _play(scenario: Callable[[Scene], Any], scene: Scene) -> None:
    if inspect.iscoroutinefunction(scenario):
        asyncio.run(asyncio.wait_for(scenario(scene), LIMIT_S))
    else:
        scenario(scene)
    scene.check()
