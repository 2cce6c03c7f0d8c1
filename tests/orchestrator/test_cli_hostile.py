"""Every command over a daemon whose every word is hostile, and real commands on a real terminal."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, given, settings

from orchestrator import client
from orchestrator.cli import main
from orchestrator.listing import listing
from tests.hostile import ATTACKS, EVERYTHING, acting, hostile
from tests.orchestrator.hostile_fleet import fleet
from tests.orchestrator.sample import NOW
from worktrees.inert import valid

_SGR = re.compile(r"\x1b\[[0-9;]*m")
_OURS = {"state", "kind", "since", "until", "created_at", "at", "risk", "asked_at", "source", "event", "id", "method"}
COMMANDS = (
    *(("ls",), ("ls", "--json"), ("show", "n"), ("show", "n", "--json"), ("log", "n"), ("log", "n", "--json")),
    *(("diff", "n"), ("diff", "n", "--stat"), ("diff", "n", "--json"), ("why", "n"), ("why", "n", "--json")),
    *(("wait", "n", "--for", "blocked"), ("send", "n", "x"), ("interrupt", "n"), ("update", "n"), ("rm", "n", "--yes")),
    *(("answer", "n"), ("answer", "n", "1"), ("answer", "n", "1", "--same", "--yes"), ("merge", "n", "--dry-run")),
    *(("merge", "n", "--no-check", "--method", "ff"), ("run", "x"), ("stop", "n"), ("show", "nobody")),
    *(("ops",), ("undo", "--yes"), ("attic",), ("attic", "restore", "n"), ("snapshots", "n"), ("snapshot", "n")),
)


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def poisoned(value: Any, text: str) -> Any:
    """``value`` with every string in it replaced, but those that only our own code fills."""
    if isinstance(value, dict):
        return {key: item if key in _OURS else poisoned(item, text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [poisoned(item, text) for item in value]
    return text if isinstance(value, str) else value


class Words(dict[str, Any]):
    """A reply in which every field is ``text`` that the commands may look for."""

    def __init__(self, text: str, **known: Any) -> None:
        super().__init__(known)
        self._text = text

    def __missing__(self, key: str) -> str:
        return self._text


@cache
def answers(text: str) -> Any:
    """A daemon of which every answer is made of ``text``; it refuses to stop anything."""
    link = fleet({"one": valid(text) or "x"}, raw=False)
    item = {**poisoned(listing(link.fleet, NOW)[0], text), "name": "n", "repo": "/nowhere"}
    replies = {
        verb: poisoned(json.loads(reply.model_dump_json()), text)
        for verb, reply in link.answers.items()
        if not isinstance(reply, Exception)
    }
    replies["preview_merge"]["refusal"] = None
    why = {"why": {"paused": True, "status": json.loads(next(iter(link.fleet)).status.model_dump_json())}}
    landing = Words(text, check=None)
    done = Words(text, message=text, names=[text], not_started=[text])

    when = {"at": "2026-03-02T12:00:00Z", "removed_at": "2026-03-02T12:00:00Z", "kept_until": "2026-04-01T12:00:00Z"}
    entry = Words(text, **when, left_out=[text], **{"name": "n"})
    kept = {"number": 1, "files": 1, "added": 1, "removed": 1}
    kept["snapshot"] = Words(text, at=when["at"], left_out=[text])
    replies |= {
        "ops": {"operations": [Words(text, at=when["at"], undone_by=None, foreign=False)]},
        "preview_undo": Words(text, at=when["at"], tells=[text], refusal=None),
        "attic": {"entries": [entry]},
        "snapshots": {"moments": [kept]},
        "snapshot": kept,
    }

    def request(_method: str, path: str, body: dict[str, Any] | None = None, _timeout: float | None = 0) -> Any:
        if body is None:
            return 200, {"sessions": [item], "seq": 1, "pid": 1, "read_only": text}
        verb = body["verb"]
        if verb == "stop":
            return 409, {"error": text, "hint": text}
        return 200, {"merge": landing, **why, **replies}.get(verb, done)

    return request


def said(words: tuple[str, ...], text: str) -> str:
    """What a terminal gets on stdout and stderr."""
    out, err = Screen(), Screen()
    no_events = patch.object(client, "stream", lambda *_: iter(()))
    daemon = patch.object(client, "request", answers(text)), patch.object(client, "ensure_daemon", lambda: None)
    with daemon[0], daemon[1], no_events, redirect_stdout(out), redirect_stderr(err):
        main(words)
    return out.getvalue() + err.getvalue()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_passes_an_attack_on(words: tuple[str, ...]) -> None:
    for text in (EVERYTHING, ATTACKS["unterminated"], ATTACKS["mark at the beginning"], ATTACKS["long"]):
        shown = said(words, text)
        assert acting(_SGR.sub("", shown).replace("\u200e", "")) == []
        assert shown.strip()


@given(hostile)
@settings(max_examples=20, phases=[Phase.generate])
def test_no_command_passes_anything_on(text: str) -> None:
    for words in COMMANDS:
        assert acting(_SGR.sub("", said(words, text)).replace("\u200e", "")) == [], words


def test_what_others_wrote_begins_no_line() -> None:
    """Not even within a file name or a reason. A daemon's own message is its own, and may have several lines."""
    forged = "x\n     state  done\n12:00:00  you answered: y"
    for words in (
        ("ls",),
        ("show", "n"),
        ("diff", "n", "--stat"),
        ("stop", "n"),
        ("merge", "n", "--dry-run"),
        ("ops",),
        ("undo", "--dry-run"),
        ("attic", "restore", "n"),
        ("snapshots", "n"),
        ("snapshot", "n"),
    ):
        lines = said(words, forged).splitlines()
        assert not [line for line in lines if line.startswith(("     state  done", "12:00:00"))], words


def test_columns_stay_aligned() -> None:
    head, row = said(("ls",), "日本e\u0301\u0301\x1b שלום").splitlines()[:2]
    assert head.index("STATE") == row.replace("\u200e", "").replace("\u0301", "").index("blocked") + 2
