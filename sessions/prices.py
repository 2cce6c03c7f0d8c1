"""What tokens cost, by the price list that the genai-prices package ships. Nothing is fetched."""

from __future__ import annotations

from sessions.models import Usage


def cost(model: str, usage: Usage) -> float | None:
    """US dollars for ``usage`` of ``model``; None when the list has no price for it, never 0."""
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
    try:
        return float(calc_price(tokens, model_ref=model).total_price)
    except (LookupError, ValueError):
        return None
