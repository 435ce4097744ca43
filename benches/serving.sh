#!/usr/bin/env bash
# `serve` and its peer in Python, FastAPI and scikit-learn, serving the same model, loaded by the same program in turn:
# requests a second, median and 99th percentile of the time of an answer, memory of all processes.
#
#   PYTHON=… benches/serving.sh [SECONDS] [CONNECTIONS]
#
# PYTHON has the packages of requirements.txt (the tests' environment will do). Each gets two workers. The peer runs
# twice: with columns computed in plain Python and numpy, and with pandas, as the pipeline was fitted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds="${1:-10}" connections="${2:-32}"
python="${PYTHON:-python3}"
target="${CARGO_TARGET_DIR:-target}"

cargo build --quiet --release -p production --features fit --bin serve --example churn_model --example load
work=$(mktemp -d)
server=""
stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        server=""
    fi
}
trap 'stop; rm -rf "$work"' EXIT
"$target/release/examples/churn_model" "$work/champion.model"

# A process and its children.
family() {
    local child
    echo "$1"
    for child in $(cat "/proc/$1/task/$1/children"); do
        family "$child"
    done
}
ready() {
    for _ in $(seq 600); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n' >&3 &&
            grep -q ok <&3) 2>/dev/null; then
            return
        fi
        sleep 0.1
    done
    echo "port $1 does not answer" >&2
    cat "$work/log" >&2
    exit 1
}
load() {
    # shellcheck disable=SC2046
    echo "$1: $("$target/release/examples/load" "127.0.0.1:$2" "$seconds" "$connections" $(family "$server"))"
}

echo "load average before: $(cut -d' ' -f1-3 /proc/loadavg); $(nproc) cores; $seconds s, $connections connections"
for round in 1 2 3; do
    "$target/release/serve" --models "$work" --address 127.0.0.1:18081 --threads 2 2>"$work/log" &
    server=$!
    ready 18081
    load "round $round, serve  " 18081
    stop
    for rows in array frame; do
        ROWS=$rows MODEL="$work/champion.model" "$python" -m uvicorn --app-dir benches/peers fastapi_serving:app \
            --port 18082 --workers 2 --log-level warning >"$work/log" 2>&1 &
        server=$!
        ready 18082
        load "round $round, fastapi, $rows" 18082
        stop
    done
done
