"""What a human decides about conflicts, with undo and redo. Pure: the screen draws it, the supervisor does it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from worktrees.problems import Pick, Problem, Resolution, Take, decisions, left


@dataclass(frozen=True)
class Decided:
    """By conflict, what it becomes. ``proposal``: the tree that all else is taken from; empty: git's merge."""

    by_problem: dict[str, Resolution] = field(default_factory=dict)
    proposal: str = ""


class Deciding:
    """``now`` is what holds; every change of it can be taken back."""

    def __init__(self, problems: tuple[Problem, ...], draft: tuple[Resolution, ...] = ()) -> None:
        self.problems = problems
        self.now = Decided({one.problem: one for one in draft})
        self._before: list[Decided] = []
        self._after: list[Decided] = []

    def resolution(self, problem: Problem) -> Resolution:
        return self.now.by_problem.get(problem.id, Resolution(problem=problem.id))

    def picks(self, problem: Problem) -> tuple[Pick | None, ...]:
        """One for each hunk; None: open."""
        made = self.resolution(problem).picks
        return (*made, *(None for _ in problem.hunks))[: len(problem.hunks)]

    def pick(self, problem: Problem, hunk: int, pick: Pick) -> None:
        """A hunk becomes ``pick``; a whole text that was there is given up."""
        picks = list(self.picks(problem))
        picks[hunk] = pick
        made = self.resolution(problem)
        self.take(made.model_copy(update={"picks": tuple(picks), "text": None}))

    def choose(self, problem: Problem, key: str) -> None:
        self.take(self.resolution(problem).model_copy(update={"choice": key}))

    def take(self, *resolutions: Resolution, proposal: str | None = None) -> None:
        """Decide about conflicts as a whole, in one step."""
        self._before.append(self.now)
        self._after.clear()
        changed = {**self.now.by_problem, **{one.problem: one for one in resolutions}}
        self.now = Decided(changed, self.now.proposal if proposal is None else proposal)

    def undo(self) -> bool:
        """Whether there was something to take back."""
        return self._move(self._before, self._after)

    def redo(self) -> bool:
        return self._move(self._after, self._before)

    def _move(self, source: list[Decided], target: list[Decided]) -> bool:
        if not source:
            return False
        target.append(self.now)
        self.now = source.pop()
        return True

    def all(self) -> tuple[Resolution, ...]:
        """What is decided about each, the open ones too: so an undone decision is open again for everybody."""
        return tuple(self.resolution(problem) for problem in self.problems)

    def left(self, problem: Problem) -> int:
        return left(problem, self.resolution(problem))

    @property
    def total(self) -> int:
        return sum(decisions(problem) for problem in self.problems)

    @property
    def open(self) -> int:
        return sum(self.left(problem) for problem in self.problems)

    def next_open(self, problem: int, hunk: int) -> tuple[int, int] | None:
        """The next place that is open after this one, round to the beginning."""
        places = [(n, m) for n, one in enumerate(self.problems) for m, open_ in enumerate(self._open(one)) if open_]
        return next((place for place in places if place > (problem, hunk)), places[0] if places else None)

    def _open(self, problem: Problem) -> list[bool]:
        made = self.resolution(problem)
        if made.text is not None:
            hunks = [False] * len(problem.hunks)
        else:
            hunks = [pick is None for pick in self.picks(problem)]
        choice = bool(problem.choices) and not made.choice
        return [choice or hunks[0], *hunks[1:]] if hunks else [choice]

    def summary(self) -> str:
        """What would be accepted, in words."""
        words: Counter[str] = Counter()
        for problem in self.problems:
            made = self.resolution(problem)
            if made.choice:
                words[made.choice] += 1
            if made.text is not None:
                words["whole files"] += 1
            else:
                words.update(str(pick.take) for pick in self.picks(problem) if pick is not None)
        named = {Take.OURS_THEIRS: "both", Take.THEIRS_OURS: "both", Take.EDIT: "edited"}
        counted: Counter[str] = Counter()
        for word, count in words.items():
            counted[named.get(word, word)] += count  # type: ignore[call-overload]
        return ", ".join(f"{count} {word}" for word, count in counted.items())
