"""The dashboard and the commands about the program itself: demo, doctor, serve, down, coder."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from orchestrator.cli.output import CommandError, dump, say


def dashboard(arguments: Namespace) -> int:
    """Open the dashboard on the daemon, which is started when it is absent."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError("the dashboard needs a terminal", "without one: orchestrator ls", 2)
    from orchestrator import client, home
    from sessions.errors import SessionError

    try:
        client.ensure_daemon()
    except (client.DaemonError, SessionError) as error:
        raise CommandError(error.message, error.hint) from error
    except OSError as error:
        raise CommandError(f"the state folder cannot be used: {error}", "set ORCHESTRATOR_HOME to another") from error
    from orchestrator.cli.plan import kept
    from orchestrator.links import RemoteLink
    from orchestrator.tui import run

    folder = Path(arguments.repo or ".").expanduser().absolute()
    return run(lambda: RemoteLink(home.socket_path()), folder, client.ensure_daemon, kept)


def demo(arguments: Namespace) -> int:
    from orchestrator.demo import headless, play

    if arguments.headless:
        return headless()
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError("the demo needs a terminal", "without one: orchestrator demo --headless", 2)
    return play()


def doctor(arguments: Namespace) -> int:
    """Every finding on its line; exit code 1 when something needed is missing."""
    if arguments.rebuild_ledger:
        return _rebuild_ledger()
    from orchestrator.doctor import examine

    findings = examine(unlock=arguments.unlock)
    if arguments.json:
        dump([finding.__dict__ for finding in findings])
    else:
        for finding in findings:
            mark = {"ok": "ok  ", "note": "note", "bad": "BAD "}[finding.level]
            say(f"{mark}  {finding.what}: {finding.found}")
            if finding.hint:
                say(f"      → {finding.hint}")
    return 1 if any(finding.level == "bad" for finding in findings) else 0


def _rebuild_ledger() -> int:
    """End the daemon that shows a damaged ledger, put that aside, write a new one."""
    from orchestrator import client
    from orchestrator.cli.output import call
    from orchestrator.daemon import rebuild_ledger
    from orchestrator.store import LedgerError

    try:
        if client.alive():
            if client.request("GET", "/v1/about")[1].get("read_only") is None:
                raise CommandError("the ledger is in use and whole", "there is nothing to rebuild")
            call("down")
            client.wait_gone()
        done = rebuild_ledger()
    except (client.DaemonError, LedgerError) as error:
        raise CommandError(error.message, error.hint) from error
    if done is None:
        raise CommandError("a daemon runs", "end it first: orchestrator down")
    fleet, aside = done
    count = len(fleet.rows)
    say(f"{count} session{'s' if count != 1 else ''} found: {', '.join(row.name for row in fleet) or 'none'}")
    say(f"the old ledger is kept as {aside}")
    return 0


def serve(_arguments: Namespace) -> int:
    from orchestrator.daemon import serve as run

    return run()


def down(arguments: Namespace) -> int:
    from orchestrator import client
    from orchestrator.cli.output import call

    if not client.alive():
        say("no daemon runs")
        return 0
    reply = call("down", agents=arguments.agents)
    if not client.wait_gone():
        raise CommandError("the daemon did not end within 10 s", "see daemon.log in the state folder")
    say(reply["message"])
    return 0


def coder(_arguments: Namespace) -> int:
    from sessions.coder import main

    return main(["--help"])
