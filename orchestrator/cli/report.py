"""``orchestrator report``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from orchestrator.cli.output import CommandError, call, say
from orchestrator.cli.stats import figures

COLUMNS = 240


def report(arguments: Namespace) -> int:
    """Write the page; refuses to write over a file."""
    from orchestrator.metrics.asking import Drawn
    from orchestrator.metrics.figures import Figures
    from orchestrator.metrics.page import page

    path = Path(arguments.output).expanduser()
    if path.exists() and not arguments.force:
        raise CommandError(f"there is a file already: {path}", "name another with -o, or add --force")
    whole = Figures.model_validate(figures(arguments.since, "session"))
    tables = [Figures.model_validate(figures(arguments.since, by)) for by in ("agent", "model", "repo")]
    ids = [group.key for group in sorted(whole.groups, key=lambda group: -group.lost_s)][:500]
    window = max(60, int((whole.until - whole.since).total_seconds()))
    drawn = Drawn.model_validate(call("throughput", window_s=min(window, 400 * 86400), columns=COLUMNS, sessions=ids))
    try:
        path.write_text(page(whole, drawn, ids, whole.names, tables), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"the report cannot be written: {error}", "name another place with -o FILE") from error
    say(f"written: {path}")
    return 0
