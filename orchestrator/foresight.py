"""What follows from foreseen conflicts: an order to land in, and what an agent is told of the other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.fleet import Row
from orchestrator.sights import Cell, Turn
from sessions.models import BUSY, SessionId, State
from worktrees import inert
from worktrees.models import Change, Clash, Hunk

MESSAGE_LIMIT = 4000
"""Characters of a message to an agent; the diff in it is cut first."""
TASK_LIMIT = 400
FILES_NAMED = 8
NAME_LIMIT = 200


def order(rows: Sequence[Row], cells: Iterable[Cell]) -> tuple[Turn, ...]:
    """Whom to land first: what merges with its target, then what is finished, then what conflicts with the fewest.

    Taken one by one: what landed counts no more for those after it, which would then have to be brought up to date.
    """
    cells = tuple(cells)
    conflicts = {(cell.one, cell.other): len(cell.conflicts) for cell in cells}
    unknown = {cell.one for cell in cells if cell.error and not cell.other}
    rivals: dict[SessionId, set[SessionId]] = {row.id: set() for row in rows}
    for (one, other), count in conflicts.items():
        if other and count and one in rivals and SessionId(other) in rivals:
            rivals[one].add(SessionId(other))
            rivals[SessionId(other)].add(one)
    left = {row.id: row for row in rows}
    names = {row.id: row.name for row in rows}
    turns: list[Turn] = []
    while left:
        row = min(
            left.values(),
            key=lambda row: (
                row.id in unknown or bool(conflicts.get((row.id, ""))),
                row.status.state in BUSY or row.status.state is State.BLOCKED,
                len(rivals[row.id] & left.keys()),
                row.created_at,
                row.name,
            ),
        )
        del left[row.id]
        after = [turn.name for turn in turns if turn.session in rivals[row.id]]
        why = _why(row, conflicts.get((row.id, ""), 0), after, [names[id_] for id_ in left if id_ in rivals[row.id]])
        if row.id in unknown:
            why = f"git cannot say whether it merges with {row.target}"
        turns.append(Turn(session=row.id, name=row.name, target=row.target, why=why))
    return tuple(turns)


def _why(row: Row, against: int, after: Sequence[str], before: Sequence[str]) -> str:
    said = []
    if against:
        said.append(f"conflicts with {row.target} in {against} {'file' if against == 1 else 'files'}")
    if after:
        said.append(f"conflicts with {_names(after)}, which {'lands' if len(after) == 1 else 'land'} before it")
    if before:
        said.append(f"{_names(before)} would conflict after it")
    if row.status.state in BUSY or row.status.state is State.BLOCKED:
        said.append("is not finished")
    return "; ".join(said) or "conflicts with nothing"


def _names(names: Sequence[str]) -> str:
    shown = [*names[:3], f"{len(names) - 3} more"] if len(names) > 3 else list(names)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def message(to: Row, other: Row | None, clashes: Sequence[Clash], *, first: bool) -> str:
    """What ``to`` is told of what ``other`` did (None: its target) where they conflict.

    ``first``: ``to`` is the first side of ``clashes``. At most :data:`MESSAGE_LIMIT` characters, all of them inert: it
    is pasted into a terminal.
    """
    names = [inert.line(clash.conflict.path)[:NAME_LIMIT] for clash in clashes]
    more = f" and {len(names) - FILES_NAMED} more" if len(names) > FILES_NAMED else ""
    files = ", ".join(names[:FILES_NAMED]) + more
    target = inert.line(to.target)
    if other is None:
        lines = [
            f"The branch {target}, on which your work is to land, was changed in places that you changed too.",
            f"Merging would conflict in: {files}.",
            "",
        ]
        last = f"Please merge {target} into your branch and resolve it so that both intents hold, then test again."
    else:
        task = inert.line(other.prompt)
        task = task if len(task) <= TASK_LIMIT else task[: TASK_LIMIT - 1] + "…"
        lines = [
            f"Another agent, {inert.line(other.name)}, works on the same repository "
            f"(branch {inert.line(other.branch)}). Its task: {task}",
            f"Your work and its work would conflict in: {files}.",
            "",
        ]
        last = (
            "Please change your work so that both fit together, without undoing what the other did; if that cannot be, "
            "say what stands in the way."
        )
    room = MESSAGE_LIMIT - len("\n".join(lines)) - len(last) - 2
    for clash in clashes:
        part = inert.block("\n".join(_told(clash, clash.other if first else clash.one, other)))
        if len(part) > room:
            part = part[: max(0, room - 20)].rpartition("\n")[0] + "\n[…]" if room > 200 else ""
        if not part:
            break
        room -= len(part) + 1
        lines.append(part)
    return "\n".join([*lines, last])[:MESSAGE_LIMIT]


def _told(clash: Clash, changes: Sequence[Change], other: Row | None) -> list[str]:
    whose = "the target" if other is None else other.name
    lines = [f"{clash.conflict.path} ({clash.conflict.kind}), as {whose} changed it:"]
    for change in changes:
        if change.old_path is not None:
            lines.append(f"  renamed from {change.old_path} to {change.path}")
        if change.binary:
            lines.append("  a binary file")
        for hunk in change.hunks:
            lines += hunk_text(hunk)
    return [*lines, ""]


def hunk_text(hunk: Hunk) -> list[str]:
    """A hunk as lines of a patch."""
    old = sum(line.sign in " -" for line in hunk.lines)
    new = sum(line.sign in " +" for line in hunk.lines)
    head = f"@@ -{hunk.old_start},{old} +{hunk.new_start},{new} @@ {hunk.header}".rstrip()
    return [head, *(line.sign + line.text for line in hunk.lines)]


def news(found: Mapping[tuple[str, str], Sequence[str]]) -> str:
    """New conflicts in a line: who with whom, in what."""
    said = []
    for (one, other), paths in list(found.items())[:3]:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        said.append(f"{one} and {other} in {paths[0]}{more}")
    rest = f"; {len(found) - 3} more pairs" if len(found) > 3 else ""
    return "; ".join(said) + rest
