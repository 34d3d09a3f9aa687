#!/bin/sh
# A throw-away PostgreSQL for the tests of confirm/store.
#
#   SCANWARDEN_TEST_POSTGRES=$(.ci/postgres.sh start)   starts it, or finds it running, and prints its URL
#   .ci/postgres.sh stop                                ends it and removes its data
#
# It listens on a Unix socket in a directory that only its owner may enter, and on no network port.
set -eu

dir=${SCANWARDEN_TEST_POSTGRES_DIR:-${TMPDIR:-/tmp}/scanwarden-postgres-$(id -u)}

bin() {
	for d in /usr/lib/postgresql/*/bin /usr/local/pgsql/bin; do
		if [ -x "$d/initdb" ]; then echo "$d"; return; fi
	done
	if command -v initdb >/dev/null; then dirname "$(command -v initdb)"; fi
}

# initdb and postgres refuse to run as root.
as_owner() {
	if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

install_postgres() {
	if [ "$(id -u)" != 0 ]; then
		echo "postgres.sh: install the package postgresql first, or run this as root" >&2
		exit 1
	fi
	apt-get update -qq >&2
	# Debian would otherwise start a cluster of its own.
	mkdir -p /etc/postgresql-common
	echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql >&2
}

start() {
	if [ -z "$(bin)" ]; then install_postgres; fi
	if ! as_owner "$(bin)/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; then
		rm -rf "$dir"
		mkdir -m 700 "$dir"
		if [ "$(id -u)" = 0 ]; then chown postgres: "$dir"; fi
		as_owner "$(bin)/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-sync >&2
		# Members of this role have to give their password; everybody else is trusted.
		as_owner sed -i '1i local all +needs_password password' "$dir/data/pg_hba.conf"
		as_owner "$(bin)/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
			-o "-c listen_addresses='' -c unix_socket_directories='$dir'" start >&2
	fi
	echo "postgres://postgres@/postgres?host=$dir"
}

stop() {
	if [ -d "$dir/data" ]; then as_owner "$(bin)/pg_ctl" -D "$dir/data" -m immediate stop >&2 || true; fi
	rm -rf "$dir"
}

case ${1:-start} in
start) start ;;
stop) stop ;;
*) echo "usage: postgres.sh [start|stop]" >&2; exit 2 ;;
esac
