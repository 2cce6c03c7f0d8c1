"""Commands about a review, what they answer, and what of a review goes into the ledger."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from orchestrator.replies import Done
from sessions.models import Model
from worktrees.partial import Chosen
from worktrees.patches import Entry

Object = Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")]
"""An id of git's."""
Side = Literal["new", "old"]
"""Lines are counted in the file as it is, or, of what is gone, as it was."""


class Remark(Model):
    """A comment on lines ``first`` to ``last`` of a file. ``quote`` is what stood there."""

    id: str
    path: str
    side: Side = "new"
    first: int
    last: int
    quote: tuple[str, ...]
    text: str
    sent: bool = False  # to the agent, as it is now


class Reviewed(Model):
    """Hunks and heads of files, by their digests, were looked at; with ``done`` False they shall be again."""

    event: Literal["reviewed"] = "reviewed"
    items: tuple[str, ...]
    done: bool = True
    paths: tuple[str, ...] = ()  # of some of them, for people


class Commented(Model):
    """A comment was made or edited; without ``text`` it was taken back."""

    event: Literal["commented"] = "commented"
    id: str
    path: str
    side: Side = "new"
    first: int
    last: int
    quote: tuple[str, ...] = ()
    text: str


class CommentsSent(Model):
    """The agent got these comments."""

    event: Literal["comments_sent"] = "comments_sent"
    ids: tuple[str, ...]


class ReviewReply(Model):
    """What differs from ``origin`` to ``tree``. ``patch`` and ``files`` belong together (``worktrees.patches.read``).

    ``marks``: digests of what was looked at. ``since``: from what was looked at, and not from the session's base.
    """

    base: str
    origin: str
    tree: str
    files: tuple[Entry, ...] = ()
    patch: str = ""
    marks: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    since: bool = False
    left: int = 0  # files that were not looked at as a whole


class Review(Model):
    """A session's work to be looked at. ``since``: only what changed since it was. ``patch``: with its lines."""

    Reply: ClassVar = ReviewReply
    verb: Literal["review"] = "review"
    session: str
    since: bool = False
    patch: bool = True


class MarkReviewed(Model):
    """Files and hunks of what was shown were looked at, or, with ``done`` False, shall be again."""

    Reply: ClassVar = Done
    verb: Literal["mark_reviewed"] = "mark_reviewed"
    session: str
    chosen: Chosen
    done: bool = True


class Comment(Model):
    """Comment on lines. ``id``: edit that comment, without ``text`` take it back; its place stays.

    ``tree``: what was shown, so that the lines are those that were seen; None: what is there now.
    """

    Reply: ClassVar = Remark
    verb: Literal["comment"] = "comment"
    session: str
    text: str
    id: str | None = None
    path: str = ""
    side: Side = "new"
    first: int = 0
    last: int = 0
    tree: Object | None = None


class SendComments(Model):
    """Send comments that the agent does not have, as one message. ``text``: as it was edited. ``ids``: only these."""

    Reply: ClassVar = Done
    verb: Literal["send_comments"] = "send_comments"
    session: str
    text: str | None = None
    ids: tuple[str, ...] | None = None


class BlobReply(Model):
    text: str


class Blob(Model):
    """The lines of a file around what a review shows, by the id that git knows its content by."""

    Reply: ClassVar = BlobReply
    verb: Literal["blob"] = "blob"
    session: str
    blob: Object
