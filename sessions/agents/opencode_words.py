"""opencode's records as ours: requests, failures, retries, tokens. Pure."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from sessions.agents.findings import text
from sessions.errors import NotAnOption
from sessions.models import Kind, Option, Question, QuestionId, State, Usage

ABORTED = "MessageAbortedError"
ONCE, ALWAYS, REJECT = "once", "always", "reject"
_REPLIES = (
    Option(key="1", label="Allow once"),
    Option(key="2", label="Allow always"),
    Option(key="3", label="Reject"),
)
_WORDS = {
    **dict.fromkeys(("1", "y", "yes", "approve", "allow", "allow once"), ONCE),
    **dict.fromkeys(("2", "a", "always", "allow always"), ALWAYS),
    **dict.fromkeys(("3", "n", "no", "deny", "reject"), REJECT),
}
_LIMITED = re.compile(r"rate.?limit|too many requests|usage limit|quota", re.IGNORECASE)
_SPAN = timedelta(milliseconds=1 << 36)
_PLAN = re.compile(r"Plan at .+ is complete\.")


def records(data: bytes) -> list[dict[str, Any]]:
    """The objects of a JSON list."""
    try:
        value = json.loads(data)
    except ValueError:
        return []
    return rows(value)


def table(value: object) -> dict[str, Any]:
    """The object of a record; empty when it is none."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[dict[str, Any]]:
    """The objects of a list; none when it is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def milliseconds(value: object) -> datetime | None:
    """A time in milliseconds since 1970."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < 1e14:
        return None
    return datetime.fromtimestamp(value / 1000, UTC)


def made_at(name: str, near: datetime) -> datetime:
    """When opencode made an id: its first 12 hex digits are the last 48 bits of milliseconds * 4096 + a counter."""
    found = re.match(r"[a-z]+_([0-9a-f]{12})", name)
    if found is None:
        return near
    made = datetime.fromtimestamp((int(found[1], 16) >> 12) / 1000, UTC)
    made += _SPAN * round((near - made) / _SPAN)
    return made if abs(near - made) < timedelta(days=30) else near


def permission(request: dict[str, Any], at: datetime) -> Question:
    """A tool that may not run yet."""
    tool = str(request.get("permission"))
    about = table(request.get("metadata"))
    command, path = text(about.get("command")), text(about.get("filepath"))
    told = request.get("patterns")
    patterns = ", ".join(str(pattern) for pattern in told) if isinstance(told, list) else ""
    what = command or path or text(about.get("url")) or patterns
    first = what.splitlines()[0] if what else ""
    return Question(
        id=QuestionId(str(request["id"])),
        kind=Kind.PERMISSION,
        title=f"{tool}: {first}"[:120],
        text="\n".join(part for part in (text(about.get("description")), what, text(about.get("diff"))) if part),
        options=_REPLIES,
        command=command,
        path=path,
        asked_at=made_at(str(request["id"]), at),
    )


def question(request: dict[str, Any], at: datetime) -> Question:
    """Questions of the model. Several at once have options ``1.1``, ``1.2``, ``2.1`` …, of which each needs one."""
    asked = rows(request.get("questions"))
    several = len(asked) > 1
    options: list[Option] = []
    for place, one in enumerate(asked, 1):
        for number, option in enumerate(rows(one.get("options")), 1):
            label, detail = str(option.get("label", "")), str(option.get("description", ""))
            options.append(Option(key=f"{place}.{number}" if several else str(number), label=label, detail=detail))
    words = [str(one.get("question", "")) for one in asked]
    return Question(
        id=QuestionId(str(request["id"])),
        kind=Kind.PLAN if not several and any(_PLAN.match(word) for word in words) else Kind.QUESTION,
        title=words[0] if len(words) == 1 else f"{len(words)} questions",
        text="\n".join(f"{place}. {word}" for place, word in enumerate(words, 1)) if several else "".join(words),
        options=tuple(options),
        multiple=several or any(one.get("multiple") is True for one in asked),
        free_text=not several and all(one.get("custom") is not False for one in asked),
        asked_at=made_at(str(request["id"]), at),
    )


def reply(choice: str, said: str) -> dict[str, object]:
    """The body that answers a permission; words go with a rejection, and the agent goes on by them."""
    wanted = choice.strip().lower()
    meant = _WORDS.get(wanted) if wanted or not said else REJECT
    if meant is None:
        raise _none(choice, _REPLIES)
    return {"reply": meant, **({"message": said} if said and meant == REJECT else {})}


def answers(asked: Question, choice: str, said: str) -> dict[str, object]:
    """The body that answers a question: for each question the labels chosen, or words."""
    chosen = [_pick(asked, key.strip()) for key in choice.split(",") if key.strip()]
    if not asked.multiple and len(chosen) > 1:
        raise NotAnOption("this question takes one answer", "choose one of its options")
    if not chosen and not (said and asked.free_text):
        raise _none(choice or said, asked.options)
    groups: dict[str, list[str]] = {key.rpartition(".")[0]: [] for key in (option.key for option in asked.options)}
    for option in chosen:
        groups[option.key.rpartition(".")[0]].append(option.label)
    if not all(groups.values()) and chosen:
        raise NotAnOption("each of the questions needs an answer", "choose one for each, with commas: 1.1,2.1")
    given = list(groups.values()) or [[]]
    if said and asked.free_text:
        given[0].append(said)
    return {"answers": given}


def _pick(asked: Question, wanted: str) -> Option:
    for option in asked.options:
        if wanted == option.key:
            return option
    low = wanted.lower()
    begins = {"y": "yes", "n": "no"}.get(low, low)
    found = [option for option in asked.options if option.label.lower().startswith(begins)]
    if not found:
        raise _none(wanted, asked.options)
    return found[0]


def _none(choice: str, options: tuple[Option, ...]) -> NotAnOption:
    listed = " · ".join(f"{option.key} {option.label}" for option in options)
    return NotAnOption(f"{choice!r} is none of the options", f"choose one of: {listed}")


def failure(error: object) -> str:
    """Why a turn failed; empty when the human broke it off."""
    name, told = str(table(error).get("name", "")), table(table(error).get("data"))
    if name == ABORTED:
        return ""
    why = text(told.get("message")) or name or "the turn failed"
    if name == "ProviderAuthError" or told.get("statusCode") in (401, 403):
        return f"not signed in: {why}"
    return why


def retry(status: dict[str, Any]) -> tuple[State, datetime | None]:
    """Whether it only tries again or waits for a limit to end, and until when."""
    limited = table(status.get("action")).get("reason") == "account_rate_limit"
    if limited or _LIMITED.search(str(status.get("message", ""))):
        return State.RATE_LIMITED, milliseconds(status.get("next"))
    return State.RETRYING, None


def usage(tokens: dict[str, Any]) -> Usage:
    """opencode's input leaves out what came from the cache, as ours; its output leaves out the reasoning."""
    cache = table(tokens.get("cache"))
    reasoning = _count(tokens.get("reasoning"))
    return Usage(
        input=_count(tokens.get("input")),
        output=_count(tokens.get("output")) + reasoning,
        cache_read=_count(cache.get("read")),
        cache_write=_count(cache.get("write")),
        reasoning=reasoning,
    )


def _count(value: object) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1 << 53:
        return int(value)
    return 0
