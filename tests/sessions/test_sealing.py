"""The box as a command line: which rule counts, what is hidden, what a program that is sealed is given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sessions import agents, sealing
from sessions.agents.contract import Needs, Place
from sessions.errors import SessionError
from sessions.models import Spec
from sessions.sealing import Rule, Seal, Way


def _mounts(*rules: Rule) -> list[tuple[str, ...]]:
    """What is mounted, in order, without the words that every box has."""
    words = sealing.command("bwrap", rules, Path("/w"), ("prog",), network=True)
    found = []
    for position, word in enumerate(words):
        if word in ("--ro-bind", "--bind"):
            found.append((word, words[position + 1], words[position + 2]))
        elif word in ("--tmpfs", "--remount-ro"):
            found.append((word, words[position + 1]))
    return found


def test_the_more_specific_path_counts_whatever_the_order() -> None:
    write, hide, read = (
        Rule(Path(path), way) for path, way in (("/h/a/b", Way.WRITE), ("/h/a", Way.HIDE), ("/h", Way.READ))
    )
    expected = [
        ("--ro-bind", "/", "/"),
        ("--tmpfs", "/h/a"),
        ("--bind", "/h/a/b", "/h/a/b"),
        ("--remount-ro", "/h/a"),
    ]
    assert _mounts(Rule(Path("/"), Way.READ), write, hide, read) == expected
    assert _mounts(Rule(Path("/"), Way.READ), read, hide, write) == expected


def test_of_two_rules_for_one_path_the_later_counts() -> None:
    assert _mounts(Rule(Path("/x"), Way.HIDE, file=True), Rule(Path("/x"), Way.READ, file=True)) == [
        ("--ro-bind", "/x", "/x")
    ]
    assert _mounts(Rule(Path("/x"), Way.HIDE, file=True)) == [("--ro-bind", "/dev/null", "/x")]


def test_what_an_outer_rule_says_is_not_said_again_but_where_something_else_lies_between() -> None:
    rules = [Rule(Path("/"), Way.READ), Rule(Path("/tmp"), Way.OWN), Rule(Path("/tmp/repo"), Way.READ)]
    assert ("--ro-bind", "/tmp/repo", "/tmp/repo") in _mounts(*rules, Rule(Path("/usr"), Way.READ))
    assert ("--ro-bind", "/usr", "/usr") not in _mounts(*rules, Rule(Path("/usr"), Way.READ))


def test_the_box_has_its_own_processes_keeps_its_terminal_and_dies_with_its_pane() -> None:
    words = sealing.command("bwrap", [Rule(Path("/"), Way.READ)], Path("/w"), ("prog", "-x"), network=False)
    assert {"--unshare-pid", "--unshare-ipc", "--unshare-net", "--die-with-parent"} <= set(words)
    assert "--new-session" not in words
    assert words[-2:] == ("prog", "-x")
    assert "--unshare-net" not in sealing.command("bwrap", [], Path("/w"), ("prog",), network=True)


def test_rules_are_made_of_what_is_really_there(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for path in (home / ".aws", elsewhere, tmp_path / "w", tmp_path / "s"):
        path.mkdir(parents=True)
    (home / ".ssh").symlink_to(elsewhere)
    (home / ".netrc").touch()
    place = Place(tmp_path / "s", tmp_path / "w", {"HOME": str(home)})
    seal = Seal(read=("~/.aws",), write=("~/missing",), hide=("~/.ssh",))
    last = {rule.path: rule for rule in sealing.rules(seal, place, Needs(), ("/bin/sh",))}
    assert last[elsewhere].way is Way.HIDE  # a mount is made on what a link leads to
    assert last[home / ".netrc"] == Rule(home / ".netrc", Way.HIDE, file=True)
    assert last[home / ".aws"].way is Way.READ
    assert last[tmp_path / "w"].way is Way.WRITE
    assert last[tmp_path / "s"].way is Way.READ
    assert home / "missing" not in last


@pytest.mark.parametrize("path", ["secrets", "../up", "/"])
def test_settings_that_name_no_whole_path_or_the_whole_machine_are_refused(tmp_path: Path, path: str) -> None:
    place = Place(tmp_path, tmp_path, {"HOME": str(tmp_path)})
    with pytest.raises(SessionError):
        sealing.rules(Seal(write=(path,)), place, Needs(), ("/bin/sh",))


def test_claude_keeps_its_conversation_and_sign_in_and_has_settings_that_nobody_else_reads(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".claude").mkdir(parents=True)
    (home / ".claude" / "settings.json").write_text("{}")
    (home / ".claude.json").write_text("mine")
    place = Place(tmp_path / "s", tmp_path / "w", {"HOME": str(home)})
    place.folder.mkdir()
    claude = agents.get("claude")
    wanted = claude.needs(Spec(agent="claude", name="n"), place)  # type: ignore[attr-defined]
    sealing.prepare(place, wanted)
    config = home / ".claude"
    assert place.outside(config / ".claude.json").read_text() == "mine"
    assert place.outside(config / ".claude.json") != config / ".claude.json"
    last = {rule.path: rule for rule in sealing.rules(Seal(), place, wanted, ("/bin/sh",))}
    assert last[config] == Rule(config, Way.WRITE, place.own(config))
    assert last[config / "settings.json"].way is Way.READ
    (project,) = (config / "projects").iterdir()
    assert last[project] == Rule(project, Way.WRITE)


def test_a_link_that_the_program_left_in_its_folder_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("settings")
    place = Place(tmp_path / "s", tmp_path / "w", {})
    own = place.own(Path("/h/.agent"))
    own.mkdir(parents=True)
    (own / "config").symlink_to(tmp_path / "aim")
    copies = ((tmp_path / "source", Path("/h/.agent/config")),)
    sealing.prepare(place, Needs(own=(Path("/h/.agent"),), copies=copies))
    assert not os.path.lexists(tmp_path / "aim")
