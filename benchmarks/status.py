"""How often the status is right: the recorded corpus replayed through the detector, per agent and state.

``make status-bench``. The figures come from everything that the agent told and showed; *screen alone* leaves out its
files, hooks and bytes. Latencies were measured when the corpus was recorded, from the moment's mark on the raw screen
to the ledger; a negative one says that the agent told before it drew. Exit code 1 when a promise is not kept.
"""

from __future__ import annotations

import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from sessions.models import State
from tests.record.replay import Outcome, corpus, replay

PROMISE = 0.995
SHOWN = frozenset({"screen", "output", "title"})
"""Channels of what only the pane shows."""
RESTING = frozenset({State.IDLE, State.DONE, State.WORKING})


def main() -> int:
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    screens: dict[str, list[Outcome]] = defaultdict(list)
    versions: dict[str, set[str]] = defaultdict(set)
    for tape in corpus():
        outcomes[tape.agent] += replay(tape)
        screens[tape.agent] += replay(tape, screen_only=True)
        versions[tape.agent].add(tape.version)
    print("agent     version      moments  state          precision  recall")
    for agent, found in outcomes.items():
        for row in _rows(agent, ", ".join(sorted(versions[agent])), found, screens[agent]):
            print(row)
    print()
    print("latency in ms                                 told by the agent            only shown")
    print("agent     worst confusion (truth called …)    median    p95    max   median    p95    max")
    for agent, found in outcomes.items():
        told = _latency(one for one in found if one.label.channel not in SHOWN)
        print(f"{agent:<9} {_worst(found):<34}{told}{_latency(one for one in found if one.label.channel in SHOWN)}")
    return _verdict([one for found in outcomes.values() for one in found], screens)


def figures(state: State, found: Iterable[Outcome]) -> tuple[float | None, float | None]:
    """Precision and recall of ``state``; None where nothing was called so, or nothing is so."""
    called = true = both = 0
    for one in found:
        called += one.state is state
        true += one.label.state is state
        both += one.state is state and one.label.state is state
    return (both / called if called else None), (both / true if true else None)


def _rows(agent: str, version: str, found: Sequence[Outcome], alone: Sequence[Outcome]) -> Iterable[str]:
    for number, state in enumerate(sorted({one.label.state for one in found}, key=lambda state: state.value)):
        head = f"{agent:<9} {version:<12} {len(found):>7}" if number == 0 else " " * 30
        name = f"{state.value} ({sum(one.label.state is state for one in found)})"
        precision, recall = map(_share, figures(state, found))
        yield f"{head}  {name:<16}{precision:>8} {recall:>7}"
    precision, recall = map(_share, figures(State.BLOCKED, alone))
    yield f"{'':<30}  {'… screen alone':<16}{precision:>8} {recall:>7}   blocked"


def _share(value: float | None) -> str:
    return "·" if value is None else f"{value:.3f}"


def _worst(found: Iterable[Outcome]) -> str:
    wrong = Counter(
        (one.label.state.value, one.state.value if one.state else "nothing") for one in found if not one.right
    )
    if not wrong:
        return "none"
    (truth, called), count = wrong.most_common(1)[0]
    return f"{truth} called {called}, {count} times"


def _latency(found: Iterable[Outcome]) -> str:
    values = sorted(one.label.latency_ms for one in found if one.label.latency_ms is not None)
    if not values:
        return f"{'·':>8} {'·':>6} {'·':>6} "
    p95 = values[min(len(values) - 1, int(len(values) * 0.95))]
    return f"{statistics.median(values):>8.0f} {p95:>6.0f} {values[-1]:>6.0f} "


def _verdict(found: list[Outcome], screens: dict[str, list[Outcome]]) -> int:
    precision, recall = figures(State.BLOCKED, found)
    blind = [one for alone in screens.values() for one in alone if one.label.state is State.BLOCKED]
    missed = [one for one in (*blind, *found) if one.label.state is State.BLOCKED and one.state in RESTING]
    kinds = [one for one in found if one.label.state is State.BLOCKED and not one.right]
    promises = (
        (f"blocked: recall {_share(recall)} ≥ {PROMISE}", recall is not None and recall >= PROMISE),
        (f"blocked: precision {_share(precision)} ≥ {PROMISE}", precision is not None and precision >= PROMISE),
        (
            f"no blocked moment is called idle, done or working, from its screen alone either ({len(missed)})",
            not missed,
        ),
        (f"every blocked moment has its kind ({len(kinds)} have not)", not kinds),
    )
    print()
    for words, kept in promises:
        print(f"  {'✓' if kept else '✗'} {words}")
    wrong = [one for one in found if not one.right]
    for one in [*missed, *(one for one in wrong if one not in missed)][:40]:
        said = one.state.value if one.state else "nothing"
        print(
            f"    {one.tape.agent} {one.tape.flow}, {one.label.mark}: {one.label.state.value} called {said} ({one.why})"
        )
    return 0 if all(kept for _, kept in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
