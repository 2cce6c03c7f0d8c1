"""Settings: the user's own file, and what a repository says of itself.

The user's file is ``$ORCHESTRATOR_CONFIG``, else ``orchestrator/config.toml`` below ``$XDG_CONFIG_HOME`` (default
``~/.config``). A repository's ``.orchestrator.toml`` may set ``[run]``, ``[merge]`` and ``[checks]`` only: which
agents are launched, with which environment, is never a repository's to say. Its value wins over the user's.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, ValidationError

from orchestrator.admission import Limits, Machine, limits
from orchestrator.budgets.settings import BudgetSettings
from orchestrator.checks.definition import Check, ChecksSettings, listed, named
from orchestrator.commands import After, Isolation, Refused
from orchestrator.inbox.settings import AttentionSettings
from orchestrator.notify.settings import NotifySettings
from orchestrator.queue.settings import QueueSettings
from worktrees.ignored import FILE_LIMIT, TOTAL_LIMIT
from worktrees.ignored import Limits as IgnoredLimits
from worktrees.models import Method
from worktrees.pruning import Keep
from worktrees.setup import FILE


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AgentSettings(_Section):
    """``[agents.NAME]``: how this user starts an agent."""

    command: tuple[str, ...] | None = None  # replaces the program; its own arguments may follow
    args: tuple[str, ...] = ()  # added before the prompt
    env: dict[str, str] = {}
    model: str | None = None
    base_url: str | None = None
    permission_mode: str | None = None
    isolation: Isolation | None = None  # None: that of [run]


class RunSettings(_Section):
    """``[run]``: defaults of a launch."""

    agent: str | None = None  # None: the first one that is installed
    base: str | None = None  # None: what the main checkout has checked out
    target: str | None = None  # None: the branch of the main checkout
    max_running: Annotated[int, Field(ge=1)] | None = None  # None: by the machine's memory (orchestrator.admission)
    min_free_memory: ByteSize | None = None
    min_free_disk: ByteSize | None = None
    restart: Literal["never", "on-crash"] = "never"
    branch_prefix: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._/-]*[/-])?$")] = "agent/"
    isolation: Isolation = Isolation.WORKTREE

    def limits(self, machine: Machine) -> Limits:
        """What holds launches back, with defaults by this machine."""
        return limits(machine, self.max_running, self.min_free_memory, self.min_free_disk)


class MergeSettings(_Section):
    """``[merge]``: how work lands."""

    method: Method = Method.SQUASH
    checks: tuple[str, ...] = ()
    after: After = After.KEEP
    return_failures: bool = False  # what a train rejects goes back to its agent as a message
    draft: Literal["rule", "model"] = "rule"
    co_author: Annotated[str, Field(pattern=r"^[^<>\x00-\x1f]+ <[^<>\s]+@[^<>\s]+>$")] | None = None


class PlannerSettings(_Section):
    """``[planner]``: the model that splits a goal; key and endpoint are those of ``[agents.coder]``."""

    model: str | None = None  # None: that of [agents.coder]
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 180


class PushSettings(_Section):
    """``[push]``: what goes to a remote, when the user asks for it."""

    own_config: bool = False  # True: as the user's git push, with the repository's configuration and hooks


class KeepSettings(_Section):
    """``[keep]``: how long what could be wanted back is kept."""

    snapshots: Annotated[int, Field(ge=10)] = 200  # of each session
    days: Annotated[int, Field(ge=1)] = 30
    attic_days: Annotated[int, Field(ge=1)] = 30  # removed sessions and the operation log
    ignored: tuple[str, ...] = ()  # files in ignored folders that snapshots hold too
    ignored_file: ByteSize = ByteSize(FILE_LIMIT)
    ignored_total: ByteSize = ByteSize(TOTAL_LIMIT)

    def keep(self) -> Keep:
        return Keep(snapshots=self.snapshots, days=self.days)

    def limits(self, inside: tuple[str, ...] = ()) -> IgnoredLimits:
        """Which ignored files are kept; ``inside`` is what the repository adds."""
        return IgnoredLimits(
            file_bytes=self.ignored_file, total_bytes=self.ignored_total, inside=(*self.ignored, *inside)
        )


class SealedSettings(_Section):
    """``[sealed]``: the box of sealed sessions. Paths begin with / or ~/; the more specific one counts."""

    read: tuple[str, ...] = ()  # shown although it is hidden otherwise
    write: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    network: bool = True  # False: nothing but loopback; an agent then does not reach its model
    require: bool = False  # True: no sealed session where bubblewrap does not work


class Settings(_Section):
    run: RunSettings = RunSettings()
    merge: MergeSettings = MergeSettings()
    checks: ChecksSettings = ChecksSettings()
    planner: PlannerSettings = PlannerSettings()
    push: PushSettings = PushSettings()
    keep: KeepSettings = KeepSettings()
    notify: NotifySettings = NotifySettings()
    queue: QueueSettings = QueueSettings()
    sealed: SealedSettings = SealedSettings()
    budget: BudgetSettings = BudgetSettings()
    attention: AttentionSettings = AttentionSettings()
    agents: dict[str, AgentSettings] = {}


_YOURS = frozenset({"after", "draft", "return_failures"})
_MACHINES = frozenset({"max_running", "min_free_memory", "min_free_disk"})


def settings_path(env: Mapping[str, str]) -> Path:
    """The user's file for a caller with this environment; it need not exist."""
    if named := env.get("ORCHESTRATOR_CONFIG"):
        return Path(named).expanduser()
    base = env.get("XDG_CONFIG_HOME") or str(Path(env["HOME"] if env.get("HOME") else Path.home()) / ".config")
    return Path(base) / "orchestrator" / "config.toml"


def own_screens(env: Mapping[str, str] = os.environ) -> Path:
    """The folder of the user's own screen rules; it need not exist."""
    return settings_path(env).parent / "screens"


def load_settings(root: Path | None, env: Mapping[str, str]) -> Settings:
    """Settings for the repository at ``root``. Raises Refused that names file, key and what is allowed."""
    mine = settings_path(env)
    table = _read(mine)
    settings = _valid(mine, table)
    if root is None:
        return settings
    theirs = root / FILE
    said = {key: value for key, value in _read(theirs).items() if key != "worktree"}
    for own in ("agents", "attention", "keep", "notify", "planner", "push", "queue"):
        if said.get(own) is not None:
            raise Refused(
                f"{theirs} sets [{own}], which a repository may not",
                f"move it to your own settings: {mine}",
            )
    if isinstance(said.get("run"), dict) and (mine_only := _MACHINES & said["run"].keys()):
        raise Refused(
            f"{theirs} sets [run] {', '.join(sorted(mine_only))}, which a repository may not",
            f"your machine is yours to judge; move it to your own settings: {mine}",
        )
    if isinstance(said.get("merge"), dict) and (mine_only := _YOURS & said["merge"].keys()):
        raise Refused(
            f"{theirs} sets [merge] {', '.join(sorted(mine_only))}, which a repository may not",
            f"your sessions and keys are yours; move it to your own settings: {mine}",
        )
    if isinstance(said.get("checks"), dict) and "slots" in said["checks"]:
        raise Refused(
            f"{theirs} sets [checks] slots, which a repository may not",
            f"your machine is yours to judge; move it to your own settings: {mine}",
        )
    if isinstance(said.get("budget"), dict) and (mine_only := {"day", "account"} & said["budget"].keys()):
        raise Refused(
            f"{theirs} sets [budget] {', '.join(sorted(mine_only))}, which a repository may not",
            f"it may tighten session and task; your days are yours: {mine}",
        )
    run = said.get("run")
    loosens = isinstance(run, dict) and run.get("isolation") not in (None, Isolation.SEALED)
    if said.get("sealed") is not None or loosens:
        raise Refused(
            f"{theirs} says how sessions are sealed, of which a repository may only ask for more",
            f'leave [run] isolation = "sealed" there at most; the rest is for your own settings: {mine}',
        )
    tighter = settings.budget.tightened(_valid(theirs, said).budget)
    said.pop("budget", None)
    merged = {**table, **{key: {**table.get(key, {}), **value} for key, value in said.items()}}
    return Settings.model_validate(merged).model_copy(update={"budget": tighter})


def repository_checks(root: Path) -> tuple[tuple[str, ...] | None, tuple[Check, ...]]:
    """``[merge] checks`` as the repository itself says (None when it says none), and its ``[checks]``.

    Raises Refused.
    """
    theirs = root / FILE
    said = _read(theirs)
    own = {key: said[key] for key in ("merge", "checks") if isinstance(said.get(key), dict)}
    settings = _valid(theirs, own)
    return settings.merge.checks if "checks" in own.get("merge", {}) else None, named(settings.checks)


def checks(root: Path, env: Mapping[str, str]) -> tuple[Check, ...]:
    """All that judge work on the repository at ``root``: its own, and those of the user that it does not say itself."""
    settings = load_settings(root, env)
    return (*listed(settings.merge.checks), *named(settings.checks))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}", "mend the file, or move it away") from error


def _valid(path: Path, table: Mapping[str, Any]) -> Settings:
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]).replace("checks.named.", "checks.")
        raise Refused(f"{path}: {key}: {first['msg']}", "see docs/settings.md for what may stand there") from error
