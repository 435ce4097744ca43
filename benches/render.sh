#!/usr/bin/env bash
# Times `cargo course build` with nothing stale and nothing changed, at 2 chapters and at 100.
#
#     benches/render.sh [OPTION OF course build ...]
#
# The 100 are copies of the book's own two, with their notebooks, so that they weigh what real ones do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
target="${CARGO_TARGET_DIR:-$root/target}"
cargo build -q -p course
course="$target/debug/course"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

book() { # book FOLDER COPIES: the book, with each chapter COPIES times
    local folder="$1" copies="$2"
    mkdir -p "$folder"
    cp -R book.toml Cargo.toml Cargo.lock lib chapters notebooks "$folder"
    [ ! -d src ] || { mkdir -p "$folder/src" && cp -R src/. "$folder/src"; }
    local n name
    for n in $(seq 2 "$copies"); do
        for name in linear-algebra linear-regression; do
            cp "chapters/foundations/$name.md" "$folder/chapters/foundations/$name-$n.md"
            cp "notebooks/foundations/$name.ipynb" "$folder/notebooks/foundations/$name-$n.ipynb"
            echo "- [$name $n](foundations/$name-$n.md)" >>"$folder/chapters/SUMMARY.md"
        done
    done
}

for copies in 1 50; do
    folder="$scratch/$copies"
    book "$folder" "$copies"
    (cd "$folder" && "$course" build "$@" >/dev/null 2>&1) || { cd "$folder" && "$course" build "$@"; }
    times=()
    for _ in 1 2 3 4 5; do
        began=$(date +%s%N)
        (cd "$folder" && "$course" build "$@" >/dev/null 2>&1)
        times+=($((($(date +%s%N) - began) / 1000000)))
    done
    median=$(printf '%s\n' "${times[@]}" | sort -n | sed -n 3p)
    echo "$((2 * copies)) chapters: $median ms (median of ${times[*]} ms)"
done
