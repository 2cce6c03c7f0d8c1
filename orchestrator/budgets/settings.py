"""``[budget]`` of the settings. It is the user's; a repository may only tighten what one session or task may take."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from orchestrator.budgets.amounts import Amount, amount


def _read(value: Any) -> Any:
    if isinstance(value, str):
        return amount(value)
    if isinstance(value, dict) and (other := value.keys() - Amount.model_fields.keys()):
        raise ValueError(f"{', '.join(sorted(other))} is no measure; there are: dollars, tokens, hours")
    return value


Cap = Annotated[Amount, BeforeValidator(_read)]


class BudgetSettings(BaseModel):
    """Caps, each as words ("$5 2h") or as a table ({dollars = 5, hours = 2}); what is not set is not capped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session: Cap = Amount()
    task: Cap = Amount()  # all sessions on one task of one repository: retries, several at once
    day: Cap = Amount()  # all sessions, from midnight to midnight here
    account: dict[str, Cap] = {}  # all sessions of one agent program, each day

    def tightened(self, theirs: BudgetSettings) -> BudgetSettings:
        """With a repository's caps, where they are smaller or the only ones."""
        return self.model_copy(
            update={"session": self.session.tighter(theirs.session), "task": self.task.tighter(theirs.task)}
        )
