"""The commands, their arguments and examples. Handlers are imported when their command runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import Any, NoReturn

from orchestrator.cli import plan_arguments, words
from worktrees import inert


class _Parser(argparse.ArgumentParser):
    """Shows wrong words inert: they may come from a script that took them from a file's or branch's name."""

    def error(self, message: str) -> NoReturn:
        super().error(inert.block(message))


METHODS = ("squash", "merge", "rebase", "ff")
GROUPS = ("session", "agent", "model", "repo", "task", "day")
KINDS = ("worktree", "sealed")
Handler = Callable[[argparse.Namespace], int]


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="orchestrator",
        description="Supervise many coding agents from one terminal. Without a command: the dashboard.",
        epilog=words.TOP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=_version())
    top.add_argument("--repo", metavar="PATH", default=None, help="repository of new tasks (default: this folder)")
    top.set_defaults(handler=_lazy("service", "dashboard"))
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, module: str, help_: str, handler: str | None = None) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=help_,
            description=help_[0].upper() + help_[1:] + ".",
            epilog="examples:\n" + words.EXAMPLES[name] if name in words.EXAMPLES else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(handler=_lazy(module, handler or name))
        return command

    _launch(add)
    _look(add)
    _steer(add)
    _history(add)
    _undoing(add)
    _service(add)
    return top


def _launch(add: Callable[..., argparse.ArgumentParser]) -> None:
    run = add("run", "run", "launch agents on a task, each in its own worktree and pane")
    _task(run)
    run.add_argument("--now", action="store_true", help="also at a rate limit, or when the day's cap is spent")
    run.add_argument("--json", action="store_true", help="print what was launched as JSON")
    plan_arguments.plan(add)
    plan_arguments.variants(add, run)
    _queue(add)
    resume = add("resume", "steer", "start ended sessions again, each in its worktree with its own conversation")
    resume.add_argument("names", nargs="*", metavar="NAME", help="the sessions' names (see: orchestrator ls)")
    resume.add_argument("--all", action="store_true", help="all that were lost or crashed, not what you stopped")
    resume.add_argument("--json", action="store_true", help="as JSON")


def _task(command: argparse.ArgumentParser) -> None:
    """The words of a task, the same for run and add."""
    command.add_argument("words", nargs="*", metavar="PROMPT", help='the task; "-" reads it from stdin')
    command.add_argument("--repo", metavar="PATH", default=".", help="repository (default: this folder)")
    command.add_argument("--agent", metavar="A", help="claude, codex, coder, command or a plug-in's name")
    command.add_argument(
        "--base", metavar="REF", help="revision, or session to stack it on (default: what is checked out)"
    )
    command.add_argument("--name", metavar="N", help="name of session and branch (default: from the task)")
    command.add_argument("-n", "--count", type=int, default=1, metavar="COUNT", help="this many of it at once")
    command.add_argument("--model", metavar="M", help="the agent's model")
    command.add_argument("--permission-mode", metavar="MODE", help="the agent's own word for it")
    command.add_argument("--isolation", choices=KINDS, metavar="KIND", help="worktree, or sealed: a clone, in a box")
    command.add_argument("--method", choices=METHODS, help="how its work lands (default: [merge] method, else squash)")
    command.add_argument("--prompt", metavar="TEXT", help="the task, where PROMPT is a program (--agent command)")
    command.add_argument("--file", metavar="TASKS.toml", help='every [[task]] of a file; "-" reads stdin')
    command.add_argument(
        "--budget", metavar="AMOUNT", help="hold it and ask you when it has taken this: '$5', '$5 200k 2h'"
    )
    command.add_argument("--max-cost", metavar="$", help="the same, in dollars")
    command.add_argument("--max-tokens", metavar="N", help="in output tokens: 200k")
    command.add_argument("--max-hours", metavar="H", help="in busy time: 2, 90m")
    command.add_argument("--trust", action="store_true", help="approve the repository's own commands as they stand")


def _queue(add: Callable[..., argparse.ArgumentParser]) -> None:
    task = add("add", "queue", "queue tasks: each starts by itself when a slot is free")
    _task(task)
    task.add_argument("--after", action="append", default=[], metavar="NAME", help="after this one; may be repeated")
    task.add_argument("--when", choices=("landed", "done"), help="what --after waits for (default: [queue] after)")
    task.add_argument("--priority", type=int, metavar="P", help="higher ones start first (default: 0)")
    task.add_argument("--retries", type=int, metavar="N", help="try again so often when it fails (default: [queue])")
    task.add_argument("--hold", dest="held", action="store_true", help="wait until: orchestrator queue release NAME")
    task.add_argument("--whole", action="store_true", help='with "-": stdin is one task, not a list of them')
    task.add_argument("--json", action="store_true", help="as JSON")
    queue = add("queue", "queue", "show what waits for a slot and why, or steer it")
    what = ("show", "move", "priority", "hold", "release", "start", "edit", "drop")
    queue.add_argument("do", nargs="?", choices=what, default="show", help="start: now, past the caps")
    queue.add_argument("name", nargs="?", metavar="NAME", help="a task (hold, release: default the whole queue)")
    queue.add_argument("place", nargs="?", metavar="PLACE", help="move: first, last or a number; priority: a number")
    queue.add_argument("--priority", type=int, metavar="P", help="with move: higher ones start first")
    queue.add_argument("--json", action="store_true", help="as JSON")


def _look(add: Callable[..., argparse.ArgumentParser]) -> None:
    ls = add("ls", "look", "list the sessions, those that wait for you first")
    ls.add_argument("--json", action="store_true", help="everything, as JSON")
    for name, help_ in (
        ("show", "show one session with its open question"),
        ("diff", "show everything a session changed, uncommitted and untracked work included"),
    ):
        command = add(name, "look", help_)
        _name(command)
        command.add_argument("--json", action="store_true", help="as JSON")
        if name == "diff":
            command.add_argument("--stat", action="store_true", help="only the files and counts")
            command.add_argument("--turn", action="store_true", help="what the last turn did")
            command.add_argument("--from", dest="old", metavar="S", help="from this snapshot (default: the one before)")
            command.add_argument("--to", dest="new", metavar="S", help="to this snapshot (default: now)")
    why = add("why", "explain", "say why a session has its state: what was seen, and what it outweighed")
    why.add_argument("name", nargs="?", metavar="NAME", help="the session's name (see: orchestrator ls)")
    why.add_argument("--agent", metavar="A", help="with --screen: whose screen it is")
    why.add_argument("--screen", metavar="FILE", help="explain a saved screen (plain text) instead of a session")
    why.add_argument("--title", metavar="T", help="with --screen: the terminal's title then")
    why.add_argument("--version", metavar="V", help="with --screen: the agent's version (default: not known)")
    why.add_argument("--json", action="store_true", help="as JSON")
    radar = add("radar", "radar", "tell which works would conflict, and an order to land them in")
    radar.add_argument("name", nargs="?", metavar="NAME", help="the hunks in which this session conflicts …")
    radar.add_argument("other", nargs="?", metavar="OTHER", help="… with this other one (default: with its target)")
    radar.add_argument("--message", action="store_true", help="only what NAME could be told of the other side")
    radar.add_argument("--repo", metavar="PATH", default=None, help="only this repository (default: all)")
    radar.add_argument("--json", action="store_true", help="as JSON")
    stats = add("stats", "stats", "tell how busy the agents were, what waited for you, and what it took in tokens")
    stats.add_argument("--since", metavar="WHEN", help="30m, 8h, 7d, today, all, a date or date and time (default: 1d)")
    stats.add_argument("--by", choices=GROUPS, default="session", metavar="WHAT", help=", ".join(GROUPS))
    stats.add_argument("--json", action="store_true", help="all figures, as JSON; times in seconds")
    stats.add_argument("--csv", action="store_true", help="the lines, as CSV")
    for name, help_ in (
        ("inbox", "list all that is worth your attention, what pays the most first, with the reasons"),
        ("next", "tell what is worth your attention most now, and why"),
    ):
        add(name, "inbox", help_).add_argument("--json", action="store_true", help="as JSON")
    budget = add("budget", "budget", "show what may be spent and what is left, or raise a cap")
    budget.add_argument("name", nargs="?", metavar="NAME", help="the caps that hold this session (default: all)")
    budget.add_argument("--add", metavar="AMOUNT", help="raise the cap by this: '$5', 200k (output tokens), 2h (busy)")
    budget.add_argument("--set", metavar="AMOUNT", help="cap it at this, in place of the settings'")
    budget.add_argument("--lift", action="store_true", help="no cap any more")
    budget.add_argument("--task", action="store_true", help="change the cap of all sessions on NAME's task")
    budget.add_argument("--day", action="store_true", help="change today's cap of all sessions")
    budget.add_argument("--account", metavar="AGENT", help="change today's cap of all sessions of this agent")
    budget.add_argument("--json", action="store_true", help="as JSON")
    past = add(
        "import-usage", "stats", "count the tokens of earlier conversations, from the agents' own files", "import_usage"
    )
    past.add_argument("--json", action="store_true", help="as JSON")
    report = add("report", "report", "write the statistics as one HTML page with charts")
    report.add_argument("--since", metavar="WHEN", help="as for stats (default: 1d)")
    report.add_argument(
        "-o", "--output", metavar="FILE", default="orchestrator-report.html", help="default: %(default)s"
    )
    report.add_argument("--force", action="store_true", help="write over a file that is there")
    log = add("log", "look", "print what happened to a session")
    _name(log)
    log.add_argument("--follow", "-f", action="store_true", help="go on as it happens")
    log.add_argument("--json", action="store_true", help="the lines as JSON")
    wait = add("wait", "look", "wait until a session is in a state")
    _name(wait)
    wait.add_argument("--for", dest="states", required=True, metavar="STATE", help="state, or several with commas")
    wait.add_argument("--timeout", type=float, default=None, metavar="S", help="give up after S seconds (exit code 1)")
    wait.add_argument("--json", action="store_true", help="print the session as JSON")


def _steer(add: Callable[..., argparse.ArgumentParser]) -> None:
    send = add("send", "steer", "send a message to an agent and see that it takes it")
    _name(send)
    send.add_argument("text", nargs="+", metavar="TEXT", help='the message; "-" reads it from stdin')
    answer = add("answer", "steer", "answer the open question of a session")
    _name(answer)
    answer.add_argument(
        "choice", nargs="?", default="", metavar="CHOICE", help="an option's key, or y, n, a; 1,3 of several"
    )
    answer.add_argument("--text", default="", metavar="WORDS", help="answer in words, where the question takes them")
    answer.add_argument("--question", metavar="ID", help="refuse when another question is open by now")
    answer.add_argument("--same", action="store_true", help="answer every session that asks the very same")
    answer.add_argument("--yes", "-y", action="store_true", help="with --same: do not ask")
    for name, help_ in (
        ("interrupt", "interrupt what an agent does; it stays at its prompt"),
        ("stop", "end an agent's program; worktree and branch stay"),
        ("pause", "hold an agent's processes where they are"),
        ("unpause", "let a held agent go on"),
        ("attach", "go to the agent's own terminal (leave it with ctrl+b d)"),
        ("update", "bring the target's new commits into a session's branch"),
    ):
        _name(add(name, "steer", help_))
    snooze = add("snooze", "inbox", "put what a session wants to the end of the inbox")
    _name(snooze)
    snooze.add_argument("time", nargs="?", metavar="TIME", help="10m, 1h, 2d (default: until something changes)")
    snooze.add_argument("--off", action="store_true", help="take it back into the inbox now")
    prioritise = add("prioritise", "inbox", "say how much a session matters beside the others")
    _name(prioritise)
    prioritise.add_argument("priority", type=int, metavar="N", help="each step up doubles its weight; 0: as usual")
    merge = add("merge", "steer", "land a session's work on its target, checked first, never half; several as a train")
    merge.add_argument("names", nargs="*", metavar="NAME", help="one session, or several that are tested together")
    _train_options(merge)
    merge.add_argument("--method", choices=METHODS, help="default: the session's, else [merge] method, else squash")
    merge.add_argument("--check", action="append", metavar="CMD", help="run on the merged tree first; may be repeated")
    merge.add_argument("--no-check", action="store_true", help="skip the checks of the settings")
    merge.add_argument("--trust", action="store_true", help="approve the repository's own commands as they stand")
    merge.add_argument("-m", "--message", metavar="TEXT", help="commit message (default: drafted)")
    merge.add_argument("--edit", "-e", action="store_true", help="edit the message in $VISUAL or $EDITOR first")
    merge.add_argument("--after", choices=("keep", "continue", "remove"), help="the session afterwards (default: keep)")
    merge.add_argument("--remove", dest="after", action="store_const", const="remove", help="short for --after remove")
    merge.add_argument("--only", action="append", default=[], metavar="P", help="only this file or folder; repeatable")
    merge.add_argument("--dry-run", action="store_true", help="only say what it would do")
    merge.add_argument("--work", metavar="ID", help="refuse other work than that of --dry-run --json")
    merge.add_argument("--json", action="store_true", help="as JSON")
    conflicts = add("conflicts", "conflicts", "show what of a session conflicts with its target, and how to decide it")
    _name(conflicts)
    conflicts.add_argument("--json", action="store_true", help="as JSON")
    resolve = add("resolve", "conflicts", "decide conflicts, or let an agent propose; then the branch gets the merge")
    _name(resolve)
    resolve.add_argument(
        *("--take",), nargs="+", metavar=("SIDE", "FILE"), help="ours (the target), theirs (the session), base or both"
    )
    resolve.add_argument("--offer", metavar="BY", help="take what it offers: remembered, mergiraf, or a session")
    resolve.add_argument("--agent", metavar="A", help="ask this agent; it works in a worktree of its own and proposes")
    resolve.add_argument("--keep", action="store_true", help="only keep what is decided, also when nothing is open")
    resolve.add_argument("--trust", action="store_true", help="with --agent: approve the repository's own commands")
    resolve.add_argument("--yes", "-y", action="store_true", help="do not ask before the branch gets the merge")
    resolve.add_argument("--json", action="store_true", help="as JSON; asks nothing")
    push = add("push", "push", "push a branch to origin under its own name; nothing is ever forced")
    push.add_argument("branch", nargs="?", metavar="BRANCH", help="default: the branch that work lands on")
    push.add_argument("--repo", metavar="PATH", default=".", help="repository (default: this folder)")
    push.add_argument("--dry-run", action="store_true", help="only say what would go where")
    push.add_argument("--json", action="store_true", help="as JSON")
    pr = add("pr", "push", "push a session's branch and open a pull request with gh or glab")
    _name(pr)
    pr.add_argument("-m", "--message", metavar="TEXT", help="title, and after a line its body (default: drafted)")
    pr.add_argument("--draft", action="store_true", help="open it as a draft")
    pr.add_argument("--json", action="store_true", help="as JSON")
    checks = add("checks", "checks", "show what checks say of a session's work, or run them on it")
    _name(checks)
    checks.add_argument("--run", action="store_true", help="run all of them anew and wait")
    checks.add_argument("--log", metavar="CHECK", help="print the end of what this check printed")
    checks.add_argument("--trust", action="store_true", help="approve the repository's own commands as they stand")
    checks.add_argument("--json", action="store_true", help="as JSON")
    _review(add)
    _train(add)
    rm = add("rm", "steer", "remove a session, its worktree and branch; all work is kept in the attic")
    _name(rm)
    rm.add_argument("--yes", "-y", action="store_true", help="do not ask, even while it works")


def _train_options(merge: argparse.ArgumentParser) -> None:
    merge.add_argument("--all-ready", action="store_true", help="every session that is ready, as one train")
    merge.add_argument("--repo", dest="repo_of_train", metavar="PATH", help="with --all-ready: only this repository")
    merge.add_argument("--workers", type=int, metavar="N", help="a train's tests at once (default: the check slots)")
    merge.add_argument("--return-failures", action="store_true", help="send what a train rejects back to its agent")
    merge.add_argument("--priority", type=int, default=0, metavar="P", help="in a train: higher ones land first")
    merge.add_argument("--detach", action="store_true", help="do not wait for the end of a train")


def _train(add: Callable[..., argparse.ArgumentParser]) -> None:
    train = add("train", "train", "show the merge trains, or steer the one that is under way")
    what = ("show", "pause", "resume", "cancel", "move", "out")
    train.add_argument("do", nargs="?", choices=what, default="show", help="move and out want a NAME")
    train.add_argument("name", nargs="?", metavar="NAME", help="a session that waits in it")
    train.add_argument("place", nargs="?", metavar="PLACE", help="with move: first, last or a number")
    train.add_argument("--priority", type=int, metavar="P", help="with move: higher ones land first")
    train.add_argument("--repo", metavar="PATH", default=None, help="only this repository (default: all)")
    train.add_argument("--json", action="store_true", help="as JSON")


def _review(add: Callable[..., argparse.ArgumentParser]) -> None:
    review = add("review", "review", "list what was looked at of a session's work, and the comments on it")
    _name(review)
    review.add_argument("--since", action="store_true", help="only what changed since you looked at it")
    review.add_argument("--json", action="store_true", help="as JSON")
    comment = add("comment", "review", "comment on a line of a session's work; the agent gets it with comments --send")
    _name(comment)
    comment.add_argument("words", nargs="*", metavar="FILE:LINE TEXT", help='FILE:7 or FILE:7-9; "-" reads from stdin')
    comment.add_argument("--before", action="store_true", help="the line is one of the file as it was before")
    comment.add_argument("--edit", metavar="ID", help="give this comment other words")
    comment.add_argument("--delete", metavar="ID", help="take this comment back")
    comment.add_argument("--json", action="store_true", help="as JSON")
    comments = add("comments", "review", "list the comments on a session's work, or send them to its agent")
    _name(comments)
    comments.add_argument("--send", action="store_true", help="send those that it does not have, as one message")
    comments.add_argument("--json", action="store_true", help="as JSON")


def _history(add: Callable[..., argparse.ArgumentParser]) -> None:
    snapshots = add("snapshots", "history", "list what was kept of a session, newest first")
    _name(snapshots)
    snapshots.add_argument("--json", action="store_true", help="as JSON, with what each one leaves out")
    snapshot = add("snapshot", "history", "keep all of a session's work as it is now")
    _name(snapshot)
    snapshot.add_argument("-m", "--message", metavar="WORDS", help="say why; restore finds it by these words")
    snapshot.add_argument("--json", action="store_true", help="as JSON")
    restore = add("restore", "history", "bring a session's files back to a snapshot; what is there is kept first")
    _name(restore)
    restore.add_argument(
        "snapshot", nargs="?", metavar="SNAPSHOT", help="number, age (2h), -1 or words (default: the newest other one)"
    )
    restore.add_argument("--path", metavar="P", help="only this file or folder, seen from the worktree's top")
    restore.add_argument("--head", action="store_true", help="put the session's branch back to the commit of then too")
    restore.add_argument("--dry-run", action="store_true", help="only say what would come back and what would go")
    restore.add_argument("--json", action="store_true", help="as JSON")


def _undoing(add: Callable[..., argparse.ArgumentParser]) -> None:
    ops = add("ops", "undoing", "list what was done to branches and files, newest first; undo takes it back")
    ops.add_argument("--repo", metavar="PATH", default=None, help="only this repository (default: all)")
    ops.add_argument(
        "-n", "--count", type=int, default=20, metavar="COUNT", help="at most so many; 0: all (default: 20)"
    )
    ops.add_argument("--json", action="store_true", help="as JSON, with every ref before and after")
    undo = add("undo", "undoing", "take an operation back; an undo can be undone too")
    undo.add_argument("operation", nargs="?", metavar="OP", help="first letters of its id (default: the newest)")
    undo.add_argument("--dry-run", action="store_true", help="only say what it would do")
    undo.add_argument("--yes", "-y", action="store_true", help="do not ask")
    undo.add_argument("--json", action="store_true", help="as JSON")
    attic = add("attic", "undoing", "list the removed sessions, or bring one back as it was")
    attic.add_argument(
        "do", nargs="?", choices=("list", "restore"), default="list", help="list (the default) or restore"
    )
    attic.add_argument("name", nargs="?", metavar="NAME", help="with restore: the session's name")
    attic.add_argument("--json", action="store_true", help="as JSON")


def _service(add: Callable[..., argparse.ArgumentParser]) -> None:
    trust = add("trust", "trust", "show the commands that a repository brings along, and approve them")
    trust.add_argument("repository", nargs="?", default=".", metavar="REPO", help="default: this folder's")
    trust.add_argument("--yes", "-y", action="store_true", help="approve without being asked")
    trust.add_argument("--revoke", action="store_true", help="forget every approval of this repository")
    trust.add_argument("--json", action="store_true", help="as JSON; asks nothing")
    demo = add("demo", "service", "play the main job on a throw-away repository, no key needed")
    demo.add_argument("--headless", action="store_true", help="without a terminal: print what happens, check all of it")
    doctor = add("doctor", "service", "look for what is missing or wrong on this machine")
    doctor.add_argument("--unlock", action="store_true", help="put locks aside that a killed git left behind")
    doctor.add_argument("--rebuild-ledger", action="store_true", help="put a damaged ledger aside, write what is found")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    add("serve", "service", "run the daemon in the foreground (any command starts it by itself)")
    down = add("down", "service", "end the daemon; agents run on in their panes")
    down.add_argument("--agents", action="store_true", help="stop the agents too; worktrees and branches stay")
    add("coder", "service", "the built-in coding agent: orchestrator coder --help")


def _name(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="the session's name (see: orchestrator ls)")


def _lazy(module: str, handler: str) -> Handler:
    def run(arguments: argparse.Namespace) -> int:
        found: Any = getattr(import_module(f"orchestrator.cli.{module}"), handler)
        return int(found(arguments))

    return run


def _version() -> str:
    from orchestrator import __version__

    return f"orchestrator {__version__}"
