"""The review screen: what is seen, what keys do, and what they tell the daemon."""

from __future__ import annotations

from orchestrator.commands import Comment, Merge, Refused, SendComments
from orchestrator.tui.review.sheet import Kind
from orchestrator.tui.screens.review import ReviewScreen
from orchestrator.tui.widgets.filter_line import FilterLine
from orchestrator.tui.widgets.review_files import ReviewFiles
from orchestrator.tui.widgets.review_lines import ReviewLines
from tests.orchestrator.sample import SampleLink
from tests.orchestrator.screens import SIZES, Shown, compare, dashboard


async def opened(shown: Shown, session: str = "dark-theme") -> ReviewScreen:
    """The review of a session, loaded."""
    shown.app.push_screen(ReviewScreen(shown.link.session(session)))
    await shown.until(lambda: isinstance(shown.app.screen, ReviewScreen))
    screen = shown.app.screen
    assert isinstance(screen, ReviewScreen)
    await shown.until(lambda: screen.sheet is not None)
    await shown.pilot.pause()
    return screen


async def to(shown: Shown, screen: ReviewScreen, words: str) -> None:
    """Search for a line."""
    await shown.press("slash")
    screen.query_one(FilterLine).value = words
    await shown.press("enter")
    await shown.until(lambda: screen.lines.has_focus)


def under(screen: ReviewScreen) -> str:
    """The line under the cursor."""
    return screen.lines.draw(screen.lines.cursor, 0, 400, selected=False).plain.strip()


@SIZES
async def test_a_review_looks_as_drawn(size: tuple[int, int]) -> None:
    async with dashboard(SampleLink(), size) as shown:
        screen = await opened(shown)
        await shown.press("f", "f", "f", "f", "h")
        assert under(screen).startswith("⋯ 10 lines")
        await compare(f"review-{size[0]}", shown)


async def test_it_opens_from_the_fleet_and_from_a_session() -> None:
    async with dashboard(SampleLink()) as shown:
        await shown.press("v")
        await shown.until(lambda: isinstance(shown.app.screen, ReviewScreen))
        await shown.sees("src/client.py")
        await shown.press("escape", "enter", "v")
        await shown.until(lambda: isinstance(shown.app.screen, ReviewScreen))


async def test_the_two_sides_stand_beside_each_other_where_there_is_room_and_by_key() -> None:
    async with dashboard(SampleLink(), (170, 40)) as shown:
        screen = await opened(shown)
        await shown.press("f", "f", "f", "f", "h")
        await compare("review-split-170", shown)
        before = screen.lines.cursor
        await to(shown, screen, "attempt.fail")
        await shown.press("t")
        assert under(screen).endswith("attempt.fail(error)")
        assert screen.sheet is not None
        assert not screen.sheet.split
        await shown.press("t", "H")
        assert screen.sheet.split
        assert screen.lines.cursor > before


async def test_marking_folds_goes_on_and_tells_the_daemon_what_was_seen() -> None:
    async with dashboard(SampleLink()) as shown:
        screen = await opened(shown)
        assert screen.sheet is not None
        await shown.press("f", "f", "f", "f", "h", "space")
        await shown.until(lambda: bool(shown.asked("mark_reviewed")))
        told = shown.asked("mark_reviewed")[-1]
        assert (told.done, told.chosen.tree) == (True, screen.sheet.reply.tree)
        assert [(pick.file, pick.hunks) for pick in told.chosen.picks] == [(4, (0,))]
        assert "✓ looked at" in shown.text()
        assert (screen.lines.here.kind, screen.lines.here.hunk) == (Kind.HUNK, 1)  # type: ignore[union-attr]
        await shown.press("space")
        await shown.sees("6 of 7 files to look at")
        assert "▸ M src/client.py" in shown.text()
        assert under(screen).startswith("▾ R src/retry_old.py → src/retry.py")
        await shown.press("F", "space")
        await shown.sees("7 of 7 files to look at")
        assert not shown.asked("mark_reviewed")[-1].done


async def test_a_comment_is_made_edited_listed_and_taken_back() -> None:
    async with dashboard(SampleLink()) as shown:
        screen = await opened(shown)
        await to(shown, screen, "self.retries = ")
        assert under(screen).endswith("self.retries = retries")
        await shown.press("up", "v", "down", "c")
        await shown.sees("Comment on src/client.py:16–17")
        await shown.press("W", "h", "y", "question_mark", "enter")
        await shown.sees("comment 1 on line 16–17")
        made = shown.asked("comment")[-1]
        assert (made.path, made.side, made.first, made.last, made.text) == ("src/client.py", "new", 16, 17, "Why?")
        await shown.press("down", "c", "exclamation_mark", "enter")
        await shown.sees("Why?!")
        await shown.press("g", "l")
        await shown.sees("1 src/client.py:16-17")
        await shown.press("enter")
        await shown.until(lambda: screen.lines.here is not None and screen.lines.here.remark is not None)
        await compare("review-comment-120", shown)
        await shown.press("x")
        await shown.until(lambda: "comment 1" not in shown.text())
        assert shown.asked("comment")[-1].text == ""


async def test_a_comment_on_what_is_gone_names_the_old_line() -> None:
    async with dashboard(SampleLink()) as shown:
        screen = await opened(shown)
        await to(shown, screen, "30.0")
        await shown.press("c", "N", "o", "enter")
        await shown.sees("comment 1 on line 14")
        made = shown.asked("comment")[-1]
        assert isinstance(made, Comment)
        assert (made.side, made.first) == ("old", 14)


async def test_all_comments_go_to_the_agent_as_one_message_that_is_shown_before() -> None:
    async with dashboard(SampleLink()) as shown:
        screen = await opened(shown)
        await to(shown, screen, "self.retries = ")
        await shown.press("c", "O", "n", "e", "enter")
        await shown.sees("comment 1")
        await to(shown, screen, "attempt.fail")
        await shown.press("c", "T", "w", "o", "enter")
        await shown.sees("2 comments not sent")
        await shown.press("S")
        await shown.sees("I reviewed your work and have 2 comments")
        assert "send_comments" not in shown.verbs()
        await shown.press("enter")
        await shown.until(lambda: bool(shown.asked("send_comments")))
        sent = shown.asked("send_comments")[-1]
        assert isinstance(sent, SendComments)
        assert sent.ids == ("1", "2")
        assert sent.text is not None
        assert "1. src/client.py:17\n>         self.retries = retries\nOne\n\n2. src/client.py:" in sent.text
        await shown.until(lambda: "not sent" not in shown.text())
        await shown.press("S")
        assert any("The agent has every comment" in said for said in shown.said())


async def test_what_is_picked_is_what_a_merge_is_asked_for() -> None:
    link = SampleLink()
    link.answers["merge"] = Refused("main moved", "look again")
    async with dashboard(link) as shown:
        screen = await opened(shown)
        await to(shown, screen, "self.retries = ")
        await shown.press("p", "F", "F", "p")
        await shown.sees("2 files picked")
        assert "● partly picked" in shown.text()
        await shown.press("m")
        await shown.sees("dark-theme into main")
        await shown.press("ctrl+s")
        await shown.until(lambda: "merge" in shown.verbs())
        merge = shown.asked("merge")[-1]
        assert isinstance(merge, Merge)
        assert merge.part is not None
        assert screen.sheet is not None
        assert merge.part.tree == screen.sheet.reply.tree
        assert [(pick.file, pick.hunks) for pick in merge.part.picks] == [(3, None), (4, (0,))]
        assert shown.asked("preview_merge")[0].part == merge.part


async def test_unchanged_lines_are_unfolded_above_a_hunk_and_below_the_last() -> None:
    async with dashboard(SampleLink()) as shown:
        screen = await opened(shown)
        await shown.press("f", "f", "f", "f", "h", "enter")
        await shown.sees('1   1   """The client."""')
        assert under(screen) == "from shop.pool import Pool"
        await shown.press("h", "enter")
        await shown.sees("def open(self) -> bool:")
        assert len(shown.asked("blob")) == 1
        assert screen.sheet is not None
        numbers = [line.split()[:2] for line in shown.lines() if "def open(self)" in line]
        assert numbers or "22  23" in shown.text()


async def test_a_search_goes_around_and_says_when_nothing_is_found() -> None:
    async with dashboard(SampleLink()) as shown:
        screen = await opened(shown)
        await to(shown, screen, "rule_3")
        assert "RULE_3 = 3" in under(screen)
        first = screen.lines.cursor
        await shown.press("n")
        assert screen.lines.cursor == first + 1
        await shown.press("n")
        assert screen.lines.cursor == first
        await shown.press("N")
        assert screen.lines.cursor == first + 1
        await to(shown, screen, "X")
        await shown.until(lambda: any("No line has" in said for said in shown.said()))


async def test_the_mouse_moves_folds_and_comments() -> None:
    async with dashboard(SampleLink()) as shown:
        screen = await opened(shown)
        await shown.pilot.click(ReviewLines, offset=(10, 4))
        assert under(screen).endswith("It sends requests.")
        await shown.pilot.click(ReviewLines, offset=(10, 0))
        await shown.pilot.click(ReviewLines, offset=(10, 0))
        await shown.sees("▸ M docs/client.md")
        await shown.pilot.click(ReviewFiles, offset=(6, 6))
        await shown.until(lambda: screen.lines.here is not None and screen.lines.here.file == 3)


async def test_hostile_text_is_shown_inert_in_code_and_comments() -> None:
    async with dashboard(SampleLink()) as shown:
        screen = await opened(shown)
        assert screen.sheet is not None
        reply = screen.sheet.reply
        evil = reply.patch.replace("It sends requests, and", "It\x1b[2J sends\u202e requests, and")
        shown.link.answers["review"] = reply.model_copy(update={"patch": evil})
        await shown.press("R")
        await shown.sees("It␛[2J sends‹U+202E› requests")
