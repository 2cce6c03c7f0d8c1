"""Commands of the time machine: snapshots, snapshot, restore, and diff between snapshots."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from orchestrator.cli.look import age, since
from orchestrator.cli.output import call, dump, note, say, session, table
from worktrees.inert import line

SHOWN = 12
"""Files of a restore that are named; --json has all."""


def snapshots(arguments: Namespace) -> int:
    """What was kept of a session, newest first."""
    moments: list[dict[str, Any]] = call("snapshots", session=arguments.name)["moments"]
    if arguments.json:
        dump(moments)
        return 0
    if not moments:
        note(f"there is no snapshot of {arguments.name} yet; make one: orchestrator snapshot {arguments.name}")
        return 0
    rows = [
        (
            str(moment["number"]),
            age(since(moment["snapshot"]["at"])),
            line(moment["snapshot"]["reason"])[:60],
            *(str(moment[key] or "") for key in ("files", "added", "removed")),
            moment["snapshot"]["parent"][:10] or "none",
        )
        for moment in moments
    ]
    for text in table(("N", "AGE", "REASON", "FILES", "+", "-", "HEAD"), rows, frozenset({0, 1, 3, 4, 5})):
        say(text)
    _left_out(moments[0]["snapshot"])
    return 0


def snapshot(arguments: Namespace) -> int:
    """Keep what is there now."""
    moment = call("snapshot", session=arguments.name, words=arguments.message or "", timeout=None)
    if arguments.json:
        dump(moment)
        return 0
    say(f"snapshot {moment['number']} of {arguments.name} ({line(moment['snapshot']['reason'])})")
    _left_out(moment["snapshot"])
    note(f"go back to it: orchestrator restore {arguments.name} {moment['number']}")
    return 0


def restore(arguments: Namespace) -> int:
    """Bring it back, or say what would come back."""
    about = session(arguments.name)
    done = call(
        "restore",
        timeout=None,
        session=about["id"],
        snapshot=arguments.snapshot,
        path=arguments.path,
        head=arguments.head,
        dry_run=arguments.dry_run,
    )
    if arguments.json:
        dump(done)
        return 0
    _told(about, done, arguments)
    return 0


def _told(about: dict[str, Any], done: dict[str, Any], arguments: Namespace) -> None:
    name, number = about["name"], int(done["to"]["ref"].rsplit("/", 1)[-1])
    what = f"{line(done['path'])} of snapshot {number}" if done["path"] else f"snapshot {number}"
    reason = line(done["to"]["reason"])
    say(f"{name}: {what} ({reason}) {'would come back' if arguments.dry_run else 'is back'}")
    if done["rebuilt"]:
        say(f"  the worktree {about['worktree']} was gone and {'would be' if arguments.dry_run else 'is'} made anew")
    changes = done["changes"]
    for change in changes[:SHOWN]:
        kind = {"A": "comes back", "D": "goes"}.get(change["kind"], "as it was then")
        counts = "binary" if change["binary"] else f"+{change['added']} -{change['removed']}"
        say(f"  {kind:>14}  {line(change['path'])}  {counts}")
    if len(changes) > SHOWN:
        say(f"  {'…':>14}  {len(changes) - SHOWN} more files")
    if not changes and not done["rebuilt"]:
        say("  no file differs")
    for path in done["left_alone"][:SHOWN]:
        note(f"  left alone: {line(path)} (ignored, not in that snapshot)")
    _head(about, done, arguments)
    if done["before"]:
        before = int(done["before"]["ref"].rsplit("/", 1)[-1])
        note(f"what was there is snapshot {before}; back to it: orchestrator restore {name} {before}")


def _head(about: dict[str, Any], done: dict[str, Any], arguments: Namespace) -> None:
    then, now = done["to"]["parent"][:10], done["head_now"][:10]
    if done["head_moves"]:
        say(f"  {about['branch']} {'would be' if arguments.dry_run else 'is'} at {then} again, was {now or 'gone'}")
    elif then and now and then != now:
        note(f"HEAD was {then} then and stays {now}; with --head {about['branch']} goes back too")


def compare(arguments: Namespace) -> dict[str, Any]:
    """The diff that --from, --to and --turn ask for."""
    old, new = arguments.old, arguments.new
    found: dict[str, Any] = call("compare", session=arguments.name, old=old, new=new, turn=arguments.turn)
    return found


def _left_out(kept: dict[str, Any]) -> None:
    names = kept["left_out"]
    if names:
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        note(f"not kept, only in the worktree: {', '.join(map(line, names[:6]))}{more}")
