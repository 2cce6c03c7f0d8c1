"""The box of a sealed session: what its program sees and may change, as one bubblewrap command line.

The whole machine is there to be read; what can be changed is only the worktree, the agent's own files and what the user
named. ``/tmp`` and ``/run`` are the session's own and empty, which takes away the sockets of tmux, D-Bus,
ssh-agent and containers: a socket can be connected to through a read-only mount. The processes are in a namespace of
their own, so nothing outside can be signalled, traced or looked into by its pid.

Of two rules the one of the more specific path counts; of two for the same path the later one.

Not ``--new-session``: the program would lose its terminal, and with it the size, job control and being held. What that
flag is for, characters pushed into the terminal (TIOCSTI), comes to nothing here: the pane is the program's own, and
nothing that is outside of the box ever reads from it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from sessions.agents.contract import Agent, Launch, Needs, Place
from sessions.errors import SessionError
from sessions.models import Spec

PROGRAM = "bwrap"
INSTALL = "apt install bubblewrap (Debian) · dnf install bubblewrap (Fedora) · pacman -S bubblewrap (Arch)"
_PROBE_S = 10.0


class Way(StrEnum):
    """What a path is inside of the box."""

    READ = "read"
    WRITE = "write"
    HIDE = "hide"  # an empty folder, or a file that cannot be opened
    OWN = "own"  # an empty folder that can be written to and is gone with the box


@dataclass(frozen=True)
class Rule:
    """``source``: what is shown at ``path``; None: what is there. ``file``: it is no folder."""

    path: Path
    way: Way
    source: Path | None = None
    file: bool = False


SECRETS = (
    *("~/.ssh", "~/.gnupg", "~/.aws", "~/.azure", "~/.kube", "~/.docker", "~/.password-store", "~/.config/gcloud"),
    *("~/.config/gh", "~/.config/hub", "~/.config/git/credentials", "~/.git-credentials", "~/.netrc", "~/.npmrc"),
    *("~/.pypirc", "~/.cargo/credentials", "~/.cargo/credentials.toml", "~/.gem/credentials", "~/.vault-token"),
    *("~/.local/share/keyrings", "~/.config/op", "~/.config/rclone", "~/.mozilla", "~/.thunderbird"),
    *("~/.config/google-chrome", "~/.config/chromium", "~/.Xauthority", "~/.bash_history", "~/.zsh_history"),
    *("~/.python_history", "~/.psql_history", "~/.claude/.credentials.json", "~/.codex/auth.json"),
    *(
        "~/.gemini/oauth_creds.json",
        "~/.local/share/opencode/auth.json",
        "~/.pi/agent/auth.json",
        "~/.config/orchestrator",
    ),
)
"""Hidden unless the agent itself needs it or ``[sealed] read`` names it."""

_RUN_KEPT = ("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf", "/run/current-system")
"""What names are looked up with, and the system of NixOS."""

_UNSET = (
    *("SSH_AUTH_SOCK", "SSH_AGENT_PID", "GPG_AGENT_INFO", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"),
    *("XAUTHORITY", "DOCKER_HOST"),
)

_NAMESPACES = ("--unshare-user", "--unshare-pid", "--unshare-ipc")
# An interrupt typed in the pane would end bubblewrap itself and the whole box with it.
_DEAF = "trap '' INT QUIT; exec \"$@\""
# What is ignored at the start stays so in the program, which is to be interrupted.
_FIRST = (
    "import os, signal, sys\n"
    "for number in (signal.SIGINT, signal.SIGQUIT): signal.signal(number, signal.SIG_DFL)\n"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


@dataclass(frozen=True)
class Seal:
    """How a session is boxed in. ``shown``: to be read although it may lie where everything is hidden; ``hidden``: what
    is ours. The other paths are the user's, and may begin with ``~/``.
    """

    shown: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    network: bool = True


def available(env: Mapping[str, str]) -> str | None:
    """Why there is no box on this machine; None when there is one. It is tried, for a kernel may forbid it."""
    found = shutil.which(PROGRAM, path=env.get("PATH"))
    if found is None:
        return "bubblewrap is not installed"
    words = [
        found,
        "--unshare-user",
        "--unshare-pid",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "true",
    ]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_PROBE_S, check=False, env=dict(env))
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not work here: {error}"
    if done.returncode != 0:
        return f"bubblewrap does not work here: {done.stderr.strip() or f'exit code {done.returncode}'}"
    return None


def boxed(seal: Seal, agent: Agent, spec: Spec, place: Place, launch: Launch) -> Launch:
    """The launch in a box, with everything prepared that has to be there. Raises SessionError without bubblewrap."""
    declared = getattr(agent, "needs", None)  # a plug-in may know nothing of boxes
    wanted = declared(spec, place) if callable(declared) else Needs()
    found = shutil.which(PROGRAM, path=place.env.get("PATH"))
    if found is None:
        raise SessionError("bubblewrap is not installed, so there is no box to start it in", INSTALL)
    place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    prepare(place, wanted)
    found_rules = rules(seal, place, wanted, launch.argv)
    argv = command(found, found_rules, place.worktree, launch.argv, seal.network)
    return replace(launch, argv=argv, env={**launch.env, **wanted.env})


def prepare(place: Place, wanted: Needs) -> None:
    """Make what has to be there before the start: inside of the box nothing could make it."""
    for path in wanted.own:
        for folder in (path, place.own(path)):  # the first is where the second is shown
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for source, target in wanted.copies:
        with suppress(FileExistsError, FileNotFoundError):
            # The program owns the folder: a link that it planted there is not followed.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            content = source.read_bytes()
            with os.fdopen(os.open(place.outside(target), flags, 0o600), "wb") as file:
                file.write(content)
    for path in wanted.folders:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (place.spool.name, place.events.name, *wanted.files):
        os.close(os.open(place.folder / name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))


def around(seal: Seal, folder: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """What to put before a command that runs on a sealed session's work (a check) and may write ``folder`` alone."""
    found = shutil.which(PROGRAM, path=env.get("PATH"))
    if found is None:
        raise SessionError("bubblewrap is not installed, so there is no box to run it in", INSTALL)
    home = env.get("HOME") or str(Path.home())
    everything = (*_machine(seal, home), *_of([folder], Way.WRITE, home), *_users(seal, home))
    return command(found, everything, folder, (), seal.network)


def rules(seal: Seal, place: Place, wanted: Needs, argv: tuple[str, ...]) -> tuple[Rule, ...]:
    """Every rule whose path is there, in the order in which later ones win."""
    home = place.env.get("HOME") or str(Path.home())
    own = (Rule(Path(os.path.realpath(path)), Way.WRITE, place.own(path)) for path in wanted.own if path.is_dir())
    program = [Path(argv[0]).parent, Path(os.path.realpath(argv[0])).parent] if argv[0].startswith("/") else []
    written = [place.spool, place.events, *(place.folder / name for name in wanted.files)]
    return (
        *_machine(seal, home),
        *_of(program, Way.READ, home),
        *own,
        *_of([*wanted.read, place.folder], Way.READ, home),
        *_of([*wanted.write, *wanted.folders, *written, place.worktree], Way.WRITE, home),
        *_users(seal, home),
    )


def _machine(seal: Seal, home: str) -> tuple[Rule, ...]:
    """What every box has: all of it to be read, without secrets and without what is ours."""
    python = [Path(sys.executable), Path(sys.prefix), Path(sys.base_prefix), _packages()]
    return (
        Rule(Path("/"), Way.READ),
        *(Rule(path, Way.OWN) for path in map(Path, ("/tmp", "/var/tmp", "/run")) if path.is_dir()),
        *_of([*_RUN_KEPT, home, *python, *seal.shown], Way.READ, home),
        *_of([*SECRETS, *seal.hidden], Way.HIDE, home),
    )


def _users(seal: Seal, home: str) -> tuple[Rule, ...]:
    return (
        *_of(seal.read, Way.READ, home),
        *_of(seal.write, Way.WRITE, home),
        *_of(seal.hide, Way.HIDE, home),
    )


def _of(names: Iterable[str | Path], way: Way, home: str) -> list[Rule]:
    return [found for name in names if (found := _rule(_path(name, home), way)) is not None]


def command(
    program: str, rules: Iterable[Rule], worktree: Path, argv: tuple[str, ...], network: bool
) -> tuple[str, ...]:
    """The argv of bubblewrap. Pure."""
    words = ["/bin/sh", "-c", _DEAF, "sh", program, *_NAMESPACES, "--die-with-parent", "--cap-drop", "ALL"]
    if not network:
        words.append("--unshare-net")
    last: dict[Path, Rule] = {}
    for rule in rules:
        last[rule.path] = rule
    closed: list[str] = []
    done: dict[Path, Rule] = {}
    for path in sorted(last, key=lambda path: (len(path.parts), path)):
        rule = last[path]
        above = next((done[parent] for parent in path.parents if parent in done), None)
        if above is not None and above.way is rule.way and rule.source is None and above.source is None:
            continue
        done[path] = rule
        words += _words(rule)
        if rule.way is Way.HIDE and not rule.file:
            closed += ["--remount-ro", str(path)]
        if path == Path("/"):
            words += ["--dev", "/dev", "--proc", "/proc"]
    words += closed
    for name in _UNSET:
        words += ["--unsetenv", name]
    words += ["--setenv", "TMPDIR", "/tmp", "--setenv", "ORCHESTRATOR_SEALED", "1", "--chdir", str(worktree), "--"]
    return (*words, sys.executable, "-I", "-S", "-c", _FIRST, *argv)


def _words(rule: Rule) -> list[str]:
    path = str(rule.path)
    match rule.way:
        case Way.READ:
            return ["--ro-bind", str(rule.source or path), path]
        case Way.WRITE:
            return ["--bind", str(rule.source or path), path]
        case Way.HIDE if rule.file:
            return ["--ro-bind", "/dev/null", path]
        case Way.HIDE | Way.OWN:
            return ["--tmpfs", path]


def _rule(path: Path, way: Way) -> Rule | None:
    """A rule for what is really there: a mount is made on the target of a link."""
    real = Path(os.path.realpath(path))
    if real == Path("/") and way is not Way.READ:
        raise SessionError(f"[sealed] {way} {path} is the whole machine", "name a folder in it")
    return Rule(real, way, file=not real.is_dir()) if real.exists() else None


def _path(name: str | Path, home: str) -> Path:
    text = str(name)
    if text == "~" or text.startswith("~/"):
        return Path(home + text[1:])
    if not text.startswith("/"):
        raise SessionError(f"[sealed] {text!r} is no whole path", "begin it with / or ~/")
    return Path(text)


def _packages() -> Path:
    return Path(__file__).resolve().parents[1]
