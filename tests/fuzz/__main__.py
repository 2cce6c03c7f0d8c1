"""``python -m tests.fuzz [TARGET …] --seconds 60``: coverage-guided search for bytes that break a target (atheris).

Each target runs in a process of its own. What breaks it is left in ``.fuzz/TARGET``; a regression test comes of it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    arguments = parser.parse_args()
    broken = []
    for name in arguments.targets or TARGETS:
        kept = ROOT / ".fuzz" / name
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fuzz-") as corpus:
            words = [sys.executable, "-m", "tests.fuzz.run", name, corpus, f"{kept}/", str(arguments.seconds)]
            done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
        runs = re.search(r"stat::number_of_executed_units: +(\d+)|Done (\d+) runs", done.stderr)
        number = next(filter(None, runs.groups()), "?") if runs else "?"
        coverage = (re.findall(r"cov: (\d+)", done.stderr) or ["?"])[-1]
        verdict = "holds" if done.returncode == 0 else "BROKEN"
        print(f"{name:<10} {verdict:<7} {number:>9} executions, {coverage} edges, {arguments.seconds} s", flush=True)
        if done.returncode:
            broken.append(name)
            print("\n".join(done.stderr.splitlines()[-40:]))
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
