#!/usr/bin/env bash
# The slow tests' Redis and RabbitMQ: found, or installed where this is Debian and we may. Nothing is started.
set -euo pipefail
if command -v redis-server > /dev/null && command -v epmd > /dev/null && [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    echo "Installing Redis and RabbitMQ for the slow tests"
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then  # Debian would start both as services of this machine
        printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server rabbitmq-server > /dev/null
    exit 0
fi
echo "The slow tests need Redis and RabbitMQ: install them (Debian: sudo apt-get install redis-server rabbitmq-server)." >&2
exit 1
