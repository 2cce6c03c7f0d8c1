"""Text of others goes through ``worktrees.inert`` wherever it is shown, and is nowhere read as markup."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MARKUP = {
    "Static",
    "Label",
    "Button",
    "TabPane",
    "notify",
    "Tooltip",
    "Checkbox",
    "RadioButton",
    "Collapsible",
    "Option",
}
"""What of Textual reads a string as markup unless it is told not to."""
TITLES = {"border_title", "border_subtitle", "tooltip", "label"}
PLAIN = {"Text", "Content"}
INERT = {"one_line", "short", "safe", "asks", "no_picture", "picture_line", "said", "line", "block", "_who", "_around"}
FOREIGN = {
    *("name", "branch", "target", "base", "worktree", "repository", "agent", "prompt", "said", "title", "text"),
    *("command", "path", "old_path", "label", "detail", "header", "message", "hint", "reason", "step", "merging"),
    *("launch_failure", "merge_failure", "attic", "model", "version", "risk_because", "updated_checkout", "stderr"),
}
"""Fields that an agent, a repository or a model fills."""
SHOWS = {"Text", "Content", "append", "add_row", "notify", "Static", "Label"}


def parsed(folder: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def called(node: ast.expr) -> str:
    """The last name of what is called."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def literal(node: ast.expr | None) -> bool:
    """A string that stands in our code, or one of several."""
    if isinstance(node, ast.IfExp):
        return literal(node.body) and literal(node.orelse)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Call) and called(node) in PLAIN)


def inert(node: ast.expr) -> bool:
    return literal(node) or ast.unparse(node).startswith(("inert.line(", "inert.block("))


def read_as_markup(module: ast.Module) -> Iterator[int]:
    """Lines at which a string that is not ours may be read as markup."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node) in MARKUP and node.args:
            off = any(word.arg == "markup" and literal(word.value) for word in node.keywords)
            if not off and not literal(node.args[0]) and called(node.args[0]) != "_table":
                yield node.lineno
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr in TITLES and not literal(node.value):
                    yield node.lineno
        if isinstance(node, ast.Attribute) and node.attr == "from_markup":
            yield node.lineno


def raw(node: ast.AST) -> Iterator[ast.Attribute]:
    """Fields of others within ``node`` that no inert function is around."""
    if isinstance(node, ast.Call) and (called(node) in INERT or called(node) in ("len", "number", "age", "money")):
        return
    if isinstance(node, (ast.Lambda, ast.comprehension, ast.Compare)):
        return
    if isinstance(node, ast.Attribute) and node.attr in FOREIGN and not ours(node):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.IfExp) and child is node.test:
            continue
        yield from raw(child)


def ours(node: ast.Attribute) -> bool:
    """A widget's own field, or the words of a ``Look``."""
    of = node.value.id if isinstance(node.value, ast.Name) else called(node.value)
    return of == "self" or (node.attr == "text" and of in ("seen", "look", "look_of"))


def shown_raw(module: ast.Module) -> Iterator[int]:
    """Lines at which a field of others is put into what is shown."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node) in SHOWS and not ast.unparse(node.func).startswith("self._"):
            for argument in node.args:
                yield from (found.lineno for found in raw(argument))


def printed(module: ast.Module) -> Iterator[int]:
    """Lines at which something other than our own words goes straight to stdout or stderr."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Call) or all(inert(argument) for argument in node.args):
            continue
        into = node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr == "write" else None
        if called(node) == "print" or (into is not None and called(into) in ("stdout", "stderr", "__stdout__")):
            yield node.lineno


def test_no_text_of_others_is_read_as_markup() -> None:
    assert [f"{name}:{line}" for name, module in parsed("orchestrator/tui") for line in read_as_markup(module)] == []


def test_the_dashboard_shows_no_field_of_others_as_it_is() -> None:
    assert [f"{name}:{line}" for name, module in parsed("orchestrator/tui") for line in shown_raw(module)] == []


def test_what_is_printed_is_inert() -> None:
    allowed = {"orchestrator/cli/output.py", "sessions/coder/terminal.py"}
    found = [
        f"{name}:{line}"
        for package in ("worktrees", "sessions", "orchestrator")
        for name, module in parsed(package)
        if name not in allowed
        for line in printed(module)
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "yield Static(self._text)",
        "yield Label(f'in {folder}')",
        "app.notify(message, severity='error')",
        "dialog.border_title = f'Merge {name}'",
        "Button(self._yes, id='yes')",
        "Text.from_markup(row.name)",
    ],
)
def test_markup_is_found(code: str) -> None:
    assert list(read_as_markup(ast.parse(code))) == [1]


@pytest.mark.parametrize(
    "code",
    [
        "text.append(row.name)",
        "Text(f'{row.branch} by {seen.method}')",
        "text.append('x' + cut(question.title, 3))",
        "facts.add_row('file', Text(question.path))",
    ],
)
def test_a_raw_field_is_found(code: str) -> None:
    assert 1 in set(shown_raw(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["print(f'coder: {error}')", "sys.stdout.write(patch)", "print(text, file=sys.stderr)"]
)
def test_a_print_is_found(code: str) -> None:
    assert list(printed(ast.parse(code))) == [1]
