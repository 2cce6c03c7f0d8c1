"""What a worktree changed against its base: totals, typed hunks, drift. Never writes the agent's index."""

from __future__ import annotations

import re
from pathlib import Path

from worktrees import indexes, inert
from worktrees.cleanroom import own_index, run, run_code
from worktrees.models import Change, ChangeKind, Drift, Hunk, Line, Totals

HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)")
Numbers = tuple[int | None, int | None, str, str]
"""Lines added and removed (None: binary), old and new name."""
PATCH_LIMIT = 8 << 20
"""Characters of a diff that are turned into hunks; files beyond keep their counts."""
_DIFF = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "-M",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--submodule=short",
    "--ignore-submodules=dirty",  # git would look into them with their own configuration
)


def head(worktree: Path) -> tuple[str | None, str]:
    """The branch (None: detached) and commit that are checked out."""
    return checked_out(worktree), run(worktree, "rev-parse", "HEAD").strip()


def checked_out(worktree: Path) -> str | None:
    """The branch that is checked out, be it there or not; None: detached."""
    code, said = run_code(worktree, "symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1))
    return said.strip() if code == 0 else None


def resting_at(worktree: Path) -> str | None:
    """The commit that a clean worktree is at; None when anything is uncommitted. One cheap call."""
    with indexes.ours(worktree) as now:
        return None if now.uncommitted or not now.head else now.head


def drift(worktree: Path, target: str) -> Drift:
    """How far HEAD and the branch ``target`` have moved apart."""
    ref = f"refs/heads/{target}"
    behind, ahead = run(worktree, "rev-list", "--left-right", "--count", f"{ref}...HEAD").split()
    code, base = run_code(worktree, "merge-base", ref, "HEAD", ok=(0, 1))
    return Drift(ahead=int(ahead), behind=int(behind), merge_base=base.strip() if code == 0 else "")


def totals(worktree: Path, base: str) -> Totals:
    """Counts of everything that this worktree changed since it left ``base``, untracked files included."""
    began = origin(worktree, base)
    with indexes.ours(worktree) as now:
        said = run(worktree, "diff", *_DIFF, "--cached", "--numstat", "-z", began, "--", env=now.env)
        names = (
            run(worktree, "diff", *_DIFF, "--cached", "--name-only", "-z", "HEAD", "--", env=now.env).split("\0")
            if now.uncommitted
            else []
        )
    added = removed = files = 0
    for plus, minus, _old, _new in _numstat(said):
        files += 1
        added += plus or 0
        removed += minus or 0
    return Totals(
        files=files,
        added=added,
        removed=removed,
        uncommitted=sum(1 for name in names if name) + len(now.nested),
    )


def diff(worktree: Path, base: str) -> tuple[tuple[Change, ...], str]:
    """Every changed file with its hunks, and the patch as text (as git prints it)."""
    began = origin(worktree, base)
    untracked = set(filter(None, _untracked(worktree).split("\0")))
    with indexes.ours(worktree) as now:
        env = now.env
        raw = run(worktree, "diff", *_DIFF, "--cached", "--raw", "-z", "--abbrev=40", began, "--", env=env)
        counts = {
            new: (plus, minus)
            for plus, minus, _old, new in _numstat(
                run(worktree, "diff", *_DIFF, "--cached", "--numstat", "-z", began, "--", env=env)
            )
        }
        patch = run(worktree, "diff", *_DIFF, "--cached", "--full-index", began, "--", env=env, deadline_s=120)
    return _assembled(raw, counts, patch, untracked), shown(patch[:PATCH_LIMIT])


def between(folder: Path, old: str, new: str) -> tuple[tuple[Change, ...], str]:
    """What differs from the tree (or commit) ``old`` to ``new``, and the patch as text."""
    raw, numstat, patch = raw_diff(folder, old, new)
    counts = {new: (plus, minus) for plus, minus, _old, new in numstat}
    return _assembled(raw, counts, patch, set()), shown(patch[:PATCH_LIMIT])


def raw_diff(folder: Path, old: str, new: str) -> tuple[str, list[Numbers], str]:
    """What git says of two trees or commits: rows of ``--raw -z``, counts, and the patch."""
    raw = run(folder, "diff", *_DIFF, "--raw", "-z", "--abbrev=40", old, new, "--", deadline_s=120)
    numstat = run(folder, "diff", *_DIFF, "--numstat", "-z", old, new, "--", deadline_s=120)
    patch = run(folder, "diff", *_DIFF, "--full-index", old, new, "--", deadline_s=120)
    return raw, _numstat(numstat), patch


def _assembled(
    raw: str, counts: dict[str, tuple[int | None, int | None]], patch: str, untracked: set[str]
) -> tuple[Change, ...]:
    sections = iter(_hunks_by_position(patch[:PATCH_LIMIT]))
    changes = []
    for kind, old, new in _raw(raw):
        plus, minus = counts.get(new, (0, 0))
        hunks = next(sections, ())
        if kind is ChangeKind.TYPE:  # the patch has it twice: what went, then what came
            hunks += next(sections, ())
        changes.append(
            Change(
                kind=kind,
                path=shown(new),
                old_path=shown(old) if old != new else None,
                added=plus,
                removed=minus,
                binary=plus is None,
                untracked=new in untracked,
                hunks=hunks,
            )
        )
    return tuple(changes)


def shown(text: str) -> str:
    """Text of git as valid unicode: bytes that are no UTF-8 are named (``‹xFF›``), so that two names stay two."""
    return inert.valid(text)


def _untracked(worktree: Path) -> str:
    return run(worktree, "ls-files", "-z", "--others", "--exclude-standard", env=own_index(worktree))


def origin(worktree: Path, base: str) -> str:
    """The commit from which the worktree's changes are told: where it left ``base``."""
    code, said = run_code(worktree, "merge-base", base, "HEAD", ok=(0, 1))
    return said.strip() if code == 0 else base


def _numstat(said: str) -> list[Numbers]:
    """Added, removed (None: binary), old and new path of each row of ``--numstat -z``."""
    fields = said.split("\0")
    rows: list[Numbers] = []
    position = 0
    while position < len(fields) and fields[position]:
        plus, minus, path = fields[position].split("\t", 2)
        old = new = path
        if not path:
            old, new = fields[position + 1], fields[position + 2]
            position += 2
        rows.append((int(plus) if plus != "-" else None, int(minus) if minus != "-" else None, old, new))
        position += 1
    return rows


def _raw(said: str) -> list[tuple[ChangeKind, str, str]]:
    """Kind, old and new path of each row of ``--raw -z``."""
    fields = said.split("\0")
    rows: list[tuple[ChangeKind, str, str]] = []
    position = 0
    while position + 1 < len(fields) and fields[position].startswith(":"):
        letter = fields[position].rsplit(" ", 1)[1][:1]
        old = new = fields[position + 1]
        position += 2
        if letter in "RC":
            new = fields[position]
            position += 1
        rows.append((ChangeKind(letter) if letter in "AMDRT" else ChangeKind.MODIFIED, old, new))
    return rows


def _hunks_by_position(patch: str) -> list[tuple[Hunk, ...]]:
    """Hunks of each section of the patch, in its order, which is that of ``--raw``."""
    files: list[tuple[Hunk, ...]] = []
    hunks: list[Hunk] = []
    lines: list[Line] = []
    opened: tuple[int, int, str] | None = None
    old = new = left_old = left_new = 0

    def end_hunk() -> None:
        nonlocal opened, lines
        if opened is not None:
            hunks.append(Hunk(header=shown(opened[2]), old_start=opened[0], new_start=opened[1], lines=tuple(lines)))
        opened, lines = None, []

    began = False
    for text in patch.split("\n"):
        if left_old <= 0 and left_new <= 0:
            if text.startswith("diff --git "):
                end_hunk()
                if began:
                    files.append(tuple(hunks))
                hunks, began = [], True
                continue
            found = HUNK.match(text)
            if found:
                end_hunk()
                old, new = int(found[1]), int(found[3])
                left_old = int(found[2]) if found[2] is not None else 1
                left_new = int(found[4]) if found[4] is not None else 1
                opened = (old, new, found[5])
                continue
            if text.startswith("\\") and opened is not None:
                lines.append(Line(sign="\\", text=text[2:]))
            continue
        sign, body = text[:1] or " ", shown(text[1:])
        if sign == "\\":
            lines.append(Line(sign="\\", text=body.strip()))
        elif sign == "+":
            lines.append(Line(sign="+", text=body, new=new))
            new, left_new = new + 1, left_new - 1
        elif sign == "-":
            lines.append(Line(sign="-", text=body, old=old))
            old, left_old = old + 1, left_old - 1
        else:
            lines.append(Line(sign=" ", text=body, old=old, new=new))
            old, new, left_old, left_new = old + 1, new + 1, left_old - 1, left_new - 1
    end_hunk()
    if began:
        files.append(tuple(hunks))
    return files
