#!/usr/bin/env bash
# Builds the Dockerfile's image, runs it as its user, asks it for a prediction, and stops it.
#
#   lib/production/deploy/image.sh [CACHE]
#
# For a machine without a container registry: debootstrap makes the two bases, and Rust and its crates are this
# machine's own, lent to the build. It needs root, buildah, debootstrap, cargo and python3. CACHE keeps the bases and
# what was compiled.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
cache="${1:-${XDG_CACHE_HOME:-$HOME/.cache}/ml-fullstack/image}"
limit=60000000 # bytes beyond the base

need() {
    echo "skipped: the image needs $1"
    if [ "${COURSE_REQUIRE_ALL:-}" = 1 ]; then
        exit 1
    fi
    exit 0
}
[ "$(id -u)" -eq 0 ] || need "root"
for program in buildah debootstrap cargo python3; do
    command -v "$program" >/dev/null || need "$program"
done

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
work=$(mktemp -d)
storage=(--storage-driver vfs --root "$work/root" --runroot "$work/run")
served=""
finish() {
    if [ -n "$served" ]; then
        kill "$served" 2>/dev/null || true
        wait "$served" 2>/dev/null || true
    fi
    buildah "${storage[@]}" umount --all >/dev/null 2>&1 || true
    buildah "${storage[@]}" rm --all >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT

# A folder with a small Debian, made once: under another name first, so that it is never there by half.
base() { # NAME PACKAGES
    if [ ! -d "$cache/$1" ]; then
        rm -rf "$cache/$1.part"
        mkdir -p "$cache/debs"
        debootstrap --variant=minbase --cache-dir="$cache/debs" ${2:+--include="$2"} bookworm "$cache/$1.part" \
            >"$work/debootstrap.log" || { tail -20 "$work/debootstrap.log" >&2; exit 1; }
        rm -rf "$cache/$1.part"/var/cache/apt/archives/*.deb "$cache/$1.part"/var/lib/apt/lists/*
        mv "$cache/$1.part" "$cache/$1"
    fi
}
image() { # NAME FOLDER [CONFIGURATION…]: an image of a folder
    local name="$1" folder="$2" container
    shift 2
    container=$(buildah "${storage[@]}" from scratch)
    buildah "${storage[@]}" add -q "$container" "$folder" / >/dev/null
    buildah "${storage[@]}" config "$@" "$container"
    buildah "${storage[@]}" commit -q "$container" "localhost/$name" >/dev/null
    buildah "${storage[@]}" rm "$container" >/dev/null
}
base slim ""
base compiler gcc,libc6-dev
image base "$cache/slim" --cmd sh
image rust "$cache/compiler" --env PATH=/opt/rust/bin:/usr/bin:/bin --env CARGO_HOME=/opt/cargo --env RUSTC=/opt/rust/bin/rustc

# the Dockerfile, as it stands
mkdir -p "$cache/target"
cargo fetch --locked --quiet
buildah "${storage[@]}" build --isolation chroot --format docker -t localhost/churn \
    --build-arg BUILD=localhost/rust --build-arg BASE=localhost/base \
    --volume "$(rustc --print sysroot):/opt/rust:ro" \
    --volume "${CARGO_HOME:-$HOME/.cargo}/registry:/opt/cargo/registry" \
    --volume "$cache/target:/src/target" \
    . >"$work/build.log" 2>&1 || { tail -40 "$work/build.log" >&2; exit 1; }

size() { buildah "${storage[@]}" images --json "localhost/$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["size"])'; }
inspect() { buildah "${storage[@]}" inspect --type image --format "{{.$1}}" localhost/churn; }
container=$(buildah "${storage[@]}" from localhost/churn)
root=$(buildah "${storage[@]}" mount "$container")
added=$(du -sbc "$root/usr/local/bin/serve" "$root/models" | tail -1 | cut -f1)
user=$(inspect OCIv1.Config.User)
echo "the image has $(size churn), its base $(size base); program and model are $added bytes; user $user"
[ "$added" -lt "$limit" ] || { echo "more than $limit bytes beyond the base" >&2; exit 1; }
[ "$user" = 10001:10001 ] || { echo "the user is $user" >&2; exit 1; }

# run as the image says: its root, its user, its command, its environment
as_user() { chroot --userspec="$user" "$root" "$@"; }
chroot --userspec="$user" "$root" /usr/bin/env SERVE_DRAIN=5 SERVE_ADDRESS=127.0.0.1:$port \
    serve --models /models 2>"$work/log" &
served=$!
for _ in $(seq 100); do
    as_user serve check 127.0.0.1:$port >/dev/null && break
    sleep 0.1
done
as_user serve check 127.0.0.1:$port
[ "$(stat -c %u "/proc/$served")" = 10001 ] || { echo "the process is not the user's" >&2; exit 1; }
if as_user sh -c 'touch /models/x || touch /usr/local/bin/x' 2>/dev/null; then
    echo "the service may write its own files" >&2
    exit 1
fi

# the answer is the notebook's number
python3 - "$port" notebooks/frameworks/churn-pipeline.ipynb <<'PYTHON'
import json, sys, urllib.request

def ask(path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}{path}", body and json.dumps(body).encode())
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)

example = ask("/openapi.json")["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
got = ask("/predict", example)["prediction"]
cells = json.load(open(sys.argv[2], encoding="utf-8"))["cells"]
bundles = [bundle for cell in cells for output in cell.get("outputs", []) for bundle in output.get("data", {}).values()]
named = [bundle["results"] for bundle in bundles if isinstance(bundle, dict) and "results" in bundle]
want = next(r["serving.probability"]["value"] for r in named if "serving.probability" in r)
print(f"the image answers {got!r}, the notebook says {want!r}")
sys.exit(abs(got - want) > 1e-9 * want)
PYTHON

kill -TERM "$served"
code=0
wait "$served" || code=$?
served=""
[ "$code" -eq 0 ] || { echo "it ended with $code" >&2; cat "$work/log" >&2; exit 1; }
echo "it ended when it was told to"
