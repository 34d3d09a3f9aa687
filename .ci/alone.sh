#!/bin/sh
# Runs a command in a network of its own, in which there is nothing but 127.0.0.1:
#
#   go test -exec "$PWD/.ci/alone.sh" -run Emulator ./slackbot
#
# Root needs no user namespace for that, and containers often forbid them.
set -eu

user=--map-root-user
if [ "$(id -u)" = 0 ]; then user=; fi
# shellcheck disable=SC2086 # an empty word would be a command
exec unshare --net $user sh -c 'ip link set lo up && exec "$@"' alone "$@"
