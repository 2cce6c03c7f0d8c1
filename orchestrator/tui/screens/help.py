"""Every key with what it does, by group."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from orchestrator.attention import Rank
from orchestrator.tui.looks import look_of
from orchestrator.tui.widgets.scroll import Scroll

_KEYS = (
    (
        "Anywhere",
        (
            ("↑ ↓  j k", "move"),
            ("g  G", "first, last"),
            ("1  2  3", "fleet, live pane, needs you"),
            ("↵", "open: live pane, transcript, diff, checks, history, events"),
            ("w  W", "what is worth your attention most, and on to the next; esc leads back (W also in the review)"),
            ("z", "undo the newest merge, update, restore or drop; asks first"),
            ("n  N", "new task; a goal that a model splits into tasks"),
            ("C", "radar: who would conflict with whom, and what to land first"),
            ("t", "throughput: tokens per second, what every agent was in, what you cost"),
            ("Q", "queue: tasks that wait for a slot and why; a adds, J K move, h holds, s starts now, D drops"),
            ("B", "budget: each cap, what is spent, what is left; + raises one"),
            ("V", "the variants of the same task side by side: open, review, diff two, pick one"),
            ("space  T", "mark for a merge train, m then lands the marked together; T shows the train"),
            (":  ctrl+p", "commands by name"),
            ("/", "filter"),
            ("esc", "one level out"),
            ("q", "detach; agents go on"),
        ),
    ),
    (
        "The selected session",
        (
            ("s", "send a message"),
            ("i", "type into its pane; ctrl+] leaves"),
            ("o", "attach to its own terminal"),
            ("d", "diff"),
            ("v", "review: look at its work, mark, comment, pick what lands"),
            ("h", "history: what each turn did, and back to it"),
            ("c", "checks: how they came out, what they print; a runs them, f sends what failed to the agent"),
            ("e", "open its worktree in your editor"),
            ("y", "copy the path of its worktree"),
            ("m", "merge into its target"),
            ("X", "decide what conflicts with the target, hunk by hunk"),
            ("u", "bring the target's new commits in"),
            ("x", "interrupt"),
            ("p", "hold or release its processes"),
            ("r  R", "resume after its program ended; all that were lost"),
            ("+  -", "it matters more, less: its weight in the order of the inbox doubles, halves"),
            ("D", "drop session, worktree and branch; all work is kept"),
        ),
    ),
    (
        "Its own screen",
        (
            ("[  ]", "previous, next tab"),
            ("R", "load the tab again"),
        ),
    ),
    (
        "Its history",
        (
            ("↵", "what that turn did; with a mark: how the two differ"),
            ("space", "mark, at most two"),
            ("r", "bring a snapshot's files back, in a diff the one file; asks first"),
            ("esc", "from the diff to the list"),
        ),
    ),
    (
        "The review",
        (
            ("space", "the hunk was looked at, on its head the file; on to the next"),
            ("c  v", "comment on the line, edit a comment; v begins a range of lines"),
            ("l  x", "list the comments; take the one under the cursor back"),
            ("S", "send the comments to the agent, as one message"),
            ("p  m", "pick the hunk or file; land what is picked, else everything"),
            ("w", "what changed since you looked at it; back to all"),
            ("↵", "fold, unfold; on ⋯ 20 more of the lines between"),
            ("f F  h H", "next and previous file, hunk"),
            ("/  n N", "look for words; next and previous"),
            ("t  ← →", "side by side or unified; to the end of long lines"),
            ("tab", "between files and lines"),
        ),
    ),
    (
        "A plan",
        (
            ("↵  a  x", "edit, add, remove a task"),
            ("J  K", "the task one place down, up"),
            ("E", "all of it in your editor, as a tasks file"),
            ("L", "launch all"),
            ("esc  D", "back, the plan is kept; throw it away, asks first"),
        ),
    ),
    (
        "Variants",
        (
            ("↵  v", "open, review"),
            ("space  d", "mark one; what differs from it to the one under the cursor"),
            ("p", "pick: keep it, the others go to the attic; asks first"),
        ),
    ),
    (
        "The radar",
        (
            ("≠2  ≈3", "beside a name: its work conflicts with 2 others; the target changed 3 files that it read"),
            ("← → ↑ ↓", "to a pair; ≠2: 2 files in conflict, ~2: 2 changed by both, ! git cannot say"),
            ("↵", "the files and hunks behind it"),
            ("t  T", "tell the agent what the other side did; in the hunks T the other agent"),
            ("tab", "the next repository"),
        ),
    ),
    (
        "Conflicts",
        (
            (
                "o  t  b  v",
                "ours (the target), theirs (the session), both (again: other order), before; or click",
            ),
            ("e", "write it yourself: ctrl+s keeps it, esc drops it"),
            ("n  [  ]", "the next that is open; hunk before, next hunk"),
            ("z  Z", "undo, redo"),
            ("r", "what is offered: remembered, mergiraf, an agent's"),
            ("A  P  R", "ask an agent; take all that it proposes; load again"),
            ("↵", "accept: asks first; the branch gets the merge, nothing lands yet"),
            ("esc", "back; what was decided is kept"),
        ),
    ),
    (
        "The inbox",
        (
            ("y  n  a", "yes, no, always"),
            ("1 … 9", "an option; marks it where several may be taken"),
            ("↵", "send what is marked; yes to the list of those that ask the same"),
            ("r", "answer in words; start an ended program again"),
            ("↵  m  v  X", "where no agent waits: open, merge, review, decide what conflicts"),
            ("space", "the rest of a long question"),
            ("z", "later: 10 minutes, an hour, until something changes; on what is put off: now"),
            ("R", "order anew: what you saw stays where it is until then, or until you answered"),
            ("o", "attach"),
        ),
    ),
)
_STATES = (
    (Rank.ASKS, "needs you"),
    (Rank.CONFLICT, "its work conflicts with the target or an earlier session, or its merge failed"),
    (Rank.FAILED, "its turn failed, it crashed or its pane is gone"),
    (Rank.WONDERS, "finished, and its last words are a question: s answers it"),
    (Rank.WORKS, "works"),
    (Rank.RESTS, "at its prompt, nothing asked"),
    (Rank.MERGES, "is being merged"),
    (Rank.READY, "finished, with work to merge"),
    (Rank.LANDED, "its work is on the target"),
    (Rank.HELD, "held by you"),
)


class HelpScreen(ModalScreen[None]):
    """Closes with any of the usual keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "leave", "Back")]

    def compose(self) -> ComposeResult:
        with Scroll(classes="dialog tall") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = "esc back"
            for title, keys in _KEYS:
                yield Static(Text(title, "bold"), classes="group")
                yield Static(_table(keys))
            yield Static(Text("States", "bold"), classes="group")
            yield Static(_table(tuple((look_of(where).text, words) for where, words in _STATES)))

    def on_mount(self) -> None:
        self.query_one(Scroll).focus()

    def action_leave(self) -> None:
        self.dismiss(None)


def _table(rows: tuple[tuple[str, str], ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=10)
    for key, words in rows:
        table.add_row(Text(key, "bold"), Text(words))
    return table
