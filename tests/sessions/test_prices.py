"""Prices: of the first list that has one, worked by hand, and none rather than 0."""

from __future__ import annotations

import pytest

from sessions import prices
from sessions.models import Usage


def test_the_first_list_that_has_a_price_tells_it() -> None:
    found = prices.priced("claude-sonnet-4-5", Usage(input=1000, output=1000, cache_read=10_000))
    assert found is not None
    assert found.source == prices.GENAI
    assert found.usd == pytest.approx((3 * 1000 + 15 * 1000 + 0.3 * 10_000) / 1e6)


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        # 1 and 5 dollars a million; the cache has no price of its own
        ("qwen3-coder-plus", Usage(input=100, output=1000, cache_read=900, reasoning=700), 0.006),
        (
            "glm-4.6",
            Usage(input=1_000, output=1_000, cache_read=10_000, cache_write=5_000),
            0.0039,
        ),  # 0.6, 2.2, 0.11, 0
    ],
)
def test_a_model_that_genai_prices_lacks_costs_what_its_maker_asks(model: str, usage: Usage, usd: float) -> None:
    found = prices.priced(model, usage)
    assert found is not None
    assert found.source == prices.MODELS_DEV
    assert found.usd == pytest.approx(usd)


def test_long_context_has_its_second_price() -> None:
    rates = {"input": 2.0, "output": 10.0, "cache_read": None, "cache_write": None}
    rates_of = {**rates, "context_over_200k": {"input": 4.0, "output": 15.0}}
    told = [prices.by(rates_of, Usage(input=100_000, cache_read=more, output=1000)) for more in (100_000, 100_001)]
    assert told == [pytest.approx(0.4 + 0.01), pytest.approx(0.8 + 0.015 + 0.000004)]


def test_a_model_in_no_list_has_no_price() -> None:
    assert prices.priced("mock-model", Usage(output=1000)) is None
    assert prices.priced("", Usage(output=1000)) is None
