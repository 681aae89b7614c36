# shellcheck shell=bash
# How a peer is started and stopped, for its program `run`, which sources this from its own folder.
#
# What `run` needs from its environment is in README.md.

# A process may take so many tenths of a second to be ready.
readonly PATIENCE=600

: "${UPSTREAM_URL:?say where the model server is, as in http://127.0.0.1:9000/v1}"
: "${PORT:?say on which port the gateway shall listen}"
export REDIS_URL UPSTREAM_URL PORT

give_up() {
    printf 'run: %s\n' "$*" >&2
    exit 1
}

listens() { (exec 4<> "/dev/tcp/127.0.0.1/$PORT") 2> /dev/null; }
if listens; then give_up "something else listens on port $PORT"; fi

# A socket is a file, and thousands of clients come.
ulimit -S -n "$(ulimit -H -n)"

names=()
pids=()
# All end by themselves when they are asked to.
stop() {
    trap - EXIT
    for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done
    wait
}
trap stop EXIT
trap exit INT TERM

# needs FILE: one of the peer's packages is there.
needs() { [ -e "$1" ] || give_up 'its packages are missing: scripts/install peers'; }

# worker COMMAND…: starts the worker, and waits until it says `ready`.
worker() {
    local ready=
    coproc said { exec "$@"; }
    names+=(worker)
    pids+=("$!")
    read -r -t "$((PATIENCE / 10))" ready <&"${said[0]}" || true
    [ "$ready" = ready ] || give_up 'the worker did not get ready'
}

# gateway COMMAND…: starts the gateway, and waits until it listens.
gateway() {
    "$@" >&2 &
    names+=(gateway)
    pids+=("$!")
    for _ in $(seq "$PATIENCE"); do
        if listens || ! kill -0 "${pids[-1]}"; then break; fi
        sleep 0.1
    done
    listens || give_up "the gateway does not listen on port $PORT"
}

# Says which processes count, and waits until one of them ends, or this is stopped.
serve() {
    local number
    for number in "${!pids[@]}"; do echo "${names[number]} ${pids[number]}"; done
    wait -n "${pids[@]}"
}
