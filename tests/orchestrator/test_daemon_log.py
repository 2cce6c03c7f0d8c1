"""The daemon's log is read in terminals."""

from __future__ import annotations

import logging

from hypothesis import given

from orchestrator.daemon import InertFormatter
from tests.hostile import EVERYTHING, acting, hostile


def formatted(text: str) -> str:
    try:
        raise ValueError(text)
    except ValueError as error:
        caught = (type(error), error, error.__traceback__)
    record = logging.LogRecord("orchestrator", logging.ERROR, "here", 1, "git: %s", (text,), caught)
    return InertFormatter("%(levelname)s %(message)s").format(record)


def test_an_error_that_quotes_an_attack_is_inert() -> None:
    assert acting(formatted(EVERYTHING)) == []


@given(hostile)
def test_what_is_quoted_begins_no_line_of_its_own(text: str) -> None:
    shown = formatted(text + "\nERROR never happened")
    assert acting(shown) == []
    assert shown.splitlines()[0].endswith("ERROR never happened")
