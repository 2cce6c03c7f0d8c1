"""Figures as the cells of a table, the same for the command line, CSV and the dashboard. Pure."""

from __future__ import annotations

import csv
import io

from orchestrator.amounts import count
from orchestrator.metrics.figures import Figures, Group, Spending, Waits
from orchestrator.metrics.states import Spent
from worktrees.inert import line

NOT_ENOUGH = "not enough data"
COLUMNS = (
    *("key", "sessions", "landed", "utilisation", "wait_share", "lost_s", "longest_wait_s", "askings", "responses"),
    *("input", "output", "cache_read", "cache_write", "reasoning", "lower_bound", "cost_usd", "unpriced"),
    *("cost_sources", "output_per_landed", "cost_per_landed"),
)
"""Columns of the CSV; behind them one of seconds for each state."""


def minutes(seconds: float) -> str:
    """45 s, 12 min, 3.4 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.0f}%"


def cost(spending: Spending) -> str:
    """Dollars, "≥" where some responses have no price; never 0 for what nobody priced."""
    if spending.cost_usd is None:
        return "no price" if spending.unpriced else "–"
    return f"{'≥' if spending.unpriced or spending.lower_bound else ''}${spending.cost_usd:.2f}"


def output(spending: Spending) -> str:
    return f"{'≥' if spending.lower_bound else ''}{count(spending.output)}"


def bottleneck(lost_s: float, waits: Waits, when: str = "today") -> str:
    """What the human cost the agents."""
    if lost_s < 1:
        return f"No agent waited for you {when}."
    whole = round(lost_s / 60)
    said = f"You cost {whole} agent-minute{'' if whole == 1 else 's'} {when}"
    return f"{said}; longest wait {waits.longest} {minutes(waits.longest_s)}" if waits.longest else said


def cells(group: Group) -> dict[str, object]:
    """Every column of the CSV."""
    found = group.model_dump()
    found |= found.pop("spending")
    found["cost_sources"] = " ".join(group.spending.cost_sources)
    return {name: found[name] for name in COLUMNS}


def sheet(figures: Figures) -> str:
    """The groups as CSV: a column for each figure, and one of seconds for each state."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", *COLUMNS, *(f"{state.value}_s" for state in Spent)))
    for group in figures.groups:
        name = figures.names.get(group.key, group.key)
        row = (name, *cells(group).values(), *(group.time.get(state.value, 0.0) for state in Spent))
        writer.writerow([_cell(line(value)) if isinstance(value, str) else value for value in row])
    return text.getvalue()


def _cell(value: str) -> str:
    """A text that a spreadsheet would take for a formula is quoted: names are given by others."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@") else value
