"""The report: one well-formed page that fetches nothing, and in which no name of others acts."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import timedelta

from orchestrator.metrics import series, summary
from orchestrator.metrics.asking import Drawn
from orchestrator.metrics.page import page
from orchestrator.metrics.states import micros
from sessions.models import State
from tests.orchestrator.metrics.script import Day, at

EVIL = "</title><script>alert(1)</script>\x1b[2J"


def _page(name: str) -> str:
    day = Day()
    day.begin(0, "a")
    day.state(300, "a", State.BLOCKED)
    day.answer(400, "a")
    day.count(450, "a", "r", 5000, took=100)
    figures = summary.figures(day.facts(1000))
    since, until, columns = micros(at(0)), micros(at(1000)), 50
    stays = day.store.states(["a"], since, until, (until - since) // columns)
    drawn = Drawn(
        since=at(0),
        until=at(0) + timedelta(seconds=1000),
        rates=tuple(series.rates(day.store.outputs(since, until), since, until, columns)),
        states={"a": tuple(series.strip(stays["a"], since, until, columns))},
    )
    assert [str(state) for state in drawn.states["a"]] == ["working"] * 15 + ["blocked"] * 5 + ["working"] * 30
    assert sum(drawn.rates) * 20 == 5000
    return page(figures.model_copy(update={"names": {"a": name}}), drawn, ["a"], {"a": name}, [])


def test_the_page_is_whole_and_fetches_nothing() -> None:
    text = _page("login-form")
    body = text[text.index("<body>") : text.index("</html>")]
    root = ElementTree.fromstring(body)  # every element is closed
    words = " ".join(root.itertext())
    assert "You cost 2 agent-minutes in this time; longest wait" in words
    assert "login-form: waits for you" in words
    assert "default-src 'none'" in text
    assert not any(word in text for word in ("http:", "https:", "src=", "<script", "<link", "@import", "url("))


def test_a_name_of_others_does_nothing() -> None:
    text = _page(EVIL)
    assert "<script" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text
