"""``orchestrator review``, ``comment`` and ``comments``: what was looked at of a work, and what was said of it."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from orchestrator.cli.output import CommandError, call, dump, fact, note, say, session, table
from worktrees.inert import block, line


def review(arguments: Namespace) -> int:
    """The files with what was looked at of them, and the comments."""
    from worktrees.patches import Entry, read

    item = session(arguments.name)
    seen = call("review", session=item["id"], since=arguments.since)
    files = [Entry.model_validate(file) for file in seen["files"]]
    parts = read(seen["patch"], files)
    marks = set(seen["marks"])
    rows, told = [], []
    for n, file in enumerate(files):
        items = parts[n].items if n < len(parts) else ()
        done = sum(one in marks for one in items)
        state = "" if not done else "looked at" if done == len(items) else f"{done} of {len(items)}"
        counts = ("binary", "") if file.added is None else (f"+{file.added}", f"-{file.removed or 0}")
        rows.append((file.kind, file.new, *counts, state))
        told.append({**file.model_dump(), "items": len(items), "looked_at": done})
    if arguments.json:
        dump({**{key: seen[key] for key in ("base", "origin", "tree", "since", "left", "remarks")}, "files": told})
        return 0
    if not rows:
        say(f"Nothing differs from {line(seen['base'])}.")
    for shown in table(("", "FILE", "", "", "LOOKED AT"), rows, frozenset({2, 3}), widest=100):
        say(shown)
    if seen["remarks"]:
        say("")
        _list(seen["remarks"])
    note(f"{seen['left']} files are not looked at as a whole")
    return 0


def comment(arguments: Namespace) -> int:
    """Comment on a line or range of a file, edit a comment, or take one back."""
    item = session(arguments.name)
    words = list(arguments.words)
    if arguments.delete is not None:
        call("comment", session=item["id"], id=arguments.delete, text="")
        say(f"comment {line(arguments.delete)} is taken back")
        return 0
    fields: dict[str, Any] = {"id": arguments.edit}
    if arguments.edit is None:
        path, first, last = _place(words.pop(0) if words else "")
        fields = {"path": path, "first": first, "last": last, "side": "old" if arguments.before else "new"}
    text = sys.stdin.read() if words == ["-"] else " ".join(words)
    if not text.strip():
        raise CommandError("the comment is empty", f'orchestrator comment {item["name"]} FILE:LINE "what to change"', 2)
    made = call("comment", session=item["id"], text=text, **fields)
    if arguments.json:
        dump(made)
        return 0
    _list([made])
    note(f"send it with all others: orchestrator comments {item['name']} --send")
    return 0


def comments(arguments: Namespace) -> int:
    """List the comments, or send those that the agent does not have as one message."""
    item = session(arguments.name)
    if arguments.send:
        reply = call("send_comments", session=item["id"])
        if arguments.json:
            dump(reply)
        else:
            say(reply["message"])
        return 0
    remarks = call("review", session=item["id"], patch=False)["remarks"]
    if arguments.json:
        dump(remarks)
    elif remarks:
        _list(remarks)
    else:
        note(f'there are no comments; make one: orchestrator comment {item["name"]} FILE:LINE "what to change"')
    return 0


def chosen(item: dict[str, Any], names: list[str]) -> dict[str, Any] | None:
    """Only these files of the session's work, as a merge takes them; None: all of it."""
    if not names:
        return None
    seen = call("review", session=item["id"], patch=False)
    picks = []
    for name in names:
        wanted = name.rstrip("/")
        found = [
            n for n, file in enumerate(seen["files"]) if file["new"] == wanted or file["new"].startswith(wanted + "/")
        ]
        if not found:
            raise CommandError(f"nothing of {name} was changed", f"orchestrator review {item['name']}", 2)
        picks += [n for n in found if n not in picks]
    return {"origin": seen["origin"], "tree": seen["tree"], "picks": [{"file": n} for n in sorted(picks)]}


def _place(word: str) -> tuple[str, int, int]:
    """``FILE:LINE`` or ``FILE:FIRST-LAST``."""
    path, colon, lines = word.rpartition(":")
    first, _, last = lines.partition("-")
    if not (path and colon and first.isdigit() and (last or first).isdigit()):
        raise CommandError(f"{word!r} is no place in a file", "give FILE:LINE, or FILE:FIRST-LAST for several", 2)
    return path, int(first), int(last or first)


def _list(remarks: list[dict[str, Any]]) -> None:
    for remark in remarks:
        last = f"-{remark['last']}" if remark["last"] != remark["first"] else ""
        before = " (as it was before)" if remark["side"] == "old" else ""
        sent = "  sent" if remark["sent"] else ""
        fact(f"{remark['id']}  {remark['path']}:{remark['first']}{last}{before}{sent}")
        for text in remark["quote"][:6]:
            say(f"   > {block(text, 4)}")
        for text in block(remark["text"], 4).splitlines():
            say(f"   {text}")
