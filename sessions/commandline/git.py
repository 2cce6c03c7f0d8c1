"""What a git command does. Git's own records, wherever they are, count as the folder that it runs in. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from sessions.commandline.effect import Effect, Risk, written
from sessions.commandline.scene import Inner, Scene, paths
from sessions.commandline.words import Unclear, Word

_READS = re.compile(
    r"status|log|diff|show|blame|annotate|rev-parse|ls-files|ls-tree|cat-file|describe|shortlog|rev-list|merge-base"
    r"|name-rev|for-each-ref|grep|whatchanged|count-objects|diff-tree|diff-index|diff-files|show-ref|range-diff|cherry"
)
_NETWORK = re.compile(r"push|pull|fetch|clone|ls-remote|submodule|lfs|request-pull|send-email")
_OUTPUT = re.compile(r"-\w*O.*|--o(?!neline$|thers$|nly-matching$|rs$|r$|urs$).*|--ext.*|--textconv.*|--filters.*")
"""Options of readers that write a file or run a program, with every way to shorten them."""
_HERE = Word(".", bare=1)


def judge(_name: str, rest: tuple[Word, ...], scene: Scene, _inner: Inner) -> Iterator[Effect]:
    """By the subcommand; a name that is none of git's may be an alias for anything."""
    words = list(rest)
    while words and words[0].text.startswith("-"):
        option = words.pop(0)
        if option.text == "-C" and words:
            scene = replace(scene, folders=scene.entered(words.pop(0)))
        elif not option.plain or option.text not in ("--no-pager", "-P"):
            raise Unclear(f"what git {option.text[:30]} does is not known here")
    if not words or not words[0].plain:
        raise Unclear("which git command it is is not in the line")
    command, given = words[0].text, tuple(words[1:])
    if _READS.fullmatch(command):
        yield from _reads(given)
    elif _NETWORK.fullmatch(command):
        yield from _network(command, given)
    elif command in _COMMANDS:
        yield from _COMMANDS[command](command, given, scene)
    else:
        raise Unclear(f"what git {command[:30]} does is not known here")


def _reads(given: tuple[Word, ...]) -> Iterator[Effect]:
    for word in given:
        if word.text == "--" and word.fixed:
            break
        if _OUTPUT.fullmatch(word.text) or word.hidden:
            raise Unclear("an option of git may write or run something")
    yield Effect(Risk.READS)


def _network(command: str, given: tuple[Word, ...]) -> Iterator[Effect]:
    for word in given:
        upload = command in ("clone", "ls-remote") and word.text.startswith("-u")
        if "::" in word.text or re.match(r"--(?:up|rece|ex|co)", word.text) or upload or word.text == "-c":
            raise Unclear("git may run another program for it")
    yield Effect(Risk.NETWORK, f"git {command}")


def _keeps(command: str, given: tuple[Word, ...], scene: Scene) -> Iterator[Effect]:
    """add, commit, stash …: nothing is lost by it."""
    yield written(f"git {command}", scene.place(_HERE))


def _carefully(command: str, given: tuple[Word, ...], scene: Scene) -> Iterator[Effect]:
    """merge, rebase …: some options run programs."""
    known = r"--(?:no-ff|ff-only|ff|no-edit|squash|abort|continue|skip|no-commit|onto|autostash)|-n|-x|-m"
    allowed = re.compile(known if command == "cherry-pick" else known.replace("|-x", ""))
    paths(given, allowed, f"git {command}")
    yield from _keeps(command, given, scene)


def _moves(command: str, given: tuple[Word, ...], scene: Scene) -> Iterator[Effect]:
    for word in paths(given, re.compile(r"-[fkv]+"), "git mv"):
        yield written("git mv", scene.place(word))


def _removes(command: str, given: tuple[Word, ...], scene: Scene) -> Iterator[Effect]:
    named = [word for word in given if not word.text.startswith("-") or not word.fixed]
    for word in named or [_HERE]:
        yield Effect(Risk.DELETES, f"git {command}", scene.place(word))


def _loses(command: str, given: tuple[Word, ...], scene: Scene) -> Iterator[Effect]:
    """It may throw away work that is not committed."""
    yield Effect(Risk.DELETES, f"git {command}", scene.place(_HERE))


def _checkout(command: str, given: tuple[Word, ...], scene: Scene) -> Iterator[Effect]:
    """A new branch loses nothing; a path is overwritten."""
    new = {"checkout": "-b", "switch": "-c"}.get(command)
    plain = all(word.fixed and word.glob is None for word in given)
    names = [word for word in given if not word.text.startswith("-")]
    made = bool(given) and given[0].text == new and len(names) == len(given) - 1
    switched = command == "switch" and len(given) == len(names) == 1
    staged = command == "restore" and bool(given) and given[0].text == "--staged" and len(names) == len(given) - 1
    kept = plain and (made or switched or staged)
    yield from _keeps(command, given, scene) if kept else _loses(command, given, scene)


def _reset(command: str, given: tuple[Word, ...], scene: Scene) -> Iterator[Effect]:
    soft = all(word.fixed and re.fullmatch(r"--soft|--mixed|-q|--quiet|--|[^-].*", word.text) for word in given)
    yield from _keeps(command, given, scene) if soft else _loses(command, given, scene)


def _clean(command: str, given: tuple[Word, ...], scene: Scene) -> Iterator[Effect]:
    dry = bool(given) and all(word.fixed and re.fullmatch(r"-n|-nd|-dn|-nx|--dry-run", word.text) for word in given)
    yield from [Effect(Risk.READS)] if dry else _loses(command, given, scene)


def _refs(command: str, given: tuple[Word, ...], scene: Scene) -> Iterator[Effect]:
    """branch and tag: list, make, delete."""
    shown = re.compile(r"-[arvl]+|--(?:list|all|show-current|verbose|contains|merged|no-merged|sort=.*|format=.*)")
    words = [word.text for word in given]
    if not all(word.fixed for word in given):
        raise Unclear(f"what git {command} does is not in the line")
    if any(re.match(r"-\w*[dD]|--d", word) for word in words):
        yield Effect(Risk.DELETES, f"git {command}")
    elif all(shown.fullmatch(word) for word in words) or words[:1] in (["-l"], ["--list"], ["--contains"]):
        paths(given, shown, f"git {command}")
        yield Effect(Risk.READS)
    elif not any(word.startswith("-") for word in words) or (command == "tag" and words[0] in ("-a", "-m")):
        yield from _keeps(command, given, scene)
    else:
        raise Unclear(f"what git {command} {words[0][:30]} does is not known here")


def _verbs(command: str, given: tuple[Word, ...], scene: Scene) -> Iterator[Effect]:
    """Commands with commands of their own."""
    first = given[0].text if given and given[0].plain else ""
    if given and not first:
        raise Unclear(f"what git {command} does is not in the line")
    match command, first:
        case ("stash", "list" | "show") | ("worktree", "list") | ("reflog", "" | "show") | ("remote", "" | "-v"):
            yield from _reads(given[1:])
        case "config", _ if len(given) == 1 and re.fullmatch(r"-l|--list|[\w.-]*\w\.\w[\w.-]*", first):
            yield Effect(Risk.READS)
        case "config", "--get" if len(given) == 2 and given[1].plain:
            yield Effect(Risk.READS)
        case "remote", "show" | "update" | "prune":
            yield Effect(Risk.NETWORK, f"git remote {first}")
        case ("stash", "drop" | "clear") | ("worktree", "remove" | "prune") | ("reflog", "delete" | "expire"):
            yield Effect(Risk.DELETES, f"git {command} {first}")
        case "stash", "" | "push" | "save" | "pop" | "apply":
            yield from _keeps(command, given, scene)
        case _:
            raise Unclear(f"what git {command} {first[:30]} does is not known here")


_COMMANDS = {
    **dict.fromkeys(("add", "commit"), _keeps),
    **dict.fromkeys(("merge", "rebase", "cherry-pick", "revert"), _carefully),
    **dict.fromkeys(("checkout", "switch", "restore"), _checkout),
    **dict.fromkeys(("branch", "tag"), _refs),
    **dict.fromkeys(("stash", "worktree", "reflog", "remote", "config"), _verbs),
    "mv": _moves,
    "rm": _removes,
    "clean": _clean,
    "reset": _reset,
}
