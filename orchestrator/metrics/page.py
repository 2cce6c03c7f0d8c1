"""The figures as one HTML page with charts of inline SVG. Pure: no script, no network, nothing to fetch."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from orchestrator.amounts import count
from orchestrator.metrics.asking import Drawn
from orchestrator.metrics.figures import Figures, Group
from orchestrator.metrics.lines import NOT_ENOUGH, bottleneck, cost, minutes, output, percent
from orchestrator.metrics.states import Spent
from worktrees.inert import line

COLOURS = {
    Spent.WORKING: "#2f81f7",
    Spent.BACKGROUND: "#79b8ff",
    Spent.BLOCKED: "#e3a008",
    Spent.UNREVIEWED: "#3fb950",
    Spent.IDLE: "#c9d1d9",
    Spent.RATE_LIMITED: "#a371f7",
    Spent.FAILED: "#f85149",
    Spent.LOST: "#b62324",
    Spent.UNKNOWN: "#8b949e",
    Spent.PAUSED: "#6e7681",
    Spent.SUSPENDED: "#484f58",
    Spent.ENDED: "#eaeef2",
}
_WORDS = {Spent.BLOCKED: "waits for you", Spent.UNREVIEWED: "done, not looked at", Spent.BACKGROUND: "background work"}
WIDTH, HEIGHT, LABEL, ROW = 1000, 160, 170, 18
_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1060px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.big { font-size: 1.25rem; font-weight: 600 }
svg { width: 100%; height: auto; display: block } svg text { font: 12px system-ui, sans-serif; fill: currentColor }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #8884 }
th:first-child, td:first-child { text-align: left }
.key { display: inline-block; margin-right: 1rem; white-space: nowrap }
.key i { display: inline-block; width: .8em; height: .8em; margin-right: .35em; border: 1px solid #8888 }
small { opacity: .75 }
@media (max-width: 640px) {
  table { display: block; overflow-x: auto; white-space: nowrap }
  svg text { font-size: 21px }
}
"""


def page(figures: Figures, drawn: Drawn, order: Sequence[str], names: dict[str, str], tables: Sequence[Figures]) -> str:
    """A whole document. ``order``: the sessions of the strips; ``tables``: further groupings."""
    since, until = (at.astimezone() for at in (figures.since, figures.until))
    window = f"{since:%Y-%m-%d %H:%M} – {until:%Y-%m-%d %H:%M}"
    used = [state for state in Spent if figures.total.time.get(state.value)]
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        "<meta name='viewport' content='width=device-width'><title>orchestrator: time and tokens</title>",
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>Are my agents busy, and if not, is it me?</h1><p>{_text(window)}</p>",
        f"<p class='big'>{_text(bottleneck(figures.total.lost_s, figures.waits, 'in this time'))}</p>",
        *(f"<p>{_text(said)}</p>" for said in _said(figures)),
        "<h2>Output tokens per second</h2>",
        _chart(drawn),
        "<h2>What every session was in</h2>",
        "<p>" + "".join(_key(state) for state in used) + "</p>",
        _strips(drawn, order, names),
        "<h2>How the wait for you was made up</h2>",
        _waits(figures),
        *(_table(one) for one in (figures, *tables)),
        "<p><small>Every figure is defined in docs/metrics.md. ≥: interrupted responses are logged too low. "
        "The recommended number of agents is a rule of thumb.</small></p></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _text(text: str) -> str:
    """A text of anybody: it acts neither on a terminal nor on the page."""
    return escape(line(text))


def _said(figures: Figures) -> list[str]:
    total, fit = figures.total, figures.fit
    found = [
        f"Busy {percent(total.utilisation)} of the time that they could be, "
        f"waiting for you {percent(total.wait_share)} of their life."
    ]
    if figures.parallelism is not None:
        found.append(f"At work at once: {figures.parallelism:.1f} on average, {figures.peak} at most.")
    if fit.enough and fit.fan_out is not None and fit.recommended is not None:
        found.append(
            f"An agent works {minutes(fit.neglect_s or 0)} on its own, "
            f"an answer takes you {minutes(fit.interaction_s or 0)}: "
            f"fan-out {fit.fan_out:.1f}; up to {fit.recommended} agents keep you at or below 70% load."
        )
    else:
        found.append(f"How many agents you keep busy: {NOT_ENOUGH} ({fit.interactions} answers seen, 10 are needed).")
    landed = f" {total.landed} landed" + (
        f", {count(total.output_per_landed)} tokens each" if total.output_per_landed else ""
    )
    found.append(
        f"{output(total.spending)} tokens out, {count(total.spending.input)} in, {cost(total.spending)};{landed}."
    )
    if total.time.get("unknown"):
        found.append(f"{minutes(total.time['unknown'])} unknown: nobody watched, or nothing told.")
    return found


def _chart(drawn: Drawn) -> str:
    top = max(drawn.rates, default=0.0) or 1.0
    width = (WIDTH - LABEL) / max(1, len(drawn.rates))
    bars = [
        f"<rect x='{LABEL + n * width:.2f}' y='{HEIGHT - rate / top * HEIGHT:.2f}' width='{max(0.5, width - 0.5):.2f}' "
        f"height='{rate / top * HEIGHT:.2f}' fill='#2f81f7'><title>{rate:.0f} tok/s</title></rect>"
        for n, rate in enumerate(drawn.rates)
        if rate > 0
    ]
    long = (drawn.until - drawn.since).total_seconds() > 43200
    began, ended = (f"{at.astimezone():{'%d %b %H:%M' if long else '%H:%M'}}" for at in (drawn.since, drawn.until))
    marks = [
        f"<text x='{LABEL - 8}' y='12' text-anchor='end'>{max(drawn.rates, default=0):,.0f} tok/s</text>",
        f"<text x='{LABEL - 8}' y='{HEIGHT}' text-anchor='end'>0</text>",
        f"<line x1='{LABEL}' x2='{WIDTH}' y1='{HEIGHT}' y2='{HEIGHT}' stroke='currentColor' stroke-opacity='.4'/>",
        f"<text x='{LABEL}' y='{HEIGHT + 16}'>{began}</text>",
        f"<text x='{WIDTH}' y='{HEIGHT + 16}' text-anchor='end'>{ended}</text>",
    ]
    return _svg(HEIGHT + 22, [*bars, *marks], "Output tokens per second over time")


def _strips(drawn: Drawn, order: Sequence[str], names: dict[str, str]) -> str:
    shapes = []
    shown = [session for session in order if any(drawn.states.get(session, ()))]
    for row, session in enumerate(shown):
        states = drawn.states[session]
        width, y = (WIDTH - LABEL) / len(states), row * ROW
        name = line(names.get(session, session))
        shapes.append(f"<text x='0' y='{y + 13}'>{escape(name if len(name) < 25 else name[:23] + '…')}</text>")
        began = 0
        for n in range(1, len(states) + 1):
            if n < len(states) and states[n] is states[began]:
                continue
            if (state := states[began]) is not None:
                shapes.append(
                    f"<rect x='{LABEL + began * width:.2f}' y='{y + 2}' width='{(n - began) * width:.2f}' "
                    f"height='{ROW - 4}' "
                    f"fill='{COLOURS[state]}'><title>{escape(name)}: {_word(state)}</title></rect>"
                )
            began = n
    return _svg(max(1, len(shown)) * ROW, shapes, "States of every session over time")


def _waits(figures: Figures) -> str:
    waits = figures.waits
    parts = (
        ("not noticed", waits.unnoticed_s, "#b62324"),
        ("noticed, you were elsewhere", waits.queued_s, "#e3a008"),
        ("you were at it", waits.handled_s, "#3fb950"),
    )
    total = sum(seconds for _, seconds, _ in parts)
    if total <= 0:
        return "<p>Nobody waited.</p>"
    shapes, at = [], 0.0
    for name, seconds, colour in parts:
        width = seconds / total * WIDTH
        shapes.append(
            f"<rect x='{at:.2f}' y='0' width='{width:.2f}' height='24' fill='{colour}'><title>{name}</title></rect>"
        )
        at += width
    keys = "".join(
        f"<span class='key'><i style='background:{colour}'></i>{name} "
        f"{minutes(seconds)} ({seconds / total * 100:.0f}%)</span>"
        for name, seconds, colour in parts
    )
    return _svg(24, shapes, "Parts of the wait") + f"<p>{keys}</p>"


def _table(figures: Figures) -> str:
    head = ("busy", "lost", "longest", "asked", "out", "in", "cost", "landed")
    rows = "".join(_row(figures.names.get(group.key, group.key) or "–", group) for group in figures.groups)
    cells = "".join(f"<th>{name}</th>" for name in (figures.by.value, *head))
    return f"<h2>By {figures.by.value}</h2><table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>"


def _row(name: str, group: Group) -> str:
    spending = group.spending
    cells = (
        *(name, percent(group.utilisation), minutes(group.lost_s), minutes(group.longest_wait_s), str(group.askings)),
        *(output(spending), count(spending.input), cost(spending), str(group.landed)),
    )
    return "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"


def _word(state: Spent) -> str:
    return _WORDS.get(state, state.value.replace("_", " "))


def _key(state: Spent) -> str:
    return f"<span class='key'><i style='background:{COLOURS[state]}'></i>{_word(state)}</span>"


def _svg(height: int, shapes: Sequence[str], title: str) -> str:
    return f"<svg viewBox='0 0 {WIDTH} {height}' role='img' aria-label='{escape(title)}'>" + "".join(shapes) + "</svg>"
