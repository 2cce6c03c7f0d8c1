"""More questions for the sample: several sessions that ask the same, and one that takes several answers."""

from __future__ import annotations

from sessions.models import Kind, Option, Question, QuestionId, State
from tests.orchestrator.sample import NOW, REMOVE, SampleLink

CHECKS = Question(
    id=QuestionId("q-checks"),
    kind=Kind.QUESTION,
    title="Which checks should run?",
    text="Which checks should run?",
    options=(
        Option(key="1", label="types", detail="mypy"),
        Option(key="2", label="style", detail="ruff"),
        Option(key="3", label="tests", detail="pytest, 40 s"),
    ),
    multiple=True,
    free_text=True,
    asked_at=NOW,
)


def ask_more(link: SampleLink) -> None:
    """Three sessions ask the same, and one takes several answers."""
    for name, ago in (("api-retry", 120), ("cache-ttl", 90)):
        link.status(name, State.BLOCKED, REMOVE.model_copy(update={"id": QuestionId(f"q-{name}")}), ago)
    link.status("flaky-test", State.BLOCKED, CHECKS, 20)
