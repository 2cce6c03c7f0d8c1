"""The house stays small: a file that nobody can hold in the head is a defect."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("worktrees", "sessions", "orchestrator")
FILE, CLASS, MEDIAN = 400, 250, 150


def _files() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_no_file_is_too_long() -> None:
    tests = sorted((ROOT / "tests").rglob("*.py")) + sorted((ROOT / "benchmarks").rglob("*.py"))
    long = {str(path.relative_to(ROOT)): _lines(path) for path in [*_files(), *tests] if _lines(path) > FILE}
    assert long == {}


def test_half_of_the_files_are_short() -> None:
    assert statistics.median(_lines(path) for path in _files()) < MEDIAN


def test_no_class_is_too_long() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in _files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and (node.end_lineno or 0) - node.lineno + 1 > CLASS
    }
    assert long == {}
