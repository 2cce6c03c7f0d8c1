"""What protects against a fault, and how it is taken away: in this process, and in the processes that it starts.

The product has no switch for this. In a process of ours a function is replaced; a child learns by an environment
variable that only ``site/sitecustomize.py`` understands; a program of the machine (git, tmux) gets one of the same name
before it on PATH.
"""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults import shims

WITHOUT = "FAULTS_WITHOUT"
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BARE = {"PYTHONPATH": f"{HERE / 'site'}:{ROOT}"}
"""What a process needs to understand ``FAULTS_WITHOUT``."""


@dataclass(frozen=True)
class Guard:
    """``says`` is what protects.

    ``instead`` maps "module:attribute" to the name of a function in ``tests.faults.without``, which gets the original
    and gives what stands in its place. ``shims`` maps a program to cases of a shell script that runs in its place.
    """

    says: str
    instead: Mapping[str, str] = field(default_factory=dict)
    shims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @contextmanager
    def off(self, folder: Path) -> Iterator[dict[str, str]]:
        """Without this guard, here and in every process that is given the environment which this yields."""
        env = {
            WITHOUT: " ".join(f"{place}={name}" for place, name in self.instead.items()),
            **BARE,
            "PATH": self.path(folder),
        }
        before = {name: os.environ.get(name) for name in env}
        put_back = [replace(place, name) for place, name in self.instead.items()]
        os.environ.update(env)
        try:
            yield env
        finally:
            for undo in reversed(put_back):
                undo()
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def path(self, folder: Path) -> str:
        """PATH with the shims before everything else."""
        for program, cases in self.shims.items():
            real = shutil.which(program)
            assert real, program
            script = folder / "shims" / program
            script.parent.mkdir(exist_ok=True)
            script.write_text(f"#!/bin/sh\nreal={real}\n{shims.program(*cases)}\n")
            script.chmod(0o755)
        return f"{folder / 'shims'}:{os.environ['PATH']}" if self.shims else os.environ["PATH"]


def replace(place: str, name: str) -> Any:
    """Put ``tests.faults.without.name(original)`` in ``place``; returns what puts the original back."""
    module, _, attributes = place.partition(":")
    *owners, last = attributes.split(".")
    owner: Any = importlib.import_module(module)
    for word in owners:
        owner = getattr(owner, word)
    stored = vars(owner)[last]
    substitute = getattr(importlib.import_module("tests.faults.without"), name)(getattr(owner, last))
    setattr(owner, last, staticmethod(substitute) if isinstance(stored, staticmethod) else substitute)
    return lambda: setattr(owner, last, stored)
