"""Commands that steer a session: send, answer, interrupt, stop, resume, pause, attach, update, merge, rm."""

from __future__ import annotations

import os
import sys
import threading
from argparse import Namespace
from typing import Any

from orchestrator.amounts import number
from orchestrator.cli.editing import edited
from orchestrator.cli.output import CommandError, ask, call, dump, fact, note, say, session, sessions
from orchestrator.cli.review import chosen
from orchestrator.cli.trust import with_approval
from worktrees.inert import block, line


def send(arguments: Namespace) -> int:
    text = sys.stdin.read().rstrip("\n") if arguments.text == ["-"] else " ".join(arguments.text)
    if not text.strip():
        raise CommandError("the message is empty", "", 2)
    return _done(call("send", session=arguments.name, text=text))


def answer(arguments: Namespace) -> int:
    if not arguments.choice and not arguments.text:
        item = session(arguments.name)
        options = item["question"]["options"] if item["question"] else []
        hint = "choose one of: " + " · ".join(f"{option['key']} {option['label']}" for option in options)
        raise CommandError("which answer?", hint if options else "orchestrator show " + arguments.name, 2)
    if arguments.same:
        return _answer_same(arguments)
    fields = {"choice": arguments.choice, "text": arguments.text, "question": arguments.question}
    return _done(call("answer", session=arguments.name, **fields))


def _answer_same(arguments: Namespace) -> int:
    """One answer for all that ask the very same, each by its own question; says who they are before."""
    from orchestrator.cli.look import risk

    name = session(arguments.name)["id"]
    known = {item["id"]: item for item in sessions()}  # one look: all of them ask the same in it
    if name not in known:
        raise CommandError(f"{arguments.name} is gone", "orchestrator ls")
    item = known[name]
    first = item["question"]
    if first is None or arguments.question not in (None, first["id"]):
        raise CommandError(f"{item['name']} asks nothing now, or something else", f"orchestrator show {item['name']}")
    asking = [item, *(known[other] for other in first["same"] if other in known)]
    note(block(first["command"] or first["title"] or first["text"]) + (f"\n{risk(first)}" if first["risk"] else ""))
    for other in asking:
        note(f"  {line(other['name'])}  in {line(other['worktree'])}")
    given = arguments.choice or arguments.text
    names = ", ".join(other["name"] for other in asking)
    if len(asking) > 1 and not arguments.yes and not ask(f"Answer {names} with {given!r}?"):
        raise CommandError("nothing was answered", f"orchestrator answer --same --yes {item['name']} {given}")
    failed = []
    for other in asking:
        fields = {"choice": arguments.choice, "text": arguments.text, "question": other["question"]["id"]}
        try:
            call("answer", session=other["id"], **fields)
            say(f"answered {other['name']}")
        except CommandError as error:
            failed.append(other["name"])
            note(f"{other['name']} was not answered: {error.message}")
    if failed:
        raise CommandError(f"not answered: {', '.join(failed)}", f"orchestrator show {failed[0]}")
    return 0


def interrupt(arguments: Namespace) -> int:
    return _done(call("interrupt", session=arguments.name))


def stop(arguments: Namespace) -> int:
    return _done(call("stop", session=arguments.name))


def resume(arguments: Namespace) -> int:
    from orchestrator.cli.run import environment

    if arguments.all == bool(arguments.names):
        raise CommandError("which sessions?", "name them, or: orchestrator resume --all", 2)
    if arguments.all:
        said = call("resume_all", timeout=None, env=environment())
    else:
        said = {"names": [], "failed": {}, "left": []}
        for name in arguments.names:
            try:
                call("resume", session=name, env=environment())
                said["names"].append(name)
            except CommandError as error:
                said["failed"][name] = f"{error.message} → {error.hint}" if error.hint else error.message
    return _resumed(said, arguments)


def _resumed(said: dict[str, Any], arguments: Namespace) -> int:
    if arguments.json:
        dump(said)
    else:
        for name in said["names"]:
            say(f"{name}  goes on")
        if not said["names"] and not said["failed"]:
            say("nothing was lost or crashed")
        if said["left"]:
            note(f"left as you left them: {', '.join(said['left'])}  (by name: orchestrator resume NAME)")
    if not said["failed"]:
        return 0
    (name, reason), *others = said["failed"].items()
    if others and not arguments.json:
        for other, why in others:
            note(f"{other} did not start: {why}")
    message, _, hint = reason.partition(" → ")
    raise CommandError(f"{name} did not start: {message}" if arguments.all or others else message, hint)


def pause(arguments: Namespace) -> int:
    return _done(call("pause", session=arguments.name, paused=True))


def unpause(arguments: Namespace) -> int:
    return _done(call("pause", session=arguments.name, paused=False))


def update(arguments: Namespace) -> int:
    return _done(call("update", session=arguments.name, timeout=None))


def attach(arguments: Namespace) -> int:
    """Become tmux's client of the pane; inside our own server, switch to it instead."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError("attach needs a terminal", f"read what happened instead: orchestrator log {arguments.name}")
    reply = call("attach", session=arguments.name)
    argv: list[str] = reply["argv"]
    inside = os.environ.get("TMUX", "").split(",")[0]
    if inside and os.path.realpath(inside) == os.path.realpath(reply["socket"]):
        argv = [*argv[:3], "switch-client", "-t", f"={reply['target']}"]
    elif inside:
        note("a tmux inside of your tmux: leave it with your prefix twice, then d")
        os.environ.pop("TMUX")
    sys.stdout.flush()
    os.execv(argv[0], argv)


def merge(arguments: Namespace) -> int:
    """Land the work and say each step; several works as a train."""
    if arguments.all_ready or len(arguments.names) > 1:
        from orchestrator.cli.train import merge_several

        return merge_several(arguments)
    if not arguments.names:
        raise CommandError("which session?", "name one or several, or: orchestrator merge --all-ready", 2)
    item = session(arguments.names[0])
    method = arguments.method
    checks = () if arguments.no_check else arguments.check
    part = chosen(item, arguments.only)
    if arguments.dry_run:
        return _preview(item, method, checks, part, arguments)
    message = _message(item, method, arguments)
    watching = threading.Thread(target=_steps, args=(item,), daemon=True)
    if not arguments.json:
        watching.start()
    body = {"session": item["id"], "method": method, "checks": checks, "message": message}
    body |= {"work": arguments.work, "after": arguments.after, "part": part}
    landing = with_approval("merge", body, approved=arguments.trust)
    if arguments.json:
        dump(landing)
        return 0
    what = f"part of {item['name']}" if landing["partial"] else item["name"]
    fact(f"{what} landed on {landing['target']}: {landing['before'][:10]} → {landing['after'][:10]}")
    if landing["check"] and landing["check"]["flaky"]:
        note(f"flaky: {landing['check']['command']} failed at first, and passed when it was run once more")
    if landing["updated_checkout"]:
        note(f"your checkout {line(landing['updated_checkout'])} was brought along")
    note(f"go back: orchestrator undo {landing['operation']}")
    then = f"the rest stays with {item['name']}: orchestrator merge {item['name']} lands it too"
    note(landing["then"] or (then if landing["partial"] else f"remove the session: orchestrator rm {item['name']}"))
    return 0


def _message(item: dict[str, Any], method: str | None, arguments: Namespace) -> str | None:
    """What was given, or what a model drafts where the settings ask for it, edited if the human wants to."""
    from orchestrator.cli.run import environment

    text: str | None = arguments.message
    if text is None:
        drafted = call("draft", session=item["id"], method=method, env=environment())
        text = drafted["message"]
        if drafted["note"]:
            note(drafted["note"])
    return edited(text) if arguments.edit else text


def _preview(item: dict[str, Any], method: str | None, checks: Any, part: Any, arguments: Namespace) -> int:
    seen = call("preview_merge", session=item["id"], method=method, checks=checks, part=part)
    if arguments.json:
        dump(seen)
        return 0
    fact(f"{item['branch']} → {seen['target']} by {seen['method']}")
    fact(f"  {number(seen['files'], 'file')}, +{seen['added']} -{seen['removed']}, {seen['uncommitted']} uncommitted")
    if seen["trespass"]:
        fact(f"  not landed, and on {seen['target']}: {seen['trespass']}")
    if seen["again"]:
        fact("  part of it landed before: only what came after lands")
    if seen["stacked"]:
        fact(f"  stacked on {seen['stacked']}, which has not landed")
    fact(f"  {seen['behind']} commits behind {seen['target']}")
    for path in seen["conflicts"]:
        fact(f"  conflict: {path}")
    for check in seen["checks"]:
        fact(f"  check: {check}" + (" (not approved yet)" if seen["trust"] else ""))
    if seen["changes_rules"]:
        fact(f"  it changes .orchestrator.toml; for this merge that of {seen['target']} holds")
    if seen["refusal"]:
        raise CommandError(f"it would be refused: {seen['refusal']}", seen["hint"])
    fact("  it would merge")
    return 0


def _steps(item: dict[str, Any]) -> None:
    """Print the steps of a merge as they happen; the merge's own reply tells how it ended."""
    from orchestrator import client

    try:
        seq = client.request("GET", "/v1/about")[1]["seq"]
        for envelope in client.stream(f"/v1/events?after={seq}"):
            if envelope["session"] == item["id"] and envelope["event"]["event"] == "merging":
                note(f"  {envelope['event']['step']}")
    except client.DaemonError:
        return


def rm(arguments: Namespace) -> int:
    """Remove; asks first when something runs or is not landed and a human sits there."""
    item = session(arguments.name)
    seen = call("preview_remove", session=item["id"])
    reasons = []
    if seen["running"]:
        reasons.append(f"its program runs ({item['state']})")
    if seen["uncommitted"]:
        reasons.append(f"{seen['uncommitted']} files are uncommitted")
    if seen["unmerged"]:
        reasons.append(f"{seen['unmerged']} commits are not in {item['target']}")
    if reasons and not arguments.yes:
        note(f"{item['name']}: {', '.join(reasons)}. All of it is kept under {seen['attic']}.")
        if not ask(f"Remove {item['name']}?"):
            raise CommandError(f"{item['name']} was not removed", f"orchestrator rm --yes {item['name']}")
    return _done(call("remove", session=item["id"], timeout=None))


def _done(reply: dict[str, Any]) -> int:
    if reply.get("message"):
        say(reply["message"])
    return 0
