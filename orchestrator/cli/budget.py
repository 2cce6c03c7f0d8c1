"""``orchestrator budget``, and the caps that ``run`` takes."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

from orchestrator.cli.output import CommandError, call, dump, fact, note, say, table


def budget(arguments: Namespace) -> int:
    """Show the caps, or change one."""
    changes = [name for name in ("set", "add", "lift") if getattr(arguments, name)]
    if len(changes) > 1:
        raise CommandError(f"--{changes[0]} and --{changes[1]} are two changes", "give one of them", 2)
    where = [bool(arguments.name), arguments.day, bool(arguments.account)]
    if changes and sum(where) != 1:
        raise CommandError("which cap?", "a session's NAME, --day, or --account AGENT", 2)
    if not changes:
        return _show(arguments)
    scope = "account" if arguments.account else "day" if arguments.day else "task" if arguments.task else "session"
    fields: dict[str, Any] = {"scope": scope, "session": arguments.name, "agent": arguments.account}
    if arguments.lift:
        fields["lift"] = True
    else:
        fields["own" if arguments.set else "add"] = amount(arguments.set or arguments.add).model_dump()
    reply = call("allow", **fields)
    if arguments.json:
        dump(reply)
    else:
        say(reply["message"])
    return 0


def _show(arguments: Namespace) -> int:
    from orchestrator.budgets.ask import BudgetReply

    reply = call("budget", session=arguments.name)
    shown = BudgetReply.model_validate(reply)
    if arguments.json:
        lines = [
            {**line.model_dump(mode="json"), "measures": [_measure(one) for one in line.measures]}
            for line in shown.lines
        ]
        dump({"lines": lines, "limited": reply["limited"]})
        return 0
    from orchestrator.budgets.telling import HEAD, cells, limits, remarks

    rows = [row for line in shown.lines for row in cells(line)]
    for text in table(HEAD, rows, frozenset({3, 4, 5, 6}), widest=40):
        say(text)
    for text in limits(shown, datetime.now(UTC)):
        fact(text)
    for text in remarks(shown):
        note(text)
    if not any(line.measures for line in shown.lines):
        note("nothing is capped; cap a session: orchestrator budget NAME --set '$5', all of a day: [budget] day")
    return 0


def _measure(one: Any) -> dict[str, Any]:
    return {**one.model_dump(mode="json"), "left": one.left, "reached": one.reached}


def amount(words: str) -> Any:
    """Dollars, tokens and hours in words. CommandError says what may stand there."""
    from orchestrator.budgets.amounts import amount as read

    try:
        return read(words)
    except ValueError as error:
        raise CommandError(str(error), "", 2) from error


def asked(arguments: Namespace) -> dict[str, Any] | None:
    """The cap that the options of ``run`` give; None when they give none."""
    if not any((arguments.budget, arguments.max_cost, arguments.max_tokens, arguments.max_hours)):
        return None
    from orchestrator.budgets.amounts import Amount

    found = amount(arguments.budget) if arguments.budget else Amount()
    for field, words, unit in (
        ("dollars", arguments.max_cost, "$"),
        ("tokens", arguments.max_tokens, "tokens"),
        ("hours", arguments.max_hours, "h"),
    ):
        if words:
            one = amount(f"{words}{unit}" if words.replace(".", "", 1).isdigit() else words)
            if getattr(one, field) is None:
                raise CommandError(f"{words!r} is no amount of {field}", "orchestrator run --help", 2)
            found = one.over(found)
    cap: dict[str, Any] = found.model_dump()
    return cap
