"""Every target on what it begins with and on a few examples: the search itself is ``make fuzz``."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_holds_on_its_seeds(name: str) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)
        TARGETS[name](seed[: len(seed) // 2])
        TARGETS[name](seed[::-1])


@pytest.mark.parametrize("name", TARGETS)
@given(st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_holds_on_mixtures(name: str, data: st.DataObject) -> None:
    pieces = st.sampled_from(sorted(seeds(name))) | st.binary(max_size=20) | st.sampled_from([b"\n", b"\xfe", b"\x1b"])
    TARGETS[name](b"".join(data.draw(st.lists(pieces, max_size=4))))
