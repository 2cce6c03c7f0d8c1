"""The arguments of planning and variants."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def plan(add: Callable[..., argparse.ArgumentParser]) -> None:
    """``plan``."""
    command = add("plan", "plan", "split a goal into tasks by a model, to look over, edit and launch")
    command.add_argument("words", nargs="*", metavar="GOAL", help='the goal; "-" reads it from stdin')
    command.add_argument("--repo", metavar="PATH", default=".", help="repository (default: this folder)")
    command.add_argument("--model", metavar="M", help="the model that plans (default: [planner] model)")
    command.add_argument(
        "--file", metavar="TASKS.toml", help="look over and launch the tasks of a file; no model is asked"
    )
    command.add_argument("--out", metavar="TASKS.toml", help="write the plan there and launch nothing")
    command.add_argument("--force", action="store_true", help="with --out: write over a file that is there")
    command.add_argument("--yes", "-y", action="store_true", help="launch without being asked")
    command.add_argument("--trust", action="store_true", help="approve the repository's own commands as they stand")
    command.add_argument("--json", action="store_true", help="the plan as JSON; asks nothing")


def variants(add: Callable[..., argparse.ArgumentParser], run: argparse.ArgumentParser) -> None:
    """The options of ``run`` for them, ``compare`` and ``pick``."""
    run.add_argument("--variants", metavar="A,B", help="one session each: agents, with a model behind a colon or not")
    run.add_argument("--models", metavar="M,N", help="one session each: models of one agent")
    compare = add("compare", "variants", "hold the variants of one task side by side")
    compare.add_argument("group", metavar="GROUP", help="the group's name, or that of one of its sessions")
    compare.add_argument("--diff", nargs=2, metavar=("ONE", "OTHER"), help="what differs between two of them")
    compare.add_argument("--json", action="store_true", help="as JSON")
    pick = add("pick", "variants", "keep one variant; the others go to the attic with all of their work")
    pick.add_argument("name", metavar="NAME", help="the session's name (see: orchestrator ls)")
    pick.add_argument("--yes", "-y", action="store_true", help="do not ask")
    pick.add_argument("--json", action="store_true", help="as JSON")
