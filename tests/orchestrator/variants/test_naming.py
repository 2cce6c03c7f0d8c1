"""Variants as they are written, the names that their sessions get, and how they are held side by side."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.launches import check_name
from orchestrator.variants import comparing, naming
from orchestrator.variants.ask import Variant
from sessions.models import State
from tests.nightly import NIGHTLY
from tests.orchestrator.variants.grouped import GroupedLink

WORDS = st.text("abC1:/._- é", max_size=40)


def test_agents_and_models_are_told_apart() -> None:
    assert naming.parse("claude:opus, claude:sonnet,codex") == (
        Variant(agent="claude", model="opus"),
        Variant(agent="claude", model="sonnet"),
        Variant(agent="codex"),
    )
    assert naming.parse("coder:qwen3:8b,codex")[0].model == "qwen3:8b"
    assert naming.models("a,b", "claude")[1] == Variant(agent="claude", model="b")


@pytest.mark.parametrize("text", ["", "claude", "claude,:opus", "claude:,codex", ",".join(["a"] * 21)])
def test_what_cannot_be_compared_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no variant|between 2 and 20"):
        naming.parse(text)


def test_a_name_tells_the_variant_from_the_others() -> None:
    def names(text: str) -> tuple[str, ...]:
        return naming.names("flaky", naming.parse(text))

    assert names("claude,codex") == ("flaky-claude", "flaky-codex")
    assert names("claude:opus,claude:sonnet") == ("flaky-opus", "flaky-sonnet")
    assert names("claude:opus,codex") == ("flaky-claude-opus", "flaky-codex")
    assert names("codex,codex,codex") == ("flaky-codex", "flaky-codex-2", "flaky-codex-3")
    assert naming.names("x", naming.models("openai/gpt-5.1,q:8b", None)) == ("x-gpt-5.1", "x-q-8b")


@settings(max_examples=1000 if NIGHTLY else 60, deadline=None)
@given(st.lists(st.builds(Variant, agent=st.none() | WORDS, model=st.none() | WORDS), min_size=2, max_size=6))
def test_whatever_a_variant_is_called_its_session_has_a_name_of_its_own(variants: list[Variant]) -> None:
    found = naming.names("a-group-of-thirty-two-characters", variants)
    assert len(set(found)) == len(variants)
    for name in found:
        assert name.startswith("a-group-of-thirty-two-characters")
        check_name(name)


def test_a_group_is_found_by_its_name_and_by_one_of_its_sessions() -> None:
    link = GroupedLink()
    found = comparing.group(link.fleet, "sort")
    assert [row.name for row in found] == ["sort-claude", "sort-codex", "sort-gemini"]
    assert comparing.group(link.fleet, "sort-codex") == found
    assert comparing.group(link.fleet, "login-form") == ()
    assert comparing.group(link.fleet, "nobody") == ()


def test_figures_are_those_of_the_sessions_and_time_stands_when_the_work_is_over() -> None:
    link = GroupedLink()
    later = link.now + timedelta(hours=1)
    seen = comparing.compared(comparing.group(link.fleet, "sort"), later)
    claude, codex, gemini = seen.variants
    assert (seen.group, seen.target, seen.prompt) == ("sort", "main", "Sort the rows.")
    assert (claude.files, claude.added, claude.removed, claude.checks) == (2, 40, 3, "passed")
    assert (claude.usage.output, claude.cost_usd) == (9000, 0.21)
    assert claude.seconds == 240  # began 5 minutes ago, done since 1
    assert (codex.state, codex.checks, codex.failed, codex.conflicts) == ("done", "failed", ("test",), ("src/rows.py",))
    assert (gemini.state, gemini.seconds) == (State.WORKING.value, 300 + 3600)
