"""From readings to session events: evidence in, verdicts, tokens and messages out.

Holds what is known of one running program. It is told the time with every reading and asks for nothing, so recorded
material replays through it exactly as it happened.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sessions import prices, risk, status, usage
from sessions.agents.contract import Findings, Reader, Reading, Screen
from sessions.events import Active, AgentKnown, Counted, Said, SessionEvent, StatusChanged
from sessions.models import Evidence, Kind, Response, Source, State, Status
from sessions.status import Verdict

log = logging.getLogger("orchestrator")
EXIT = "exit"
HELD = status.HELD
OUTPUT = "output"


class Perception:
    """What is known of one launch of one session. ``before`` is the verdict that the ledger already holds.

    ``task``: it was launched with a task, so a claim of rest before its first turn is not the end of one.
    ``since``: when it was launched; evidence that a file held before tells of an earlier launch of the conversation.
    ``worktree``: where it works, to tell how risky its questions are; without it every path leads nobody knows where.
    """

    def __init__(
        self,
        reader: Reader,
        before: Status | None = None,
        *,
        task: bool = False,
        since: datetime | None = None,
        worktree: str | None = None,
    ) -> None:
        self.reader = reader
        self.status = before
        self.look_again: timedelta | None = None
        self.worked_at: datetime | None = None  # newest evidence that a turn runs
        self._evidence: dict[str, Evidence] = {}
        self._tally = usage.Tally()
        self._cost: dict[str, tuple[float, str] | None] = {}  # by response: dollars, and who told them
        self._known = AgentKnown()
        self._said: tuple[str, bool] = ("", False)
        self._active = False
        self._printed = False
        self._turn = before is not None
        self._began: datetime | None = None
        self._task = task
        self._since = since
        self._worktree = worktree

    @property
    def at_prompt(self) -> bool:
        """The program is ready for a first message: it says so, or it has printed and fell quiet."""
        if self.status is not None and self.status.state in (State.IDLE, State.DONE):
            return True
        return self._printed and not self._active and not self.says_not_ready

    @property
    def tells(self) -> bool:
        """Something beside its output and its end tells what it does."""
        return any(item.state is not None for item in self._evidence.values() if item.channel not in (OUTPUT, EXIT))

    @property
    def works_by_output(self) -> bool:
        """That it prints is all that speaks for its work."""
        return self.status is not None and bool(self.status.why) and self.status.why[0].channel == OUTPUT

    @property
    def says_not_ready(self) -> bool:
        """The program tells that it still starts, or asks something first: its silence is no prompt."""
        said = self.status
        return said is not None and bool(said.why) and said.state in (State.STARTING, State.BLOCKED)

    @property
    def conversation(self) -> str | None:
        """The agent's own id of the conversation, as it was last told."""
        return self._known.agent_session_id

    def read(self, reading: Reading) -> list[SessionEvent]:
        try:
            found = self.reader.read(reading)
        except Exception:  # a plug-in's, or one of ours that the agent's next version surprises
            log.exception("what %s told could not be read", reading.feed)
            found = Findings()
        if reading.replay and self._since is not None:
            since = self._since
            found = replace(found, evidence=tuple(item for item in found.evidence if item.at >= since))
        return self._take(found, reading.at)

    def look(self, screen: Screen) -> list[SessionEvent]:
        try:
            found = self.reader.look(screen)
        except Exception:
            log.exception("the screen could not be read")
            found = Findings()
        return self._take(found, screen.at)

    def printing(self, active: bool, at: datetime) -> list[SessionEvent]:
        """The pane began to print, or has been quiet for a while."""
        if active == self._active:
            return []
        self._active = active
        self._printed = True
        self._evidence[OUTPUT] = Evidence(
            source=Source.ACTIVITY,
            channel=OUTPUT,
            state=State.WORKING if active else None,
            at=at,
            saw="the pane prints" if active else "the pane is quiet",
        )
        return [Active(active=active), *self.judge(at)]

    def held(self, stopped: bool, at: datetime) -> list[SessionEvent]:
        """Somebody stopped the program's processes where they are, or let them go on."""
        if not stopped and HELD not in self._evidence:
            return []
        self._evidence[HELD] = Evidence(
            source=Source.ACTIVITY,
            channel=HELD,
            state=State.PAUSED if stopped else None,
            at=at,
            saw="its processes are stopped" if stopped else "its processes run",
        )
        return self.judge(at)

    def ended(self, exit_code: int | None, how: str, at: datetime, *, asked: bool = False) -> list[SessionEvent]:
        """The program ended; ``exit_code`` None means by a signal. What it last claimed counts no more.

        ``asked``: the human wanted it to end, so no way of ending is a crash.
        """
        self._evidence[EXIT] = Evidence(
            source=Source.ACTIVITY,
            channel=EXIT,
            state=State.EXITED if exit_code == 0 or asked else State.CRASHED,
            at=at,
            saw=how,
            exit_code=exit_code,
        )
        quiet: list[SessionEvent] = [Active(active=False)] if self._active else []
        self._active = False
        return [*quiet, *self.judge(at)]

    def lost(self, how: str, at: datetime) -> list[SessionEvent]:
        """The pane is gone, and the program with it."""
        evidence = Evidence(source=Source.ACTIVITY, channel=EXIT, state=State.LOST, at=at, saw=how)
        self.status = Status(state=State.LOST, since=at, why=(evidence,))
        return [StatusChanged(status=self.status)]

    def judge(self, now: datetime) -> list[SessionEvent]:
        """Decide anew, for instance because a second look is due."""
        verdict = self._before_first_turn(status.decide(self._evidence.values(), now, self.status), now)
        self.look_again = verdict.look_again
        before, self.status = self.status, verdict.status
        return [] if before is not None and _same(before, verdict.status) else [StatusChanged(status=verdict.status)]

    def seen(self) -> None:
        """The human looked at the finished turn."""
        if self.status is not None and self.status.state is State.DONE:
            self.status = self.status.model_copy(update={"state": State.IDLE})

    def _before_first_turn(self, verdict: Verdict, now: datetime) -> Verdict:
        """Rest before the first turn: with a task it is still starting, without one it is idle, never done."""
        if self._turn or verdict.status.state not in (State.IDLE, State.DONE):
            return verdict
        before = self.status
        if not self._task:
            since = before.since if before is not None and before.state is State.IDLE else verdict.status.since
            return Verdict(verdict.status.model_copy(update={"state": State.IDLE, "since": since}))
        began = self._began = self._began or now
        if now - began < status.START:
            if before is None or before.state is State.BLOCKED:
                return Verdict(Status(state=State.STARTING, since=now), status.START)
            return Verdict(before, status.START - (now - began))
        self._turn = True  # the task never began; what is seen is the truth
        return verdict

    def _take(self, findings: Findings, at: datetime) -> list[SessionEvent]:
        events: list[SessionEvent] = []
        news = self.status is None or self.look_again is not None
        for evidence in findings.evidence:
            self._turn = self._turn or _tells_of_a_turn(evidence)
            if evidence.state in (State.WORKING, State.RETRYING, State.RATE_LIMITED):
                self.worked_at = max(self.worked_at or evidence.at, evidence.at)
            known = self._evidence.get(evidence.channel)
            if known is None or not _same_claim(known, evidence):
                self._evidence[evidence.channel] = self._weighed(evidence)
                news = True
            # else it holds since then: the older time is what second looks count from
        events += self._learn(findings)
        events += self._count(findings.responses)
        if findings.said and (findings.said, findings.asks) != self._said:
            self._said = (findings.said, findings.asks)
            events.append(Said(text=findings.said, asks=findings.asks))
        return [*events, *self.judge(at)] if news else events

    def _weighed(self, evidence: Evidence) -> Evidence:
        """With the risk of the question that it holds: here, so that no adapter judges by itself."""
        if evidence.question is None:
            return evidence
        asked = risk.of(evidence.question, self._worktree, seen=evidence.source is Source.SCREEN)
        return evidence.model_copy(update={"question": asked})

    def _learn(self, findings: Findings) -> list[SessionEvent]:
        transcript = str(findings.transcript) if findings.transcript else None
        known = AgentKnown(
            agent_session_id=findings.agent_session_id or self._known.agent_session_id,
            transcript=transcript or self._known.transcript,
            version=findings.version or self._known.version,
        )
        if known == self._known:
            return []
        self._known = known
        return [known]

    def _count(self, responses: Iterable[Response]) -> list[SessionEvent]:
        events: list[SessionEvent] = []
        for response in responses:
            if not self._tally.add(response):
                continue
            own = response.cost_usd
            told = (own, "agent") if own is not None else prices.priced(response.model, response.usage)
            self._cost[response.id] = told
            known = [cost for cost in self._cost.values() if cost is not None]
            complete = len(known) == len(self._cost)
            events.append(
                Counted(
                    total=self._tally.total,
                    response=response,
                    cost_usd=sum(cost for cost, _ in known) if complete else None,
                    cost_source=", ".join(sorted({source for _, source in known})) if complete else None,
                )
            )
        return events


def _same(one: Status, other: Status) -> bool:
    """Nothing changed that a human or a program would act on."""
    return (
        one.state is other.state
        and one.kind is other.kind
        and one.until == other.until
        and one.exit_code == other.exit_code
        and _reason(one) == _reason(other)
        and _asked(one) == _asked(other)
    )


def _tells_of_a_turn(evidence: Evidence) -> bool:
    """A strong source speaks of a turn that runs or ran; rest, and a dialog about the program, come before one too."""
    if evidence.source >= Source.TITLE or evidence.state in (None, State.IDLE, State.STARTING):
        return False
    return evidence.state is not State.BLOCKED or evidence.kind not in (None, Kind.DIALOG)


def _reason(status_: Status) -> str | None:
    """Why the turn failed: the words may come after the bare fact."""
    return status_.why[0].saw if status_.state is State.FAILED and status_.why else None


def _same_claim(one: Evidence, other: Evidence) -> bool:
    return (
        one.state is other.state
        and (one.state is not State.FAILED or one.saw == other.saw)
        and one.kind is other.kind
        and one.until == other.until
        and (one.question.id if one.question else None) == (other.question.id if other.question else None)
    )


def _asked(status_: Status) -> object:
    question = status_.question
    return None if question is None else (question.id, question.text, question.options, question.command)
