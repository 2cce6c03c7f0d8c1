"""Envelopes as lines for people. Pure."""

from __future__ import annotations

from typing import assert_never

from orchestrator.budgets.amounts import words
from orchestrator.budgets.ask import Allowed, CapsRead, Parked, Unparking, Warned
from orchestrator.checks.ask import Checked
from orchestrator.events import (
    Abandoned,
    Changed,
    Created,
    Envelope,
    Event,
    Focused,
    Followed,
    Foreseen,
    Forgotten,
    Imported,
    Intended,
    LaunchFailed,
    Looked,
    Merged,
    MergeFailed,
    Merging,
    Noticed,
    Outdated,
    Paused,
    Pruned,
    ReadOnly,
    Removed,
    RequestOpened,
    Restored,
    Returned,
    Seen,
    Snapshotted,
    Strayed,
    Undone,
    Unobserved,
)
from orchestrator.inbox.ask import Paced, Prioritised, Snoozed
from orchestrator.planner.ask import Planned
from orchestrator.queue.ask import QueueHeld, TaskLeft, TaskQueued
from orchestrator.review.ask import Commented, CommentsSent, Reviewed
from orchestrator.train.ask import TrainMoved
from sessions.events import (
    Active,
    AgentKnown,
    Answered,
    Counted,
    FailedToStart,
    Launched,
    Said,
    Sent,
    StatusChanged,
)
from worktrees import inert


def line(envelope: Envelope) -> tuple[str, ...]:
    """The envelope's local time and what happened, inert; nothing for what only a program cares about.

    One line, whatever an agent said: a line end in it must not begin a line that never happened.
    """
    words = inert.line(_words(envelope.event))
    return (f"{envelope.at.astimezone():%H:%M:%S}  {words}",) if words else ()


def _words(event: Event) -> str:
    match event:
        case Created():
            return f"created on {event.branch} from {event.base} ({event.base_commit[:10]}): {_short(event.prompt)}"
        case Launched():
            how = "resumed" if event.resumed else "launched"
            return f"{how} {' '.join(event.argv)} as pid {event.pid}"
        case LaunchFailed():
            return f"launch failed: {event.reason}. {event.hint}".rstrip(". ")
        case FailedToStart():
            return event.how + "".join(f"\n            {_short(text)}" for text in event.screen[-6:])
        case Intended():
            who = {
                "you": "you asked",
                "down": "down --agents asked",
                "restart": "it crashed",
                "queue": "the queue needs its room",
            }[event.by]
            return f"{event.action}: {who}"
        case Abandoned():
            return f"{event.action} was given up: {event.reason}"
        case ReadOnly():
            return f"the ledger is not written: {event.reason}"
        case AgentKnown():
            return f"conversation {event.agent_session_id}" if event.agent_session_id else ""
        case StatusChanged():
            status = event.status
            kind = f" ({status.kind})" if status.kind else ""
            asked = f": {_short(status.question.title)}" if status.question else ""
            winner = f", {status.why[0].channel} says so" if status.why else ""
            return f"{status.state}{kind}{asked}{winner}"
        case Counted():
            if event.response is None:
                return ""
            usage = event.response.usage
            return f"{usage.output} tokens out, {usage.input} in, {usage.cache_read} from the cache"
        case Active():
            return ""
        case Said():
            return f"said: {_short(event.text)}"
        case Sent():
            return f"you sent: {_short(event.text)}"
        case Answered():
            return f"you answered: {_short(event.choice)}"
        case Changed():
            totals = event.totals
            files = f"{totals.files} file" + ("" if totals.files == 1 else "s")
            return f"{files} changed, +{totals.added} -{totals.removed}, {totals.uncommitted} uncommitted"
        case Foreseen():
            if not event.conflicts:
                return f"merges cleanly with {event.other} now"
            return f"would conflict with {event.other} in {', '.join(event.conflicts[:5])}"
        case Outdated():
            if not event.paths:
                return "has every file that it read as the target has it"
            return f"the target changed what it read: {', '.join(event.paths[:5])}"
        case Seen():
            return "you looked at it"
        case Snapshotted():
            return f"snapshot {event.ref} ({event.reason})"
        case Restored():
            what = f"{event.path} of " if event.path else ""
            back = f", the branch is back at {event.head[:10]}" if event.head else ""
            before = f"; what was there: {event.before}" if event.before else ""
            return f"restored {what}snapshot {event.number} ({event.files} files){back}{before}"
        case Pruned():
            return f"old snapshots dropped: {', '.join(event.snapshots)}"
        case Strayed():
            how = f"{event.how} {event.branch}".rstrip()
            return f"the worktree strayed: {how}" if event.how else "the worktree is as we made it again"
        case Checked():
            if not event.done:
                return ""
            said = ", ".join(
                f"{word.name} {word.state}" + (f" ({word.why})" if word.why else "") for word in event.words
            )
            return f"checks of {event.commit[:10]}: {said}" if said else ""
        case Reviewed():
            what = ", ".join(event.paths[:3]) + (" …" if len(event.paths) > 3 else "")
            return f"you looked at {what}" if event.done else f"you will look again at {what}"
        case Commented():
            said = _short(event.text) if event.text else "taken back"
            return f"comment {event.id} on {event.path}:{event.first}: {said}"
        case CommentsSent():
            return f"the agent got comments {', '.join(event.ids)}"
        case Merging():
            return f"merging: {event.step}"
        case MergeFailed():
            return f"merge failed: {event.reason}"
        case Merged():
            landing = event.landing
            flaky = f"; flaky: {landing.check.command}" if landing.check is not None and landing.check.flaky else ""
            moved = f"{landing.before[:10]} → {landing.after[:10]}"
            part = "part of it " if landing.partial else ""
            return f"{part}merged into {landing.target} by {landing.method}: {moved}{flaky}"
        case Followed():
            return f"goes on from {event.base_commit[:10]} of its target, at {event.head[:10]} now"
        case RequestOpened():
            return f"pull request: {event.url}"
        case Paused():
            return "held" if event.paused else "released"
        case Removed():
            return f"removed; its work is kept under {event.attic}"
        case Undone():
            return f"{event.what} ({event.operation})" if event.operation else event.what
        case Returned():
            return f"came back from the attic on {event.created.branch}"
        case Forgotten():
            return f"forgotten: {'; '.join(event.operations)}"
        case Looked():
            return "you had its question on the screen"
        case Focused():
            return "you turned to it"
        case Unobserved() | Imported() | Planned() | CapsRead() | Paced():
            return ""
        case Prioritised():
            return f"you gave it priority {event.priority:+d}"
        case Snoozed():
            until = f"{event.until.astimezone():%Y-%m-%d %H:%M}" if event.until else "something changes"
            return f"you snoozed it until {until}" if event.mark else "you took it back into the inbox"
        case Allowed():
            what = "lifted" if event.lift else f"set to {words(event.own)}" if event.own else f"+{words(event.add)}"
            return f"cap of {event.key}: {what}"
        case Warned():
            return f"a cap is nearly reached: {event.words}"
        case Parked():
            return f"parked until {event.due.astimezone():%Y-%m-%d %H:%M:%S}"
        case Unparking():
            return "no longer parked: it is told to go on"
        case TrainMoved():
            train = event.train
            return f"train to {train.target}: {train.state}" + (f", {train.plan}" if train.plan else "")
        case TaskQueued():
            return f"{event.task.name} {event.task.state} in the queue"
        case TaskLeft():
            return f"a task left the queue: {event.how}"
        case QueueHeld():
            return "the queue is held" if event.held else "the queue goes on"
        case Noticed():
            return f"{event.title}: {event.message}"
        case _ as never:
            assert_never(never)


def _short(text: str, width: int = 100) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"
