"""The demo without a terminal: every step of the main job is done and then checked in git, not in what we say of it."""

from __future__ import annotations

import time
from typing import Any

from orchestrator import client
from orchestrator.cli.output import CommandError, call, fetch, note, say, session
from orchestrator.demo.material import CHECK, NAMES, TASKS
from orchestrator.demo.stage import Stage, tests_pass

PATIENCE_S = 60.0


class DidNotHappen(Exception):
    """Something that the demo promises was not so."""


def run() -> int:
    """0 only if all of it happened."""
    began = time.monotonic()
    with Stage() as stage:
        try:
            _play(stage)
        except (DidNotHappen, CommandError, client.DaemonError) as error:
            stage.keep = True
            note(f"✗ {error}")
            if hint := getattr(error, "hint", ""):
                note(f"  → {hint}")
            return 1
    say(f"all of it happened, in {time.monotonic() - began:.1f} s")
    return 0


def _play(stage: Stage) -> None:
    stage.start()
    _ok(tests_pass(stage.repository), "a repository with a test suite that passes")
    _ok(len(fetch("/v1/fleet?json=ls")["sessions"]) == len(TASKS), "five agents in five worktrees and panes")
    _answers()
    _finished()
    _merges(stage)
    _conflict(stage)
    _removal(stage)
    _ok(tests_pass(stage.repository), "the tests pass on main with all that was merged")
    _ok(stage.git("status", "--porcelain") == "", "your checkout is clean and on the new main")


def _answers() -> None:
    """The two that wait for a human are found, answered once, and a late answer is refused."""
    asked = _until(NAMES.tests, "blocked", "permission")
    _ok(asked["question"]["command"] == CHECK, f"{NAMES.tests} waits: may it run {CHECK!r}?")
    choice = _until(NAMES.rounding, "blocked", "question")
    labels = [option["label"] for option in choice["question"]["options"]]
    _ok("Half to even" in labels, f"{NAMES.rounding} waits: {choice['question']['title']} ({', '.join(labels)})")
    call("answer", session=NAMES.tests, choice="y", question=asked["question"]["id"])
    call("answer", session=NAMES.rounding, choice="3", question=choice["question"]["id"])
    _ok(True, "both were answered: yes, and Half to even")
    try:
        call("answer", session=NAMES.tests, choice="y", question=asked["question"]["id"])
    except CommandError:
        _ok(True, "the same answer once more is refused: nobody asks any more")
    else:
        raise DidNotHappen("an answer to a question that is gone was taken")


def _finished() -> None:
    for name in NAMES.all:
        _until(name, "done", "idle")
    found = {item["name"]: item for item in fetch("/v1/fleet?json=ls")["sessions"]}
    _ok(all(item["tokens"]["output"] > 0 for item in found.values()), "all five finished; tokens were counted:")
    for name, item in found.items():
        tokens = item["tokens"]
        diff = item["diff"]
        say(f"     {name:<16} {sum(tokens.values()):>6} tokens  +{diff['added']} -{diff['removed']}")
    uncommitted = _wait_for(NAMES.voucher, lambda item: item["uncommitted"] == 1, "its uncommitted work is seen")
    _ok(uncommitted["ahead"] == 0, f"{NAMES.voucher} left its work uncommitted, and it is seen")


def _merges(stage: Stage) -> None:
    for name in (NAMES.readme, NAMES.tests, NAMES.rounding, NAMES.vat):
        landing = call("merge", timeout=None, session=name)
        _ok(landing["check"]["exit_code"] == 0, f"{name} merged after {landing['check']['command']!r} passed on it")
        _ok(stage.git("rev-parse", "main").strip() == landing["after"], f"main is {landing['after'][:10]}")
    _ok("test_nothing_costs_nothing" in stage.git("show", "main:tests/test_prices.py"), "the new test is on main")
    _ok("Half to even" in stage.git("show", "main:docs/rounding.md"), "your decision is on main")


def _conflict(stage: Stage) -> None:
    item = _wait_for(NAMES.voucher, lambda item: item["conflicts"] == ["shop/prices.py"], "a conflict is shown")
    _ok(True, f"{NAMES.voucher} would now conflict in {', '.join(item['conflicts'])}: shown before anyone merges")
    before = stage.git("rev-parse", "main")
    try:
        call("merge", timeout=None, session=NAMES.voucher)
    except CommandError as refused:
        _ok("conflict" in refused.message, f"its merge is refused: {refused.message}")
    else:
        raise DidNotHappen("a merge with a conflict went through")
    _ok(stage.git("rev-parse", "main") == before, "main did not move")
    patch = call("diff", session=NAMES.voucher)["patch"]
    _ok("voucher" in patch, "its work is all still there")


def _removal(stage: Stage) -> None:
    item = session(NAMES.voucher)
    call("remove", session=NAMES.voucher)
    attic = f"refs/orchestrator/attic/{item['id']}"
    kept = stage.git("for-each-ref", "--format=%(refname)", attic + "/").split()
    _ok(any("voucher" in stage.git("show", f"{ref}:shop/prices.py") for ref in kept), f"removed, and kept in {attic}")
    branches = stage.git("branch", "--list", item["branch"]).strip()
    _ok(branches == "", "its branch and worktree are gone")


def _until(name: str, *states: str) -> dict[str, Any]:
    """The session once its state is one of ``states`` (or its state and kind are those two)."""

    def there(item: dict[str, Any]) -> bool:
        if states[0] == "blocked":
            question = item["question"]
            return item["state"] == "blocked" and item["kind"] == states[1] and bool(question and question["options"])
        return item["state"] in states

    return _wait_for(name, there, " ".join(states))


def _wait_for(name: str, there: Any, what: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    answer = fetch("/v1/fleet?json=ls")
    item = session(name)
    if there(item):
        return item
    for envelope in client.stream(f"/v1/events?after={answer['seq']}", deadline):
        if envelope["session"] == item["id"]:
            item = session(name)
            if there(item):
                return item
    raise DidNotHappen(f"{name} is {item['state']} ({item['why']}), not {what}, after {PATIENCE_S:.0f} s")


def _ok(happened: bool, what: str) -> None:
    if not happened:
        raise DidNotHappen(what)
    say(f"✓ {what}")
