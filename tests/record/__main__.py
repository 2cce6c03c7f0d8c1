"""The command: record flows of an agent, try them without keeping anything, or show a tape."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from sessions.errors import SessionError
from tests.record import afterwards, flows, tape
from tests.record.driver import Driver, Flow, NotReached
from tests.record.replay import CORPUS
from tests.record.setup import Setup
from tests.record.stage import Stage

_CUT_OFF = "ORCHESTRATOR_RECORDER_CUT_OFF"


def main() -> int:
    arguments = _arguments()
    if arguments.agent == "show":
        return _show([Path(name) for name in arguments.flows])
    _cut_off_the_network()
    module = import_module(f"tests.record.agents.{arguments.agent}")
    setup: Setup = module.SETUP
    usual: dict[str, Flow] = {**flows.FLOWS, **getattr(module, "FLOWS", {})}
    known = {**usual, **afterwards.FLOWS}
    wanted = arguments.flows or [name for name in usual if name not in setup.without]
    if unknown := [name for name in wanted if name not in known]:
        print(f"no flow {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for folder in reversed(arguments.bin or ()):
        os.environ["PATH"] = f"{Path(folder).absolute()}:{os.environ['PATH']}"
    program = shutil.which(setup.program)
    if program is None:
        print(f"{setup.program} is not on PATH: name its folder with --bin", file=sys.stderr)
        return 2
    version = setup.version(program)
    bad = 0
    for name in wanted:
        bad += asyncio.run(_play(arguments, setup, version, name, known[name]))
    for name, why in setup.without.items():
        print(f"{arguments.agent} {name}: cannot be played: {why}")
    return 1 if bad else 0


async def _play(arguments: argparse.Namespace, setup: Setup, version: str, name: str, flow: Flow) -> int:
    """Play one flow; returns how many verdicts were wrong (a flow that broke off counts as one)."""
    stage = Stage(arguments.agent, setup, name, trusted=name not in flows.UNTRUSTED)
    async with stage:
        stage.tape.version = version
        driver = Driver(stage)
        broken = ""
        try:
            await flow(driver)
        except (NotReached, SessionError) as error:
            broken = f"{type(error).__name__}: {error}"
        wrong = _report(arguments.agent, name, driver, broken)
    if not arguments.keep:
        shutil.rmtree(stage.folder, ignore_errors=True)
    else:
        print(f"  kept: {stage.folder}")
    if not broken and not arguments.check:
        out = Path(arguments.out) / arguments.agent / version / f"{name}.jsonl.gz"
        tape.write(stage.tape, out, _hidden(stage.folder, arguments.bin or ()))
    return wrong + bool(broken)


def _report(agent: str, name: str, driver: Driver, broken: str) -> int:
    wrong = 0
    for label, status in driver.labels:
        said = "nothing" if status is None else status.state.value + (f" {status.kind}" if status.kind else "")
        truth = label.state.value + (f" {label.kind}" if label.kind else "")
        right = label.latency_ms is not None
        wrong += not right
        late = f"{label.latency_ms:7.0f} ms" if label.latency_ms is not None else "never     "
        print(f"{agent:<9} {name:<13} {label.mark:<13} {truth:<20} {late} {'✓' if right else f'✗ ledger: {said}'}")
    ours, theirs = driver.tokens()
    equal = "=" if ours == theirs else "≠"
    print(f"{agent:<9} {name:<13} tokens        ours {list(ours.values())} {equal} server {list(theirs.values())}")
    if broken:
        print(f"{agent:<9} {name:<13} BROKE OFF: {broken}")
    sys.stdout.flush()
    return wrong


def _hidden(folder: Path, programs: Iterable[str]) -> list[tuple[str, str]]:
    """The recording's folder, as it is and as agents make file names of it, and the folders of the CLIs."""
    plain = str(folder)
    bins = [(str(Path(name).absolute()), "/agents/bin") for name in programs]
    return [(plain, "/recorded"), (plain.replace("/", "-"), "-recorded"), *bins, (os.uname().nodename, "machine")]


def _cut_off_the_network() -> None:
    """Go on in a network of our own with nothing but loopback; where that cannot be had, say so."""
    if os.environ.get(_CUT_OFF):
        return
    os.environ[_CUT_OFF] = "1"
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0:
        words = ["unshare", "-rn", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", sys.executable, "-m"]
        os.execvp(words[0], [*words, "tests.record", *sys.argv[1:]])
    print("this machine cannot cut the network off (unshare); the agent runs with it", file=sys.stderr)


def _show(paths: list[Path]) -> int:
    for path in paths:
        shown = tape.load(path)
        print(f"{shown.agent} {shown.version} {shown.flow}, {shown.began:%Y-%m-%d}")
        screen: list[str] = []
        for entry in shown.entries:
            if entry["what"] == "look":
                screen = [*entry["lines"], f"title: {entry['title']}"]
            elif entry["what"] == "read":
                print(f"{entry['at']:8.3f} {entry['feed']} {len(entry['lines'])} lines {entry['path']}")
            elif entry["what"] == "label":
                print(f"{entry['at']:8.3f} LABEL {entry['label']}")
                print("\n".join(f"    | {line}" for line in screen if line.strip()))
            else:
                rest = {key: value for key, value in entry.items() if key not in ("at", "what", "spec")}
                print(f"{entry['at']:8.3f} {entry['what']} {rest}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.record", description=__doc__)
    parser.add_argument("agent", help="an agent of tests/record/agents, or: show")
    parser.add_argument("flows", nargs="*", metavar="FLOW", help="default: all; with show: files")
    parser.add_argument("--bin", action="append", metavar="DIR", help="folder of the CLI; may be repeated")
    parser.add_argument("--out", default=str(CORPUS), metavar="DIR", help="where tapes go (default: tests/corpus)")
    parser.add_argument("--check", action="store_true", help="play and compare, write nothing")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the recording")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
