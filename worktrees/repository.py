"""A repository: open it, and create, list and remove its worktrees.

Registration of worktrees is serialised per repository, in this process and across processes: git itself races there
(up to 15 of 48 parallel ``worktree add`` fail). The lock covers ``add --no-checkout`` only; trees are filled in
parallel.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from worktrees import cleanroom, clearing, sealed, snapshots
from worktrees.changes import checked_out
from worktrees.cleanroom import own_index, run, run_code
from worktrees.errors import (
    BadName,
    BareRepository,
    BranchExists,
    GitFailed,
    InsideSubmodule,
    NoCommits,
    NotARepository,
    NotOurs,
    UnknownRevision,
    WorktreeError,
    WorktreeExists,
    WorktreeMissing,
)
from worktrees.faultpoints import point
from worktrees.git import run as plain
from worktrees.git import run_code as plain_code
from worktrees.locks import Patience, met
from worktrees.models import Snapshot, Worktree

CHECKOUT_S = 600.0
MADE = "refs/orchestrator/made/"
"""A branch is ours if a ref of its name stands here; it holds the commit that the branch began at."""


def open_repository(path: Path) -> Repository:
    """The repository that ``path`` lies in; from a linked worktree, the main one.

    Raises NotARepository, or what is the matter with it: BareRepository, InsideSubmodule, NoCommits.
    """
    try:
        path = path.expanduser().absolute()
        there = path.is_dir()
    except (OSError, RuntimeError):  # a name that is too long, a user who does not exist
        there = False
    if not there:
        raise NotARepository(f"{str(path)[:300]} is not a folder", "name the folder of a git repository with --repo")
    known = cleanroom.home_of(path)
    if known is not None:
        path = known  # of a worktree that we made: its .git may not be as it was
    code, said = plain_code(
        path,
        "rev-parse",
        "--path-format=absolute",
        "--is-bare-repository",
        "--git-common-dir",
        "--show-superproject-working-tree",
        ok=(0, 128),
    )
    if code != 0:
        raise NotARepository(
            f"{path} is not in a git repository", "make one there with: git init, or name one with --repo"
        )
    bare, common, *rest = said.splitlines()
    if rest and rest[0]:
        raise InsideSubmodule(
            f"{path} is a submodule of {rest[0]}", "run it in the outer repository, or in a clone of this one"
        )
    git_dir = Path(common)
    if bare == "true" or plain(git_dir, "rev-parse", "--is-bare-repository").strip() == "true":
        raise BareRepository(f"{path} is a bare repository", "run it in a clone that has a checkout")
    main = plain(path, "worktree", "list", "--porcelain", "-z").split("\0", 1)[0].removeprefix("worktree ")
    root = Path(main)
    code, _ = plain_code(path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))
    if code != 0:
        raise NoCommits(f"{root} has no commits yet", "make a first one: git add -A && git commit -m 'Begin'")
    return Repository(root, git_dir)


@dataclass(frozen=True)
class Kept:
    """What a removal takes away, all of it under ``attic`` by now."""

    attic: str
    tip: str | None  # of the branch; None: it is gone
    work: Snapshot | None  # all files; None: the worktree's folder is gone
    head: str | None  # branch or commit that is checked out, when it is not the session's branch
    admin: Path | None  # the worktree's own git directory


Around = Callable[[Kept], AbstractContextManager[object]]


class Repository:
    """A repository with a checkout. ``root`` is the main checkout, ``git_dir`` what all worktrees share."""

    def __init__(self, root: Path, git_dir: Path) -> None:
        self.root = root
        self.git_dir = git_dir

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def own(self) -> Path:
        """Our own folder inside the shared git folder: locks and scratch worktrees. NotOurs when a link is there."""
        path = self.git_dir / "orchestrator"
        if path.is_symlink():
            raise NotOurs(f"{path} is a link", "look at what it leads to, then remove the link")
        path.mkdir(exist_ok=True)
        return path

    def resolve(self, revision: str) -> str:
        """The commit id of ``revision``. Raises UnknownRevision."""
        code, said = run_code(
            self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}", ok=(0, 1, 128)
        )
        if code != 0 or not said.strip():
            raise UnknownRevision(f"there is no commit {revision!r} in {self.name}", "see: git branch --all, git tag")
        return said.strip()

    def default_target(self) -> str:
        """The branch that work lands on: the one checked out in the main checkout, else main or master."""
        if (branch := checked_out(self.root)) is not None:
            return branch
        for name in ("main", "master"):
            if self.has_branch(name):
                return name
        raise UnknownRevision(
            f"{self.root} has no branch checked out, and there is neither main nor master",
            "name the target: [run] target in .orchestrator.toml",
        )

    def has_branch(self, name: str) -> bool:
        return run_code(self.root, "show-ref", "--verify", "--quiet", f"refs/heads/{name}", ok=(0, 1))[0] == 0

    def checkout_bytes(self) -> int:
        """About the size of a new worktree: that of the tracked files of the main checkout, as they lie there."""
        total = 0
        for name in run(self.root, "ls-files", "-z").split("\0"):
            with suppress(OSError):
                total += (self.root / name).lstat().st_size if name else 0
        return total

    def check_branch_name(self, name: str) -> None:
        """Raises BadName when git would not take it, BranchExists when it is there."""
        code, _ = run_code(self.root, "check-ref-format", f"refs/heads/{name}", ok=(0, 1))
        if code != 0 or name.startswith("-") or len(name) > 200:
            raise BadName(f"{name!r} cannot be a branch name", "use letters, digits, dot, dash and slash")
        if self.has_branch(name):
            raise BranchExists(
                f"the branch {name} exists already", "choose another --name; we never touch a branch of yours"
            )

    def create(self, path: Path, branch: str, base: str, *, session: str) -> Worktree:
        """A new worktree at ``path`` on the new ``branch`` from the commit ``base``. Leaves nothing when it fails."""
        if path.exists() or path.is_symlink():
            raise WorktreeExists(f"{path} exists already", "choose another --name")
        self.check_branch_name(branch)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.registration():
            self._add(path, branch, base)
            run(self.root, "update-ref", MADE + branch, base)
        try:
            self.fill(path)
        except WorktreeError:
            with self.registration(), suppress(WorktreeError):
                plain(self.root, "worktree", "remove", "--force", "--", str(path))  # ours, seconds old, never filled
                cleanroom.forget(path)
                run(self.root, "update-ref", "-d", f"refs/heads/{branch}", base)
                run(self.root, "update-ref", "-d", MADE + branch)
            raise
        return Worktree(path=path, head=base, branch=branch)

    def _add(self, path: Path, branch: str, base: str) -> None:
        """Register a worktree without files. An agent's own ``worktree add`` at the same moment is waited for."""
        self.check_branch_name(branch)  # anew: another of ours may have been faster
        commit, patience = self.resolve(base), Patience()
        while True:
            try:
                plain(self.root, "worktree", "add", "--no-checkout", "-b", branch, "--no-track", "--", str(path), base)
            except GitFailed as error:
                # Git takes its folders back itself, but not the branch that it made for them.
                if "already exists" not in error.stderr:
                    run_code(self.root, "update-ref", "-d", f"refs/heads/{branch}", commit, ok=(0, 1, 128))
                if met(error.stderr) is None or not patience.again():
                    raise
            else:
                return

    def fill(self, path: Path) -> None:
        """Write index and files of a fresh worktree, which has nothing but its ``.git``."""
        self.register(path)
        run(path, "read-tree", "--reset", "-u", "HEAD", env=own_index(path), deadline_s=CHECKOUT_S)

    def register(self, path: Path) -> None:
        """Write down that ``path`` is a worktree of this repository, while its ``.git`` can be trusted."""
        if sealed.find(path) is not None:
            return  # its .git is a clone of its own; whose it is, is written down already
        admin = plain(path, "rev-parse", "--absolute-git-dir").strip()
        cleanroom.register(path, self.git_dir, Path(admin))

    def worktrees(self) -> tuple[Worktree, ...]:
        """Every registered checkout, the main one first."""
        found: list[Worktree] = []
        for number, block in enumerate(plain(self.root, "worktree", "list", "--porcelain", "-z").split("\0\0")):
            fields = dict(line.partition(" ")[::2] for line in block.split("\0") if line)
            if "worktree" not in fields:
                continue
            path = Path(fields["worktree"])
            found.append(
                Worktree(
                    path=path,
                    head=fields.get("HEAD", ""),
                    branch=fields["branch"].removeprefix("refs/heads/") if "branch" in fields else None,
                    main=number == 0,
                    locked="locked" in fields,
                    missing=not path.is_dir(),
                )
            )
        return tuple(found)

    def remove(self, path: Path, branch: str, *, session: str, around: Around | None = None) -> str:
        """Remove a worktree and its branch; returns the attic ref that holds all of the work.

        The attic is written and verified first; then ``around`` is entered with what was kept. Git's own guard against
        uncommitted work is never overridden while anything is there that the attic does not hold.
        """
        kept = self._keep(path, branch, session)
        with around(kept) if around is not None else nullcontext():
            self.unregister(path)
            point("removal.gone")
            if kept.tip is not None and self.has_branch(branch):
                run(self.root, "update-ref", "-d", f"refs/heads/{branch}", kept.tip)
            run_code(self.root, "update-ref", "-d", MADE + branch, ok=(0, 1, 128))
        return kept.attic

    def _keep(self, path: Path, branch: str, session: str) -> Kept:
        """Write the attic of a session and see that it holds everything."""
        self._refuse_foreign(path, branch)
        if path.is_dir():
            clearing.refuse_stranger(path, self.root)
            clearing.refuse_inhabited(path)
        sealed.unseal(path)
        attic = f"refs/orchestrator/attic/{session}"
        tip = self.resolve(f"refs/heads/{branch}") if self.has_branch(branch) else None
        if tip is not None:
            run(self.root, "update-ref", f"{attic}/tip", tip)
        worktree = next((w for w in self.worktrees() if _same(w.path, path)), None)
        if worktree is None or worktree.missing:
            return Kept(attic, tip, None, None, None)
        work = snapshots.take(path, session, "removed", ref_root="refs/orchestrator/attic", name="work", ignored=True)
        clearing.refuse_repositories(path, work.tree)
        for name, commit in clearing.leftovers(path, tuple(filter(None, (work.commit, work.parent, tip)))).items():
            run(self.root, "update-ref", f"{attic}/{name}", commit)
        again = snapshots.tree_of(path, ignored=True)
        if again != work.tree:
            raise WorktreeError(f"{path} changes while it is removed", "stop what runs in it, then try again")
        head = None if worktree.branch == branch else worktree.branch or worktree.head
        return Kept(attic, tip, work, head, cleanroom.view(path).admin)

    def unregister(self, path: Path) -> None:
        """Take a worktree away whose work is kept, or whose folder is gone already; nothing when it is unknown."""
        with self.registration():
            if self.has_worktree(path):
                if path.exists():
                    clearing.refuse_stranger(path, self.root)
                    clearing.mend(path)
                # Forced, because git's own guard would look with the repository's filters; ours was in _keep.
                plain(self.root, "worktree", "remove", "--force", "--", str(path))
        cleanroom.forget(path)

    def adopt(self, path: Path, head: str) -> None:
        """A worktree without files for a branch or commit that is there; one that is registered stays as it is."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.registration():
            if self.has_worktree(path) and path.is_dir():
                pass
            elif self.has_branch(head):
                plain(self.root, "worktree", "add", "--no-checkout", "--force", "--", str(path), head)
            else:
                plain(self.root, "worktree", "add", "--no-checkout", "--force", "--detach", "--", str(path), head)
        self.register(path)

    def has_worktree(self, path: Path) -> bool:
        """Whether git knows a worktree of this repository at ``path``, also one whose folder is gone."""
        return any(_same(worktree.path, path) for worktree in self.worktrees())

    @contextmanager
    def registration(self) -> Iterator[None]:
        """Only one at a time adds or removes worktrees of this repository."""
        # Not followed and not emptied: an agent can write here, and could have made it a link.
        handle = os.open(self.own / "registration.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _refuse_foreign(self, path: Path, branch: str) -> None:
        resolved = Path(os.path.realpath(path))
        if not str(path).strip() or resolved in (Path("/"), Path.home(), self.root.resolve()):
            raise NotOurs(f"{path} is never removed", "name a session")
        if run_code(self.root, "show-ref", "--verify", "--quiet", MADE + branch, ok=(0, 1))[0] != 0:
            raise NotOurs(f"the branch {branch} was not made by us", "remove it yourself if you want it gone")
        known = next((w for w in self.worktrees() if _same(w.path, path)), None)
        if known is None and path.exists():
            raise WorktreeMissing(f"{path} is not a worktree of {self.name}", "nothing was removed")
        if known is not None and (known.main or known.locked):
            raise NotOurs(
                f"{path} is {'the main checkout' if known.main else 'locked'}", "git worktree unlock, if you locked it"
            )


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
