#!/bin/sh
# Runs a command in a D-Bus session of its own, with an unlocked keyring that is thrown away afterwards:
#
#   SCANWARDEN_TEST_KEYRING=1 .ci/keyring.sh go test ./defender/entra
#
# Nothing of the user's own session or keyring is touched.
set -eu

if [ "${1:-}" != --inside ]; then
	for tool in dbus-run-session gnome-keyring-daemon; do
		if command -v "$tool" >/dev/null; then continue; fi
		if [ "$(id -u)" != 0 ]; then
			echo "keyring.sh: install the packages dbus and gnome-keyring first, or run this as root" >&2
			exit 1
		fi
		apt-get update -qq >&2
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends dbus gnome-keyring >&2
	done
	XDG_DATA_HOME=$(mktemp -d)
	trap 'rm -rf "$XDG_DATA_HOME"' EXIT
	export XDG_DATA_HOME XDG_RUNTIME_DIR="$XDG_DATA_HOME"
	dbus-run-session -- "$0" --inside "$@"
	exit
fi

shift
owned() {
	dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
		string:org.freedesktop.secrets | grep -q 'boolean true'
}
# The password of the new keyring is the line on standard input.
echo throwaway | gnome-keyring-daemon --unlock --foreground --components=secrets >/dev/null 2>&1 &
daemon=$!
trap 'kill "$daemon" 2>/dev/null; wait "$daemon" || true' EXIT
tries=0
until owned; do
	tries=$((tries + 1))
	if [ "$tries" -gt 100 ]; then
		echo "keyring.sh: gnome-keyring-daemon did not come up within 10 seconds" >&2
		exit 1
	fi
	sleep 0.1
done
"$@"
