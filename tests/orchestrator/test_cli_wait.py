"""``wait`` answers with the question that a blocked session asks, though it may be known a moment later."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.cli import look

ASKED = {"id": "q1", "title": "Run it?"}


def _item(state: str, question: dict[str, str] | None) -> dict[str, Any]:
    return {"id": "s1", "name": "t", "state": state, "question": question}


@pytest.mark.parametrize(
    ("later", "answer"),
    [
        ([_item("blocked", None), _item("blocked", ASKED)], _item("blocked", ASKED)),
        ([_item("working", None)], _item("blocked", None)),  # answered meanwhile: it was blocked all the same
        ([], _item("blocked", None)),  # a dialog without words
    ],
)
def test_a_question_that_comes_a_moment_later_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    later: list[dict[str, Any]],
    answer: dict[str, Any],
) -> None:
    told = iter([_item("blocked", None), *later])

    def events(after: int, until: float | None) -> Iterator[dict[str, Any]]:
        yield {"session": "another"}
        yield from ({"session": "s1"} for _ in later)

    monkeypatch.setattr(look, "fetch", lambda _path: {"seq": 7})
    monkeypatch.setattr(look, "session", lambda _name: next(told))
    monkeypatch.setattr(look, "_events", events)
    assert look.wait(Namespace(name="t", states="blocked", timeout=5.0, json=True)) == 0
    assert json.loads(capsys.readouterr().out) == answer
