#!/usr/bin/env bash
# The load generator of `make bench-service`: found, or installed where this is Debian and we may.
set -euo pipefail
command -v wrk > /dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    echo "Installing wrk for the benchmark"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wrk > /dev/null
    exit 0
fi
echo "The benchmark needs wrk: install it (Debian: sudo apt-get install wrk)." >&2
exit 1
