#!/bin/sh
# Runs the end-to-end suite (--prepare: only installs what it needs): real agent CLIs from npm (kept in a cache folder), a scripted model, no network.
set -eu
cd "$(dirname "$0")/../.."

if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    echo "#########################################################################" >&2
    echo "#  E2E DID NOT RUN: node and npm are not installed.                     #" >&2
    echo "#  apt install nodejs npm · dnf install nodejs · pacman -S nodejs npm   #" >&2
    echo "#  · brew install node                                                  #" >&2
    echo "#########################################################################" >&2
    exit 0
fi

cache=${ORCHESTRATOR_E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/orchestrator-e2e}
wanted=$(cksum <tests/e2e/package.json)
mkdir -p "$cache"
if [ "$(cat "$cache/.ready" 2>/dev/null || true)" != "$wanted" ]; then
    echo "Installing the agent CLIs into $cache (once) …" >&2
    rm -f "$cache/.ready"
    cp tests/e2e/package.json "$cache/package.json"
    if ! npm install --prefix "$cache" --no-audit --no-fund --no-package-lock --loglevel=error; then
        echo "E2E FAILED: npm could not install the agent CLIs (see above)." >&2
        exit 1
    fi
    printf '%s' "$wanted" >"$cache/.ready"
fi
[ "${1-}" != --prepare ] || exit 0
ORCHESTRATOR_E2E_BIN=$cache/node_modules/.bin
export ORCHESTRATOR_E2E_BIN
# With the node that came along: pi needs a newer one than many machines have.
for cli in claude codex gemini opencode pi; do
    PATH="$ORCHESTRATOR_E2E_BIN:$PATH" "$cli" --version >/dev/null || { echo "E2E FAILED: $cli does not run." >&2; exit 1; }
done

# A network of its own with nothing but loopback: what the agents try to send stays here.
if unshare -rn sh -c 'ip link set lo up' 2>/dev/null; then
    exec unshare -rn sh -c 'ip link set lo up; exec "$@"' sh .venv/bin/python -m pytest tests/e2e -q -s "$@"
fi
echo "E2E: this machine cannot cut the network off (unshare); the agents run with it." >&2
exec .venv/bin/python -m pytest tests/e2e -q -s "$@"
