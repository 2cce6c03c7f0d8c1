"""``orchestrator stats``."""

from __future__ import annotations

import os
from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

from orchestrator.amounts import count
from orchestrator.cli.output import CommandError, call, dump, fact, note, say, table
from orchestrator.metrics.since import since

SOME_DAYS = "1d"


def stats(arguments: Namespace) -> int:
    """How busy the agents were, what waited for the human, and what it took."""
    if arguments.json and arguments.csv:
        raise CommandError("--json and --csv are two outputs", "give one of them", 2)
    found = figures(arguments.since, arguments.by)
    if arguments.json:
        dump(found)
    elif arguments.csv:
        from orchestrator.metrics.figures import Figures
        from orchestrator.metrics.lines import sheet

        say(sheet(Figures.model_validate(found)).rstrip("\n"))
    else:
        _print(found, arguments.since or SOME_DAYS)
    return 0


def import_usage(arguments: Namespace) -> int:
    """Take over the usage of conversations on this disk."""
    kept = ("HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "QWEN_RUNTIME_DIR", "QWEN_HOME")
    env = {name: os.environ[name] for name in (*kept, "PI_CODING_AGENT_DIR", "XDG_DATA_HOME") if name in os.environ}
    reply = call("import_usage", timeout=None, env=env)
    for why in reply["failed"]:
        note(f"not read: {why}")
    if arguments.json:
        dump(reply)
        return 0
    fact(f"{reply['responses']} responses read from {reply['files']} files; {reply['unchanged']} had nothing new.")
    say("What was known already is not counted again: orchestrator stats --since all")
    return 0


def figures(words: str | None, by: str) -> dict[str, Any]:
    """Ask the daemon for the figures since ``words``."""
    try:
        began = since(words or SOME_DAYS, datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise CommandError(
            f"--since {words!r} is no time", "for example 30m, 8h, 7d, today, 2026-03-01, all", 2
        ) from error
    found: dict[str, Any] = call("stats", since=began.isoformat() if began is not None else None, by=by)
    return found


def _print(found: dict[str, Any], when: str) -> None:
    from orchestrator.metrics.figures import Figures
    from orchestrator.metrics.lines import bottleneck, cost, minutes, output, percent

    figures = Figures.model_validate(found)
    total = figures.total
    if not figures.groups:
        say(f"Nothing happened since {figures.since.astimezone():%Y-%m-%d %H:%M}.")
        return
    rows = []
    for group in figures.groups:
        spending = group.spending
        prompt = spending.input + spending.cache_read + spending.cache_write
        rows.append(
            (
                figures.names.get(group.key, group.key) or "–",
                percent(group.utilisation),
                minutes(group.lost_s),
                minutes(group.longest_wait_s),
                str(group.askings),
                output(spending),
                count(spending.input),
                percent(spending.cache_read / prompt) if prompt else "–",
                cost(spending),
                str(group.landed),
            )
        )
    head = (figures.by.value.upper(), "BUSY", "LOST", "LONGEST", "ASKED", "OUT", "IN", "CACHE", "COST", "LANDED")
    for shown in table(head, rows, right=frozenset(range(1, 10)), widest=48):
        say(shown)
    span = (figures.until - figures.since).total_seconds()
    say("")
    fact(bottleneck(total.lost_s, figures.waits, f"in {minutes(span)}" if span < 3e8 else "in all"))
    _waits(figures)
    if figures.parallelism is not None:
        fact(f"At work at once: {figures.parallelism:.1f} on average, {figures.peak} at most.")
    _fit(figures)
    _rest(figures)


def _waits(figures: Any) -> None:
    from orchestrator.metrics.lines import minutes

    waits = figures.waits
    if total := waits.unnoticed_s + waits.queued_s + waits.handled_s:
        parts = [("not noticed", waits.unnoticed_s), ("noticed, you were elsewhere", waits.queued_s)]
        parts.append(("you were at it", waits.handled_s))
        said = ", ".join(f"{name} {minutes(part)} ({part / total * 100:.0f}%)" for name, part in parts)
        fact(f"Of the wait: {said}.")


def _fit(figures: Any) -> None:
    from orchestrator.metrics.lines import NOT_ENOUGH, minutes

    fit = figures.fit
    if not fit.enough or fit.neglect_s is None or fit.recommended is None:
        fact(f"How many agents you keep busy: {NOT_ENOUGH} ({fit.interactions} answers seen, 10 are needed).")
        return
    fact(
        f"An agent works {minutes(fit.neglect_s)} on its own, an answer takes you {minutes(fit.interaction_s)}: "
        f"fan-out {fit.fan_out:.1f} ({fit.fan_out_with_waits:.1f} with the waits)."
    )
    fact(f"You are asked for {fit.load * 100:.0f}% of your time with {fit.agents:.1f} agents.")
    fact(f"Up to {fit.recommended} agents keep that at or below 70%, a rule of thumb.")


def _rest(figures: Any) -> None:
    from orchestrator.metrics.lines import cost, minutes

    total = figures.total
    if total.landed:
        spent = f", ${total.cost_per_landed:.2f}" if total.cost_per_landed is not None else ""
        fact(f"For each of {total.landed} landed: {count(total.output_per_landed)} tokens out{spent}.")
    if total.spending.cost_sources:
        fact(f"Cost {cost(total.spending)} by: {', '.join(total.spending.cost_sources)}.")
    if total.spending.unpriced:
        note(f"{total.spending.unpriced} responses have no price")
    if total.spending.lower_bound:
        note("≥: interrupted responses are logged too low by the agents")
    if unknown := total.time.get("unknown"):
        note(f"{minutes(unknown)} unknown: nobody watched, or nothing told")
    if figures.behind:
        note(f"{figures.behind * 100:.0f}% of the ledger are still to be read")
