"""Programs that stand before the real ones on PATH and leave out what protects."""

from __future__ import annotations


def program(*cases: str) -> str:
    """A shell script: the first of ``cases`` that fits the arguments changes them, then the real program runs."""
    return 'case " $* " in\n' + "\n".join(cases) + '\nesac\nexec "$real" "$@"'


def change(where: str, word: str, to: str) -> str:
    """In a command that looks like ``where``, ``word`` becomes ``to``."""
    each = f'case $1 in {word}) set -- "$@" {to} ;; *) set -- "$@" "$1" ;; esac; shift; n=$((n-1))'
    return f'*"{where}"*) n=$#; while [ "$n" -gt 0 ]; do {each}; done ;;'


_DROP_LAST = 'n=$#; while [ "$n" -gt 1 ]; do set -- "$@" "$1"; shift; n=$((n-1)); done; shift'
_NO_OLD = r"sed -E 's#^(update refs/heads/[^ ]+ [0-9a-f]+) [0-9a-f]+$#\1#'"

NO_EXPECTED_VALUE = (
    f'*" update-ref "*"--stdin "*) {_NO_OLD} | exec "$real" "$@" ;;',
    f'*" update-ref -m "*" refs/heads/"*) {_DROP_LAST} ;;',
)
"""A branch is moved without looking at what it was."""

TRACKED_ONLY = (
    change(" add -A ", "-A", "-u"),
    change(" --untracked-files=all ", "--untracked-files=all", "-uno"),
    '*" ls-files "*" --ignored "*) ;;',
    '*" ls-files "*"--others "*) exit 0 ;;',
)
"""Only tracked files exist."""

REMOVE_BY_FORCE = (change(" worktree remove ", "remove", "remove --force --force"),)
"""A worktree is removed whatever is in it."""

NO_IGNORED = (
    '*" ls-files "*" --ignored "*) exit 0 ;;',
    change(" --ignored=matching ", "--ignored=matching", "--no-ahead-behind"),
)
"""No file is ignored, so none of those is seen."""

SOCKETS = "t"
DEFAULT_SERVER = (f'*" -L "*) shift 2; TMUX_TMPDIR=$(dirname "${{0%/*}}")/{SOCKETS}; export TMUX_TMPDIR ;;',)
"""tmux speaks to the user's own server: the scene's, whose sockets lie in its folder."""

ALONE = (
    '*" worktree add "*) mark=${0%/*}/adding; mkdir "$mark" || { echo "two at once" >&2; exit 128; }; '
    'sleep 0.05; "$real" "$@"; code=$?; rmdir "$mark"; exit $code ;;',
)
"""``git worktree add`` that fails when another one runs, as the real one does now and then."""
