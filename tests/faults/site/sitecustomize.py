"""Takes guards away in a process that a fault test started; read by Python itself at its start.

Each replacement is made when its module has just been imported, so that a command stays as quick as it is.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class Without(importlib.abc.MetaPathFinder):
    def __init__(self, places: list[tuple[str, str]]) -> None:
        self.wanted: dict[str, list[tuple[str, str]]] = {}
        for place, name in places:
            self.wanted.setdefault(place.partition(":")[0], []).append((place, name))

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in self.wanted:
            return None
        places = self.wanted.pop(fullname)
        spec = importlib.util.find_spec(fullname)
        assert spec is not None
        assert spec.loader is not None
        run = spec.loader.exec_module

        def run_and_replace(module: ModuleType) -> None:
            run(module)
            sys.modules[fullname] = module
            from tests.faults.guards import replace

            for place, name in places:
                replace(place, name)

        spec.loader.exec_module = run_and_replace  # type: ignore[method-assign]
        return spec


if words := os.environ.get("FAULTS_WITHOUT", "").split():
    sys.meta_path.insert(0, Without([(place, name) for place, _, name in (word.partition("=") for word in words)]))
