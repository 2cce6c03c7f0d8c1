"""What can go wrong with git. Each error says what failed and what to do next.

WorktreeError
├── GitMissing            git is not installed, or too old
├── GitFailed             git said no; argv, code and what it printed
│   └── GitTimeout        git ran into its deadline and was ended
├── Locked                a lock file of git stays in the way; who holds it
├── NotARepository        no repository at that path
│   ├── BareRepository    one without a checkout
│   ├── InsideSubmodule   one that belongs to another repository
│   └── NoCommits         one without a first commit
├── UnknownRevision       no commit of that name
├── UnknownSnapshot       no snapshot is meant by those words
├── InTheWay              a file that no commit holds would be overwritten
├── BadName               a branch name that git does not take
├── BranchExists          the branch is there already
├── WorktreeExists        the folder is there already
├── WorktreeMissing       not a worktree of this repository
├── WorktreeInUse         refused: a process stands in it
├── NotOurs               refused: a path or branch that we did not make
├── DirtyTarget           the target is checked out with uncommitted changes
├── OperationInProgress   the user is in the middle of a rebase, merge …
├── RefMoved              a ref is not what it was when the step was planned
│   └── TargetMoved       the target changed while we worked
├── CannotUndo            refused: what would be taken back is not what it was left as
├── ApprovalVoid          the work changed after a human looked at it
├── NothingToLand         the target holds all of the work already
├── FilterRefused         files need a filter (git-crypt …) that may not run on agents' work
├── Conflicted            the work cannot be merged by itself
├── CheckFailed           a check command failed on the merged tree
│   └── CheckVoid         it passed or failed, and that means nothing
├── RecipeInvalid         .orchestrator.toml cannot be used
├── SetupNotTrusted       its commands were not approved
└── SetupFailed           one of its steps failed
"""

from __future__ import annotations

from pathlib import Path

from worktrees.models import CheckResult, Conflict


class WorktreeError(Exception):
    """Root of this package's errors. ``hint`` names the next step."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class GitMissing(WorktreeError):
    pass


class GitFailed(WorktreeError):
    def __init__(self, argv: tuple[str, ...], code: int, stderr: str, hint: str = "") -> None:
        last = [line for line in stderr.strip().splitlines() if line.strip()]
        super().__init__(f"git {argv[0] if argv else ''} failed: {last[-1] if last else f'exit code {code}'}", hint)
        self.argv = argv
        self.code = code
        self.stderr = stderr


class GitTimeout(GitFailed):
    def __init__(self, argv: tuple[str, ...], seconds: float) -> None:
        super().__init__(argv, -1, f"it did not end within {seconds:.0f} s", "the disk or the repository may be busy")


class Locked(WorktreeError):
    def __init__(self, message: str, hint: str, lock: Path) -> None:
        super().__init__(message, hint)
        self.lock = lock


class NotARepository(WorktreeError):
    pass


class BareRepository(NotARepository):
    pass


class InsideSubmodule(NotARepository):
    pass


class NoCommits(NotARepository):
    pass


class UnknownRevision(WorktreeError):
    pass


class UnknownSnapshot(WorktreeError):
    pass


class InTheWay(WorktreeError):
    pass


class BadName(WorktreeError):
    pass


class BranchExists(WorktreeError):
    pass


class WorktreeExists(WorktreeError):
    pass


class WorktreeMissing(WorktreeError):
    pass


class WorktreeInUse(WorktreeError):
    def __init__(self, path: Path, pid: int, name: str) -> None:
        super().__init__(
            f"{name} (process {pid}) still has its working folder in {path}",
            f"let it end or leave that folder, then try again: kill {pid}",
        )
        self.pid = pid


class NotOurs(WorktreeError):
    pass


class DirtyTarget(WorktreeError):
    pass


class OperationInProgress(WorktreeError):
    pass


class RefMoved(WorktreeError):
    pass


class TargetMoved(RefMoved):
    pass


class CannotUndo(WorktreeError):
    pass


class ApprovalVoid(WorktreeError):
    pass


class FilterRefused(WorktreeError):
    pass


class NothingToLand(WorktreeError):
    pass


class Conflicted(WorktreeError):
    def __init__(self, message: str, hint: str, conflicts: tuple[Conflict, ...]) -> None:
        super().__init__(message, hint)
        self.conflicts = conflicts


class CheckFailed(WorktreeError):
    def __init__(self, result: CheckResult) -> None:
        how = "ran into its deadline" if result.exit_code is None else f"failed with code {result.exit_code}"
        super().__init__(
            f"the check {how}: {_named(result)}", "the target is untouched; read the output, then try again"
        )
        self.result = result


class CheckVoid(CheckFailed):
    def __init__(self, result: CheckResult) -> None:
        super().__init__(result)
        self.message = f"the check {_named(result)} is void: {result.void}"
        self.args = (self.message,)
        self.hint = "mend the check: it must wait for all that it starts and leave tracked files as they are"


def _named(result: CheckResult) -> str:
    return f"{result.name} ({result.command})" if result.name not in ("", result.command) else result.command


class RecipeInvalid(WorktreeError):
    pass


class SetupNotTrusted(WorktreeError):
    def __init__(self, digest: str, commands: tuple[str, ...]) -> None:
        super().__init__(
            f"the repository wants to run in every new worktree: {'; '.join(commands)}",
            "read and approve them: orchestrator trust",
        )
        self.digest = digest
        self.commands = commands


class SetupFailed(WorktreeError):
    pass
