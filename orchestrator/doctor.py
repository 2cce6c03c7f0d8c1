"""Looks for what is missing or wrong on this machine, each finding with its remedy.

Changes nothing, except that it puts stale locks of git aside when it is asked to.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator import client, home
from sessions import sealing
from sessions.errors import SessionError
from sessions.tmux import check_tmux

OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    level: Literal["ok", "note", "bad"]
    what: str
    found: str
    hint: str = ""


def examine(*, unlock: bool = False) -> list[Finding]:
    """All findings, in the order in which one would mend them. With ``unlock`` stale locks of git are put aside."""
    here = [_python(), _git(), _tmux(), _home(), _daemon(), _room()]
    return [*here, *_locks(unlock), *_agents(), _settings(), _box(), _inotify(), _locale()]


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return Finding("bad", "python", version, "3.11 or newer is needed")
    return Finding("ok", "python", version)


def _git() -> Finding:
    from worktrees.errors import GitMissing
    from worktrees.git import version

    try:
        return Finding("ok", "git", ".".join(map(str, version())))
    except GitMissing as error:
        return Finding("bad", "git", error.message, error.hint)


def _tmux() -> Finding:
    try:
        return Finding("ok", "tmux", ".".join(map(str, check_tmux())))
    except SessionError as error:
        return Finding("bad", "tmux", error.message, error.hint)


def _home() -> Finding:
    try:
        path = home.home()
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
        home.socket_path()
    except OSError as error:
        return Finding("bad", "state folder", str(error), "set ORCHESTRATOR_HOME to a folder of yours")
    free = shutil.disk_usage(path).free
    if free < 1 << 30:
        return Finding("note", "state folder", f"{path}, only {free >> 20} MiB free", "worktrees live there")
    return Finding("ok", "state folder", str(path))


def _daemon() -> Finding:
    if not client.alive():
        return Finding("note", "daemon", "does not run", "any command starts it")
    try:
        status, about = client.request("GET", "/v1/about")
    except client.DaemonError as error:
        return Finding("bad", "daemon", error.message, "orchestrator down, then any command")
    if status != 200:
        return Finding("bad", "daemon", str(about.get("error", status)), "orchestrator down, then any command")
    if about.get("read_only"):
        return Finding("bad", "ledger", about["read_only"], "orchestrator doctor --rebuild-ledger")
    if about.get("unwritten"):
        return Finding("bad", "ledger", f"{about['unwritten']} events cannot be written", "make room on its disk")
    return Finding("ok", "daemon", f"pid {about['pid']}, {about['seq']} events")


def _room() -> Finding:
    """How many sessions may run here, and what is left."""
    from orchestrator import admission, machine
    from orchestrator.commands import Refused
    from orchestrator.config import load_settings

    now = machine.read(home.home())
    try:
        limits = load_settings(None, os.environ).run.limits(now)
    except Refused:
        limits = admission.limits(now, None, None, None)  # the settings have their own finding
    found = f"at most {limits.max_running} sessions ([run] max_running)"
    if now.free_memory is None:
        return Finding("note", "room", f"{found}; free memory is not known here", "only the count holds launches back")
    found += f", {admission.size(now.free_memory)} of memory free"
    return Finding("ok", "room", found) if admission.room(1, 0, 0, limits, now).fits else Finding("bad", "room", found)


def _locks(unlock: bool) -> list[Finding]:
    """Locks of git that stand in the way, in the repositories of the fleet and in this folder's."""
    from worktrees import locks
    from worktrees.errors import WorktreeError
    from worktrees.repository import open_repository

    folders = {"."}
    with suppress(client.DaemonError, TypeError, KeyError):
        folders |= {item["repo"] for item in client.request("GET", "/v1/fleet?json=ls")[1]["sessions"]}
    found: dict[Path, Finding] = {}
    for folder in sorted(folders):
        try:
            own = open_repository(Path(folder))
        except (WorktreeError, OSError):
            continue  # no repository here, or gone: not what is asked
        for lock in locks.locks_of(own.git_dir):
            try:
                if not locks.left_behind(lock):
                    raise locks.refusal(lock)
                if unlock:
                    aside = locks.put_aside(lock, own.own / "locks")
                    found[lock] = Finding("ok", "lock", f"{lock} was left behind; it is kept as {aside}")
                else:
                    what = f"{lock} was left behind: nobody has it open and no git works there"
                    found[lock] = Finding("bad", "lock", what, "put it aside: orchestrator doctor --unlock")
            except WorktreeError as error:
                found[lock] = Finding("note", "lock", error.message, error.hint)
    return list(found.values())


def _agents() -> list[Finding]:
    from sessions import agents
    from sessions.models import Spec

    found = []
    for name in agents.names():
        if name in ("command", "coder"):
            continue
        try:
            program = agents.get(name).program(Spec(agent=name, name=""), os.environ)
        except SessionError as error:
            found.append(Finding("note", name, error.message, error.hint))
        else:
            found.append(_version(name, program))
    keys = [key for key in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY") if os.environ.get(key)]
    hint = "" if keys else "it needs ANTHROPIC_API_KEY or OPENAI_API_KEY, or --base-url of a local model"
    found.append(
        Finding("ok" if keys else "note", "coder", ", ".join(keys) + " set" if keys else "no key is set", hint)
    )
    return found


def _version(name: str, program: str) -> Finding:
    """Is the installed CLI one whose screens are known?"""
    from sessions.agents import recorded

    installed = recorded.installed(program)
    newest = recorded.newest(name)
    if installed is None:
        return Finding("note", name, f"{program} tells no version", "what its screen means may have changed")
    if newest is None or recorded.numbers(installed) <= recorded.numbers(newest):
        return Finding("ok", name, f"{program} {installed}")
    what = f"{program} {installed} is newer than {newest}, the newest that was recorded"
    return Finding("note", name, what, recorded.RESTS[name])


def _settings() -> Finding:
    from orchestrator.commands import Refused
    from orchestrator.config import load_settings, settings_path

    path = settings_path(os.environ)
    try:
        load_settings(None, os.environ)
    except Refused as error:
        return Finding("bad", "settings", error.message, error.hint)
    return Finding("ok", "settings", str(path) if path.exists() else f"defaults ({path} is not there)")


def _box() -> Finding:
    """What sealed sessions get on this machine; it is tried."""
    if why := sealing.available(os.environ):
        return Finding("note", "sealed sessions", f"a clone without a box: {why}", sealing.INSTALL)
    return Finding("ok", "sealed sessions", "a clone in a box of bubblewrap")


def _inotify() -> Finding:
    if sys.platform != "linux":
        return Finding("ok", "file events", "one joined poll (this platform has no inotify)")
    folder = Path("/proc/sys/fs/inotify")
    try:
        watches = int((folder / "max_user_watches").read_text())
        handles = int((folder / "max_user_instances").read_text())
    except (OSError, ValueError):
        return Finding("note", "file events", "the limits of inotify cannot be read")
    if watches < 4096 or handles < 16:
        hint = "sysctl fs.inotify.max_user_watches=65536 fs.inotify.max_user_instances=128"
        return Finding("note", "file events", f"inotify allows {watches} watches, {handles} handles", hint)
    return Finding("ok", "file events", f"inotify, {watches} watches")


def _locale() -> Finding:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if encoding != "utf8":
        return Finding("note", "locale", encoding or "none", "set LANG=C.UTF-8 for the dashboard's symbols")
    return Finding("ok", "locale", "UTF-8")
