"""What somebody else made of a merge in conflict, read as resolutions: an agent's files, or a program's."""

from __future__ import annotations

from pathlib import Path

from worktrees.changes import shown
from worktrees.cleanroom import run, run_code
from worktrees.problems import Effect, Pick, Problem, Resolution, Take, ThreeWay
from worktrees.snapshots import differing


def of_text(problem: Problem, text: str, choice: str = "") -> Resolution:
    """``text`` as what each hunk became, where its lines around the hunks are as they were; else as a whole."""
    at = 0
    said: list[str] = []
    open_ = False
    for n, part in enumerate(problem.parts):
        if part.hunk is not None:
            if open_:
                return Resolution(problem=problem.id, choice=choice, text=text)
            open_ = True
            continue
        lines = "".join(part.lines)
        last = n == len(problem.parts) - 1
        found = len(text) - len(lines) if last and text.endswith(lines) else -1 if last else _find(text, lines, at)
        if found < at or (not open_ and found != at):
            return Resolution(problem=problem.id, choice=choice, text=text)
        if open_:
            said.append(text[at:found])
        at, open_ = found + len(lines), False
    if open_:
        said.append(text[at:])
    picks = tuple(_pick(problem, n, one) for n, one in enumerate(said))
    return Resolution(problem=problem.id, choice=choice, picks=picks)


def of_tree(root: Path, found: ThreeWay, tree: str) -> tuple[tuple[Resolution, ...], tuple[str, ...]]:
    """How ``tree`` resolves each conflict that it resolves in a way we offer, and what else it changes, to be shown."""
    resolutions = []
    touched: set[str] = set()
    for problem in found.problems:
        keys = [choice.key for choice in problem.choices] or [""]
        for key in keys:
            effect = found.effects[problem.id, key]
            touched |= set(effect)
            if (made := _fits(root, problem, key, effect, tree)) is not None:
                resolutions.append(made)
                break
    also = sorted(differing(root, found.tree, tree) - touched)
    return tuple(resolutions), tuple(map(shown, also))


def _fits(root: Path, problem: Problem, key: str, effect: Effect, tree: str) -> Resolution | None:
    text = None
    for path, entry in effect.items():
        listed = run(root, "ls-tree", "-z", tree, "--", path).partition("\t")[0]
        if (entry is None) != (not listed):
            return None
        if entry is None:
            continue
        mode, _, oid = listed.split(" ")
        if entry.oid is None:
            code, said = run_code(root, "cat-file", "blob", oid, ok=(0, 128))
            if code or mode != entry.mode or (text is not None and text != said):
                return None
            text = said
        elif (mode, oid) != (entry.mode, entry.oid):
            return None
    return Resolution(problem=problem.id, choice=key) if text is None else of_text(problem, text, key)


def _find(text: str, lines: str, at: int) -> int:
    """Where ``lines`` stand in ``text``, whole lines, from ``at`` on."""
    found = text.find(lines, at)
    while found > 0 and text[found - 1] != "\n":
        found = text.find(lines, found + 1)
    return found


def _pick(problem: Problem, n: int, text: str) -> Pick:
    """What was taken, if it is one of the sides."""
    hunk = problem.hunks[n]
    sides = (Pick(take=side) for side in Take if side is not Take.EDIT)
    return next((pick for pick in sides if pick.of(hunk) == text), Pick(take=Take.EDIT, text=text))
