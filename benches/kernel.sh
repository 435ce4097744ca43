#!/usr/bin/env bash
# Times the course's kernel beside stock evcxr_jupyter, both driven by nbclient on the same notebook, in one run.
#
#   benches/kernel.sh [--install-stock | --ours] [--repeats N] [NOTEBOOK]
#
# --ours times the course's kernel alone, warm, which is enough for a chapter's budget.
# NOTEBOOK is notebooks/foundations/linear-regression.ipynb unless given. Stock is the evcxr_jupyter on PATH or one
# installed by --install-stock (a build of about ten minutes); without either, it is the course's own binary with
# COURSE_STOCK=1, which runs the same library without any of the course's preparation.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ml-fullstack
notebook=$root/notebooks/foundations/linear-regression.ipynb
repeats=3
ours=
version=0.22.0
while [ $# -gt 0 ]; do
    case $1 in
        --install-stock)
            cargo install --locked evcxr_jupyter --version "$version" --root "$cache/stock"
            shift ;;
        --ours) ours=--ours; shift ;;
        --repeats) repeats=$2; shift 2 ;;
        -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit ;;
        *) notebook=$(cd "$(dirname "$1")" && pwd)/$(basename "$1"); shift ;;
    esac
done
[ -f "$notebook" ] || { echo "no notebook $notebook" >&2; exit 1; }

python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3 "$cache"/python/*/bin/python "$cache"/bench/bin/python; do
        if "$candidate" -c 'import nbclient' 2>/dev/null; then python=$candidate; break; fi
    done
fi
if [ -z "$python" ]; then
    python3 -m venv "$cache/bench"
    "$cache/bench/bin/pip" --quiet install --require-hashes -r "$root/requirements.txt"
    python=$cache/bench/bin/python
fi

cd "$root"
cargo build --quiet --locked -p kernel --features evcxr --profile kernel
cargo run --quiet --locked -p kernel --example warm -- "$notebook" >/dev/null
kernel=${CARGO_TARGET_DIR:-$root/target}/kernel/course-kernel
stock=$cache/stock/bin/evcxr_jupyter
[ -x "$stock" ] || stock=$(command -v evcxr_jupyter || true)

exec "$python" "$root/benches/kernel.py" --root "$root" --notebook "$notebook" --repeats "$repeats" \
    --kernel "$kernel" ${stock:+--stock "$stock"} $ours
