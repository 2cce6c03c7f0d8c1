"""What the search begins with: attacks, recorded lines of real agents, files as people write them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from tests.fuzz.targets import NAMES
from tests.hostile import ATTACKS, EVERYTHING

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
_RULE = b'[[rule]]\nname = "x"\nstate = "idle"\nall = ["^> "]\noptions = "^(?P<key>\\\\d)\\\\. (?P<label>.*)"\n'
_SETTINGS = b'[run]\nagent = "claude"\n[merge]\nchecks = ["make"]\nmethod = "ff"\n[worktree]\ncopy = [".env"]\n'
_JSON = (
    b'{"type": "\\ud83d", "text": "\\udc00"}',
    b"[" * 5000,
    b'{"a": ' * 3000,
    b'{"type": "usage", "input": 1e400, "output": -5, "cost_usd": NaN}',
    b'{"type":"question","id":"q","title":"\\ud800","options":[{"key":"1","label":"\\udfff"}]}',
    b"\xff\xfe{}\n\n{",
    b'{"type":"assistant","message":{"content":[{"type":"text","text":"\\ud83d?"}],"usage":{"input_tokens":-1}}}',
    b'{"hook_event_name":"Notification","message":"\\ud83d"}',
)
_STEPS = (b"a{}\n\xfea{\xfea}\n\xfet12\xfer{}\n\xfea\n\n", b"a" + b"x" * 3000 + b"\n\xfet\xfea{}\n")
_COMMANDS = (
    {"verb": "send", "session": "x", "text": "y"},
    {"verb": "answer", "session": "x", "choice": "1"},
    {"verb": "run", "repository": "/x", "prompt": "y", "env": {}},
    {"seq": 1, "at": "2026-03-02T12:00:00Z", "session": "s", "event": {"event": "said", "text": "x"}},
)


def seeds(target: str) -> list[bytes]:
    attacks = [text.encode("utf-8", "surrogatepass") for text in (*ATTACKS.values(), EVERYTHING)]
    match target:
        case "inert" | "picture" | "rules":
            return attacks + (recorded("look") if target == "rules" else [])
        case "own_rules":
            return [_RULE, *attacks[:3]]
        case "settings":
            return [_SETTINGS, *attacks[:3]]
        case "follow":
            return [*_STEPS]
        case "wire":
            return [json.dumps(command).encode() for command in _COMMANDS]
        case _:
            return [*_JSON, *recorded("read"), *attacks]


def recorded(what: str) -> list[bytes]:
    """Of each agent some screens (``look``) or lines of its files (``read``) from two recordings."""
    found = []
    for name in NAMES:
        for path in sorted(CORPUS.glob(f"{name}/*/*.jsonl.gz"))[:2]:
            with gzip.open(path, "rt", encoding="utf-8") as tape:
                rows = [row for row in map(json.loads, tape) if row.get("what") == what and row["lines"]]
            found += [
                "\n".join(row["lines"]).encode("utf-8", "surrogatepass")[:4096] for row in rows[:: len(rows) // 4 or 1]
            ]
    return found
