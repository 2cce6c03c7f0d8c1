"""``orchestrator train``, and ``orchestrator merge`` of several sessions."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from orchestrator.amounts import number
from orchestrator.cli.output import CommandError, call, dump, fact, note, say, table
from orchestrator.cli.trust import with_approval
from worktrees.inert import line

_ALONE = ("method", "check", "no_check", "message", "edit", "after", "only", "work")
PLACES = {"first": 1, "last": 0}


def merge_several(arguments: Namespace) -> int:
    """Form a train, follow it to its end; exit code 1 when something of it did not land."""
    for name in _ALONE:
        if getattr(arguments, name):
            raise CommandError(
                f"--{name.replace('_', '-')} is for one session", "several are merged as the settings say", 2
            )
    body: dict[str, Any] = {"sessions": arguments.names}
    if arguments.all_ready and not arguments.names:
        body["repository"] = _root(arguments.repo_of_train) if arguments.repo_of_train else None
    if arguments.dry_run:
        return _preview(call("preview_train", timeout=None, **body), arguments)
    body |= {"workers": arguments.workers, "priority": arguments.priority}
    body["return_failures"] = True if arguments.return_failures else None
    seq = _seq()
    train = with_approval("start_train", body, approved=arguments.trust)["train"]
    if arguments.detach:
        if arguments.json:
            dump(train)
        else:
            say(f"{len(_waiting(train))} wait to land on {train['target']}; see: orchestrator train")
        return 0
    train = _follow(train, seq, quiet=arguments.json)
    return _ended(train, arguments)


def train(arguments: Namespace) -> int:
    """Show the trains, or steer one."""
    repository = _root(arguments.repo) if arguments.repo is not None else None
    if arguments.do != "show":
        return _steer(arguments, repository)
    trains = [one for one in call("trains")["trains"] if repository in (None, one["repository"])]
    if arguments.json:
        dump(trains)
        return 0
    if not trains:
        say("No train has run. Form one: orchestrator merge A B C")
    for n, one in enumerate(trains):
        if n:
            say("")
        _show(one)
    return 0


def _steer(arguments: Namespace, repository: str | None) -> int:
    body: dict[str, Any] = {"do": arguments.do, "repository": repository, "session": arguments.name or ""}
    if arguments.do in ("move", "out") and not arguments.name:
        raise CommandError("which session?", f"orchestrator train {arguments.do} NAME", 2)
    if arguments.do == "move":
        place = arguments.place
        if place is None and arguments.priority is None:
            raise CommandError("where to?", "orchestrator train move NAME first, last or a number", 2)
        if place is not None and place not in PLACES and not (place.isdigit() and int(place)):
            raise CommandError(f"{place!r} is no place", "say first, last or a number from 1", 2)
        body["place"] = None if place is None else PLACES.get(place) if place in PLACES else int(place)
        body["priority"] = arguments.priority
    say(call("steer_train", **body)["message"])
    return 0


def _show(one: dict[str, Any]) -> None:
    fact(f"{one['repository']} → {one['target']}: {one['state']}" + (f" ({one['plan']})" if one["plan"] else ""))
    if one["trouble"]:
        fact(f"  it waits: {one['trouble']}")
        note("go on: orchestrator train resume")
    waiting = _waiting(one)
    rows = [
        (str(waiting.index(entry) + 1) if entry in waiting else "", line(entry["name"]), entry["state"], _why(entry))
        for entry in sorted(one["entries"], key=lambda entry: waiting.index(entry) if entry in waiting else 999)
    ]
    for shown in table(("", "SESSION", "STATE", "WHY"), rows, frozenset({0}), widest=100):
        say("  " + shown)
    for test in one["tests"]:
        if test["state"] == "runs":
            now = f", {test['now']}" if test["now"] else ""
            fact(f"  testing {', '.join(map(line, test['names']))}{now}")


def _why(entry: dict[str, Any]) -> str:
    parts = [entry["why"], entry["told"], "who it fails with is being found out" if entry["deciding"] else ""]
    return "; ".join(line(part) for part in parts if part)


def _preview(seen: dict[str, Any], arguments: Namespace) -> int:
    if arguments.json:
        dump(seen)
        return 0
    fact(f"{seen['repository']} → {seen['target']}, in this order:")
    for n, wagon in enumerate(seen["wagons"], 1):
        fact(
            f"  {n:>3}  {line(wagon['name'])}  {number(wagon['files'], 'file')}, +{wagon['added']} -{wagon['removed']}"
        )
        if wagon["refusal"]:
            fact(f"       cannot: {wagon['refusal']}")
        if wagon["conflicts"]:
            what = ", ".join(wagon["behind"]) or seen["target"]
            fact(f"       conflicts with {what} in {', '.join(wagon['conflicts'][:3])}")
    for check in seen["checks"]:
        fact(f"  check: {check}" + (" (not approved yet)" if seen["trust"] else ""))
    refused = [wagon["name"] for wagon in seen["wagons"] if wagon["refusal"]]
    if refused:
        raise CommandError(f"it would be refused: {', '.join(refused)}", f"orchestrator show {refused[0]}")
    return 0


def _follow(train: dict[str, Any], seq: int, *, quiet: bool) -> dict[str, Any]:
    """Say what happens until the train has ended, or waits for a human."""
    from orchestrator import client

    told: set[tuple[str, ...]] = set()
    try:
        for envelope in client.stream(f"/v1/events?after={seq}"):
            event = envelope["event"]
            if event["event"] != "train_moved" or event["train"]["id"] != train["id"]:
                continue
            train = event["train"]
            for words in [] if quiet else _news(train):
                if words not in told:
                    told.add(words)
                    note("  " + " ".join(words))
            if train["state"] != "runs":
                return train
    except client.DaemonError as error:
        raise CommandError(error.message, error.hint) from error
    raise CommandError("the daemon ended", "any command starts it, and the train goes on: orchestrator train")


def _news(train: dict[str, Any]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for test in train["tests"]:
        names = ", ".join(map(line, test["names"]))
        about = f" (because of {line(test['about'])})" if test["about"] else ""
        found.append(("test", names + about))
        if test["state"] != "runs":
            found.append((test["state"] + ":", names + (f", by {line(test['check'])}" if test["check"] else "")))
    for entry in train["entries"]:
        if entry["state"] == "landed":
            found.append((line(entry["name"]), "landed"))
        elif entry["state"] in ("rejected", "left") and not entry["deciding"]:
            found.append((line(entry["name"]), f"{entry['state']}: {_why(entry)}"))
    return found


def _ended(train: dict[str, Any], arguments: Namespace) -> int:
    if arguments.json:
        dump(train)
    landed = [entry["name"] for entry in train["entries"] if entry["state"] == "landed"]
    rest = [entry for entry in train["entries"] if entry["state"] != "landed"]
    if not arguments.json:
        if landed:
            fact(f"landed on {train['target']}: {', '.join(map(line, landed))}")
            note("go back, one at a time: orchestrator undo")
        for entry in rest:
            fact(f"{line(entry['name'])}: {entry['state']}: {_why(entry)}")
    if train["state"] == "paused":
        raise CommandError(
            f"the train waits: {train['trouble'] or 'you paused it'}", "go on: orchestrator train resume"
        )
    if rest and not arguments.json:
        raise CommandError(f"{len(rest)} did not land", "orchestrator train shows why")
    return 1 if rest else 0


def _waiting(train: dict[str, Any]) -> list[dict[str, Any]]:
    found = [entry for entry in train["entries"] if entry["state"] in ("waits", "lands")]
    return sorted(found, key=lambda entry: -int(entry["priority"]))


def _seq() -> int:
    from orchestrator import client

    return int(client.request("GET", "/v1/about")[1]["seq"])


def _root(path: str) -> str:
    return str(Path(path).expanduser().absolute())
