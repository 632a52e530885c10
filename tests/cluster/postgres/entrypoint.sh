#!/bin/sh
# Makes the database on an empty volume, then becomes the server. A start that was cut short leaves nothing half made:
# the folder gets its name last.
set -eu

case "${1:-postgres}" in -*) set -- postgres "$@" ;; esac
if [ "$1" != postgres ]; then exec "$@"; fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?Set POSTGRES_PASSWORD to a password that is not empty}"
    user="${POSTGRES_USER:-postgres}"
    database="${POSTGRES_DB:-$user}"
    making="$(dirname "$PGDATA")/.making-$(basename "$PGDATA")"
    password="$(mktemp)"
    trap 'rm -f "$password"' EXIT
    printf '%s\n' "$POSTGRES_PASSWORD" > "$password"
    rm -rf "$making"
    if [ "$(basename "$PGDATA")" = data ]; then making="$PGDATA"; fi
    initdb --pgdata="$making" --username="$user" --pwfile="$password" --encoding=UTF8 \
        --auth-local=trust --auth-host=scram-sha-256 > /dev/null
    echo "host all all all scram-sha-256" >> "$making/pg_hba.conf"
    if [ "$database" != postgres ]; then
        pg_ctl --pgdata="$making" --silent --wait --options="-c listen_addresses='' -k /tmp" start
        createdb --host=/tmp --username="$user" "$database"
        pg_ctl --pgdata="$making" --silent --wait --mode=fast stop
    fi
    if [ "$making" != "$PGDATA" ]; then
        rm -rf "$PGDATA"
        mv "$making" "$PGDATA"
    fi
    rm -f "$password"
fi
exec "$@" -c listen_addresses='*' -k /var/run/postgresql
