"""One target under atheris; never returns. ``tests/fuzz/__main__.py`` starts it."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["worktrees", "sessions", "orchestrator", "tests.fuzz"]):
    from sessions import agents
    from tests.fuzz.seeds import seeds
    from tests.fuzz.targets import NAMES, TARGETS

    for agent in NAMES:
        agents.get(agent)  # adapters are imported by their entry point

name, corpus, kept, seconds = sys.argv[1:5]
for number, seed in enumerate(seeds(name)):
    (Path(corpus) / str(number)).write_bytes(seed)
options = [
    f"-max_total_time={seconds}",
    f"-artifact_prefix={kept}",
    "-timeout=10",
    "-print_final_stats=1",
    "-max_len=8192",
]
atheris.Setup([sys.argv[0], *options, "-max_len=8192", corpus], TARGETS[name])
atheris.Fuzz()
