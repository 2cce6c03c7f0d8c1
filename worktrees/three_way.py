"""Conflicts of a merge, each for what it is: the versions of both sides and the choices that make sense.

Read from what ``git merge-tree`` says (stages and notes) and from the two commits, in the clean room: no merge driver
of anybody's runs, no checkout is touched. Paths that git names in one note belong to one conflict.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from worktrees import conflicts
from worktrees.changes import shown
from worktrees.cleanroom import run
from worktrees.conflicts import Merged
from worktrees.problems import Choice, Effect, Entry, Kind, Problem, ThreeWay
from worktrees.text_merge import Part, three_way, whole

LARGEST = 1 << 20
"""Bytes of a file that is merged by lines; larger ones are taken as one side has them."""
_LINK, _MODULE = "120000", "160000"
_SIDES = {2: "ours", 3: "theirs"}
Stages = dict[int, tuple[str, str]]


class Names:
    """What the two sides are called to the human."""

    def __init__(self, ours: str, theirs: str) -> None:
        self.side = {2: ours, 3: theirs}
        self.ours, self.theirs = ours, theirs


def look(root: Path, ours: str, theirs: str, names: Names) -> ThreeWay:
    """What merging ``theirs`` into ``ours`` leaves to a human. Raises GitFailed."""
    merged = conflicts.merge(root, ours, theirs)
    problems: list[Problem] = []
    effects: dict[tuple[str, str], Effect] = {}
    reader = _Reader(root, ours, theirs, merged, names)
    for group in _groups(merged):
        problem, found = reader.problem(group)
        problems.append(problem)
        for key, effect in found.items():
            effects[problem.id, key] = effect
    return ThreeWay(ours, theirs, merged.tree, tuple(problems), effects)


def _groups(merged: Merged) -> list[list[str]]:
    """Paths in conflict, those of one note together."""
    group = {path: [path] for path in merged.stages}
    for paths, _ in merged.notes:
        known = [path for path in paths if path in group]
        for other in known[1:]:
            one, two = group[known[0]], group[other]
            if one is not two:
                one.extend(two)
                for path in two:
                    group[path] = one
    unique = {id(found): found for found in group.values()}
    return list(unique.values())


class _Reader:
    def __init__(self, root: Path, ours: str, theirs: str, merged: Merged, names: Names) -> None:
        self.root, self.merged, self.names = root, merged, names
        self.commits = {2: ours, 3: theirs}

    def problem(self, paths: list[str]) -> tuple[Problem, dict[str, Effect]]:
        notes = [(about, word) for about, word in self.merged.notes if set(about) & set(paths)]
        words = {word for _, word in notes}
        made = None
        if len(paths) == 1:
            made = self._one(paths[0], self.merged.stages[paths[0]], words)
        if made is None:
            for about, word in notes:
                if (made := self._several(paths, about, word)) is not None:
                    break
        kind, path, said, choices, parts, effects = made or self._other(paths)
        stages = "\0".join(f"{name}\0{self.merged.stages[name]}" for name in sorted(paths))
        id_ = hashlib.sha256(os.fsencode(f"{kind}\0{stages}")).hexdigest()[:12]
        return (
            Problem(id=id_, kind=kind, path=shown(path), words=shown(said), choices=choices, parts=parts),
            effects,
        )

    def _one(self, path: str, stages: Stages, words: set[str]) -> Made | None:
        """One path that both sides have, or that one side deleted."""
        if words & {"file/directory", "rename/delete", "rename/rename", "distinct modes", "directory rename suggested"}:
            return None
        ours, theirs = self.names.ours, self.names.theirs
        modes = {mode for mode, _ in stages.values()}
        if _MODULE in modes and {2, 3} <= set(stages):
            return self._whole(Kind.SUBMODULE, path, stages, "both sides moved this submodule, to different commits")
        if {2, 3} <= set(stages):
            if modes == {_LINK}:
                return self._whole(Kind.SYMLINK, path, stages, "a symbolic link that both sides point elsewhere")
            if _LINK in modes:
                return None
            if stages[2][1] == stages[3][1]:
                return self._whole(Kind.MODE, path, stages, "the same content; only one side made it executable")
            texts = self._texts(stages)
            if texts is None:
                return self._whole(Kind.BINARY, path, stages, "no text that could be merged by lines")
            kind = Kind.CONTENT if 1 in stages else Kind.ADDED
            said = "both changed the same lines" if 1 in stages else f"{ours} and {theirs} both added it"
            return kind, path, said, (), self._hunks(*texts), {"": {path: Entry(mode=self._mode(path), oid=None)}}
        kept = 2 if 2 in stages else 3 if 3 in stages else None
        if kept is None or 1 not in stages:
            return None
        gone = 5 - kept
        side, other = self.names.side[kept], self.names.side[gone]
        choices = (
            Choice(key=_SIDES[kept], words=f"keep it as {side} has it"),
            Choice(key=_SIDES[gone], words=f"delete it, as {other} did"),
            Choice(key="base", words="keep it as it was before"),
        )
        effects: dict[str, Effect] = {
            _SIDES[kept]: {path: _entry(stages[kept])},
            _SIDES[gone]: {path: None},
            "base": {path: _entry(stages[1])},
        }
        return Kind.DELETED, path, f"{other} deleted it, {side} changed it", choices, (), effects

    def _several(self, paths: list[str], about: tuple[str, ...], word: str) -> Made | None:
        if word == "rename/rename" and len(about) == 3 and set(about) == set(paths):
            return self._renamed(*about)
        if word == "rename/delete" and len(paths) == 1 and len(about) == 2:
            return self._renamed_away(*about)
        if word == "file/directory" and len(paths) == 1 and len(about) >= 2:
            return self._place(paths[0], about[1])
        if word == "directory rename suggested" and len(paths) == 1 and len(about) == 2:
            return self._moved(*about)
        if word == "distinct modes":
            return self._type(paths, min(about, key=len))
        return None

    def _renamed(self, old: str, one: str, other: str) -> Made | None:
        stages = self.merged.stages
        if set(stages[one]) != {2} or set(stages[other]) != {3} or 1 not in stages[old]:
            return None
        ours, theirs = self.names.ours, self.names.theirs
        versions = self._at(one, 2), self._at(other, 3)
        parts: tuple[Part, ...] = ()
        entry = _entry(stages[one][2])
        if versions[0] is not None and versions[1] is not None:
            changed = {1: stages[old][1], 2: versions[0], 3: versions[1]}
            if len({oid for _, oid in changed.values()}) == 3 and (texts := self._texts(changed)) is not None:
                merged = three_way(self.root, *texts)
                parts = merged if any(part.hunk is not None for part in merged) else ()
        if parts:
            entry = Entry(mode=entry.mode, oid=None)
        choices = (
            Choice(key="ours", words=f"call it {one}, as {ours} does"),
            Choice(key="theirs", words=f"call it {other}, as {theirs} does"),
            Choice(key="both", words="keep both names"),
            Choice(key="base", words=f"call it {old}, as it was"),
        )
        effects: dict[str, Effect] = {
            "ours": {old: None, other: None, one: entry},
            "theirs": {old: None, one: None, other: entry},
            "both": {old: None, one: entry, other: entry},
            "base": {one: None, other: None, old: entry},
        }
        said = f"{ours} renamed {old} to {one}, {theirs} to {other}"
        return Kind.RENAMED, old, said, _shown(choices), parts, effects

    def _renamed_away(self, new: str, old: str) -> Made | None:
        stages = self.merged.stages.get(new, {})
        if 2 in stages and 3 in stages:
            return None
        kept = 2 if 2 in stages else 3
        if kept not in stages:
            return None
        side, other = self.names.side[kept], self.names.side[5 - kept]
        choices = (
            Choice(key=_SIDES[kept], words=f"keep it as {new}, as {side} does"),
            Choice(key=_SIDES[5 - kept], words=f"delete it, as {other} did"),
            Choice(key="base", words=f"keep it as {old}, where it was"),
        )
        effects: dict[str, Effect] = {
            _SIDES[kept]: {new: _entry(stages[kept])},
            _SIDES[5 - kept]: {new: None},
            "base": {new: None, old: _entry(stages[kept])},
        }
        said = f"{side} renamed {old} to {new}, {other} deleted it"
        return Kind.RENAMED_AWAY, new, said, _shown(choices), (), effects

    def _place(self, moved: str, wanted: str) -> Made | None:
        stages = self.merged.stages[moved]
        kept = 2 if 2 in stages else 3
        if kept not in stages or 5 - kept in stages:
            return None
        entry, side, other = _entry(stages[kept]), self.names.side[kept], self.names.side[5 - kept]
        aside = f"{wanted}~{side.replace('/', '_')}"
        inside = run(self.root, "ls-tree", "-r", "-z", "--name-only", self.merged.tree, "--", f"{wanted}/").split("\0")
        choices = (
            Choice(key=_SIDES[kept], words=f"the file of {side}: the folder goes"),
            Choice(key=_SIDES[5 - kept], words=f"the folder of {other}: the file goes"),
            Choice(key="both", words=f"both: the file becomes {aside}"),
        )
        effects: dict[str, Effect] = {
            _SIDES[kept]: {**{name: None for name in inside if name}, moved: None, wanted: entry},
            _SIDES[5 - kept]: {moved: None},
            "both": {moved: None, aside: entry},
        }
        said = f"{side} has a file here, {other} a folder"
        return Kind.PLACE, wanted, said, _shown(choices), (), effects

    def _moved(self, new: str, old: str) -> Made | None:
        stages = self.merged.stages[new]
        added = 2 if 2 in stages else 3
        if added not in stages or len(stages) != 1:
            return None
        side, other, entry = self.names.side[added], self.names.side[5 - added], _entry(stages[added])
        choices = (
            Choice(key=_SIDES[added], words=f"at {old}, where {side} added it"),
            Choice(key=_SIDES[5 - added], words=f"at {new}, where {other} moved its folder"),
        )
        effects: dict[str, Effect] = {
            _SIDES[added]: {new: None, old: entry},
            _SIDES[5 - added]: {new: entry},
        }
        said = f"{side} added it to a folder that {other} renamed"
        return Kind.MOVED, new, said, _shown(choices), (), effects

    def _type(self, paths: list[str], wanted: str) -> Made | None:
        versions = {stage: self._at(wanted, stage) for stage in (2, 3)}
        if None in versions.values():
            return None
        gone: dict[str, Entry | None] = dict.fromkeys(paths)
        choices: list[Choice] = []
        effects: dict[str, Effect] = {}
        for stage, version in versions.items():
            assert version is not None
            words = f"{_what(version[0])} of {self.names.side[stage]}"
            choices.append(Choice(key=_SIDES[stage], words=words))
            effects[_SIDES[stage]] = {**gone, wanted: _entry(version)}
        both = dict(gone)
        for stage, version in versions.items():
            assert version is not None
            name = f"{wanted}~{self.names.side[stage].replace('/', '_')}" if version[0] != _LINK else wanted
            both[name] = _entry(version)
        if len([entry for entry in both.values() if entry is not None]) == 2:
            choices.append(Choice(key="both", words="both, the file under a name of its own"))
            effects["both"] = both
        said = f"{choices[0].words}, {choices[1].words}"
        return Kind.TYPE, wanted, said, _shown(tuple(choices)), (), effects

    def _whole(self, kind: Kind, path: str, stages: Stages, said: str) -> Made:
        choices: list[Choice] = []
        effects: dict[str, Effect] = {}
        for stage, key in ((2, "ours"), (3, "theirs"), (1, "base")):
            if stage in stages:
                side = self.names.side.get(stage, "as it was before")
                choices.append(Choice(key=key, words=f"{side}{self._about(kind, stages[stage])}"))
                effects[key] = {path: _entry(stages[stage])}
        return kind, path, said, _shown(tuple(choices)), (), effects

    def _other(self, paths: list[str]) -> Made:
        effects: dict[str, Effect] = {
            _SIDES[stage]: {path: self._there(path, stage) for path in paths} for stage in (2, 3)
        }
        choices = tuple(Choice(key=_SIDES[stage], words=f"all as {self.names.side[stage]} has it") for stage in (2, 3))
        names = ", ".join(paths[:3]) + (" …" if len(paths) > 3 else "")
        return Kind.OTHER, paths[0], f"conflicts that hang together: {names}", choices, (), effects

    def _about(self, kind: Kind, version: tuple[str, str]) -> str:
        mode, oid = version
        if kind is Kind.MODE:
            return ": executable" if mode == "100755" else ": not executable"
        if kind is Kind.SYMLINK:
            return f": → {run(self.root, 'cat-file', 'blob', oid)}"
        if kind is Kind.SUBMODULE:
            return f": {oid[:10]}" if mode == _MODULE else f": {_what(mode)}"
        return f": {int(run(self.root, 'cat-file', '-s', oid)):,} bytes".replace(",", " ")

    def _texts(self, stages: Stages) -> tuple[str, str, str] | None:
        """Ours, base and theirs; None when one of them is no text."""
        found = []
        for stage in (2, 1, 3):
            if stage not in stages:
                found.append("")
                continue
            oid = stages[stage][1]
            if int(run(self.root, "cat-file", "-s", oid)) > LARGEST:
                return None
            text = run(self.root, "cat-file", "blob", oid)
            if "\0" in text or not _utf8(text):
                return None
            found.append(text)
        return found[0], found[1], found[2]

    def _hunks(self, ours: str, base: str, theirs: str) -> tuple[Part, ...]:
        parts = three_way(self.root, ours, base, theirs)
        # Git's own merge says that they conflict, by other rules for what belongs together.
        return parts if any(part.hunk is not None for part in parts) else whole(ours, base, theirs)

    def _mode(self, path: str) -> str:
        found = _listed(run(self.root, "ls-tree", "-z", self.merged.tree, "--", path))
        return found[0] if found is not None else "100644"

    def _at(self, path: str, stage: int) -> tuple[str, str] | None:
        return _listed(run(self.root, "ls-tree", "-z", self.commits[stage], "--", path))

    def _there(self, path: str, stage: int) -> Entry | None:
        found = self._at(path, stage)
        return _entry(found) if found is not None and found[0] != "040000" else None


Made = tuple[Kind, str, str, tuple[Choice, ...], tuple[Part, ...], dict[str, Effect]]


def _shown(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    return tuple(choice.model_copy(update={"words": shown(choice.words)}) for choice in choices)


def _entry(version: tuple[str, str]) -> Entry:
    return Entry(mode=version[0], oid=version[1])


def _listed(said: str) -> tuple[str, str] | None:
    if not said:
        return None
    mode, _, oid = said.partition("\t")[0].split(" ")
    return mode, oid


def _what(mode: str) -> str:
    return {_LINK: "the link", _MODULE: "the submodule", "040000": "the folder"}.get(mode, "the file")


def _utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
