"""``orchestrator why``: the chain of evidence behind a session's state, or behind a saved screen."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.cli.output import CommandError, call, dump, say


def why(arguments: Namespace) -> int:
    """Of a session by its name, or with ``--screen`` of a file that holds what a pane showed."""
    if arguments.screen is not None:
        return _screen(arguments)
    if arguments.name is None:
        raise CommandError("which session?", "orchestrator why NAME, or --agent A --screen FILE", 2)
    said = call("why", session=arguments.name)
    if said["paused"] and not arguments.json:
        say("held by you (orchestrator unpause lets it go on); below, what its program does")
    return _tell(said["status"], arguments.json, paused=said["paused"])


def _screen(arguments: Namespace) -> int:
    """What the rules of an agent say of a screen; every rule with what keeps it from matching."""
    from orchestrator.config import own_screens
    from sessions import agents, screen_rules
    from sessions.agents import dialogs
    from sessions.agents.contract import Place, Screen
    from sessions.errors import SessionError
    from sessions.models import Spec, State, Status
    from sessions.status import decide

    if arguments.agent is None:
        raise CommandError("whose screen is it?", "name the agent: --agent claude", 2)
    now = datetime.now(UTC)
    screen = Screen(lines=_lines(Path(arguments.screen)), title=arguments.title or "", at=now)
    try:
        screen_rules.use(own_screens())
        agent = agents.get(arguments.agent)
        rules = screen_rules.load(arguments.agent)
        place = Place(folder=Path("/nowhere"), worktree=Path("/nowhere"), env={"HOME": "/nowhere"})
        found = agent.reader(Spec(agent=arguments.agent, name="screen"), place).look(screen)
    except SessionError as error:
        raise CommandError(error.message, error.hint) from error
    evidence = [item for item in found.evidence if item.channel != "screen"]
    shown = dialogs.evidence(rules, screen, arguments.version)
    seen = [item for item in (*evidence, *([shown] if shown is not None else [])) if item.state is not None]
    status = decide(seen, now, None).status if seen else Status(state=State.UNKNOWN, since=now)
    tried = screen_rules.trace(rules, screen, arguments.version)
    if not arguments.json:
        _tell(status.model_dump(mode="json"), as_json=False)
        for rule, missing in tried:
            say(f"   {'✓' if not missing else '·'} rule {rule.name}: {missing or 'matches'}")
        return 0
    rows = [{"rule": rule.name, "missing": missing} for rule, missing in tried]
    return _tell(status.model_dump(mode="json"), as_json=True, rules=rows)


def _tell(status: dict[str, Any], as_json: bool, **more: Any) -> int:
    """The verdict and its evidence, the winner first. ``more`` is for programs."""
    from sessions.models import Status
    from sessions.status import explain

    if not as_json:
        for line in explain(Status.model_validate(status), datetime.now(UTC)):
            say(line)
        return 0
    winner = status["why"][0] if status["why"] else None
    dump(
        {
            "state": status["state"],
            "kind": status["kind"],
            "since": status["since"],
            "question": status["question"],
            "rule": winner["rule"] if winner else None,
            "source": winner["channel"] if winner else None,
            "evidence": status["why"],
            **more,
        }
    )
    return 0


def _lines(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CommandError(
            f"{path} cannot be read: {error.strerror}", "save one as plain text: tmux capture-pane -p >FILE"
        ) from error
    return tuple(line.rstrip() for line in text.split("\n"))
