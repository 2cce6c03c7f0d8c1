"""Which provider the caller's keys and settings ask for, the same for the coder, drafts of messages and plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sessions.coder.providers import Provider, ProviderFailed

KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}


def choose(
    env: Mapping[str, str],
    *,
    name: str | None = None,
    model: str | None = None,
    base_url: str | None = None,
    keyless: bool = True,
    patience_s: float | None = None,
) -> Provider:
    """The provider called ``name``, else the one whose key is in ``env``. Raises ProviderFailed.

    ``keyless``: a ``base_url`` may stand without a key, as local models do. ``patience_s``: how long it may be silent.
    """
    if name is None:
        name = next((known for known, key in KEYS.items() if env.get(key)), None)
        name = name or ("openai" if base_url and keyless else None)
    if name not in KEYS:
        raise ProviderFailed(f"no key is set; set {' or '.join(KEYS.values())}, or give the base URL of a local model")
    key = env.get(KEYS[name])
    if not key and not (base_url and keyless):
        raise ProviderFailed(f"{KEYS[name]} is not set; set it, or give the base URL of an endpoint without a key")
    if name == "anthropic":
        from sessions.coder.providers.anthropic import Anthropic

        return Anthropic(model, base_url or env.get("ANTHROPIC_BASE_URL"), key or "none", patience_s)
    from sessions.coder.providers.openai import OpenAI

    return OpenAI(model, base_url or env.get("OPENAI_BASE_URL"), key or "none", patience_s)


def named(args: Sequence[str]) -> str | None:
    """The provider that arguments of the coder name: ``--provider openai``."""
    for at, word in enumerate(args):
        if word == "--provider" and at + 1 < len(args):
            return args[at + 1]
        if word.startswith("--provider="):
            return word.partition("=")[2]
    return None
