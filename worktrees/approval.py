"""What a human looked at before a landing: the commit, all files, the target's commit and the checks.

It is one word, ``COMMIT:TREE:BASE:CHECKS``, which a preview gives and a merge sends back. When anything of it has moved
by then, nothing lands and the message says what moved. Parts that are not named are not asked for.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from worktrees import snapshots
from worktrees.cleanroom import run
from worktrees.errors import ApprovalVoid
from worktrees.models import Model

AGAIN = "look at it again, then merge"


class Approval(Model):
    commit: str
    tree: str
    base: str = ""
    checks: str = ""  # digest of their definition

    def __str__(self) -> str:
        return ":".join(part for part in (self.commit, self.tree, self.base, self.checks) if part)

    @classmethod
    def read(cls, word: str) -> Approval:
        """Raises ApprovalVoid for a word that is none."""
        parts = word.split(":")
        if len(parts) not in (2, 3, 4) or not all(parts):
            raise ApprovalVoid(f"{word!r} names nothing that was looked at", "take work from: merge --dry-run --json")
        return cls(**dict(zip(("commit", "tree", "base", "checks"), parts, strict=False)))

    def refuse_other_work(self, branch: str, commit: str, tree: str) -> None:
        """Raises ApprovalVoid unless the branch's work is that which was looked at."""
        if commit != self.commit:
            what = f"its commit is {commit[:10]}, it was {self.commit[:10]}"
        elif tree != self.tree:
            what = "its files have changed"
        else:
            return
        raise ApprovalVoid(f"{branch} is not what was looked at any more: {what}", AGAIN)

    def refuse_other_base(self, target: str, base: str) -> None:
        if self.base and base != self.base:
            raise ApprovalVoid(
                f"{target} has moved since it was looked at: it is {base[:10]}, it was {self.base[:10]}", AGAIN
            )

    def refuse_other_checks(self, checks: tuple[str, ...]) -> None:
        if self.checks and digest(checks) != self.checks:
            said = f"there are {len(checks)} now" if checks else "none"
            raise ApprovalVoid(f"the checks are not those that were shown any more: {said}", AGAIN)


def of(worktree: Path, target: str, checks: tuple[str, ...] | None = None) -> Approval:
    """What there is to be approved now. Without ``checks`` they are not bound."""
    return Approval(
        commit=run(worktree, "rev-parse", "HEAD").strip(),
        tree=snapshots.tree_of(worktree),
        base=run(worktree, "rev-parse", f"refs/heads/{target}").strip(),
        checks=digest(checks) if checks is not None else "",
    )


def digest(checks: tuple[str, ...]) -> str:
    """Stands for exactly these checks, each given by its whole definition, in this order."""
    return hashlib.sha256(json.dumps(checks).encode("utf-8", "surrogatepass")).hexdigest()[:16]
