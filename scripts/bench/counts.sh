#!/usr/bin/env bash
# Counts the instructions of one message in, one message out, one bounce read and one text qualified, under callgrind, and
# holds them against scripts/bench/counts.txt: more than 10 % over a recorded count fails (`make ci`).
#
#   scripts/bench/counts.sh           counts and compares
#   scripts/bench/counts.sh --write   records what is counted
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly TIMES=100   # as in crates/sandbox/examples/bench_counts.rs
readonly RECORD=scripts/bench/counts.txt

command -v valgrind > /dev/null || { echo 'counts: valgrind is missing; `make counts` installs it' >&2; exit 1; }
cargo build --quiet --release -p emta-sandbox --example bench_counts
program=${CARGO_TARGET_DIR:-target}/release/examples/bench_counts
out=$(mktemp)
trap 'rm -f "$out"' EXIT
valgrind --quiet --tool=callgrind --callgrind-out-file="$out" --toggle-collect='*count_*' "$program" 2> "$out.log" ||
    { cat "$out.log" >&2; exit 1; }
rm -f "$out.log"

# Lines of callgrind_annotate: `123,456 (12.3%)  file:bench_counts::count_message_in [program]`.
# It warns of lines without counts, which is no matter.
counted=$(callgrind_annotate --inclusive=yes --threshold=100 "$out" 2> /dev/null |
    sed -nE 's/^ *([0-9,]+) .*:bench_counts::count_([a-z_]+).*/\2 \1/p' | tr -d , |
    awk -v times=$TIMES '!seen[$1]++ { printf "%s %d\n", $1, $2 / times }' | sort)

case ${1:-} in
    "") ;;
    --write) echo "$counted" > $RECORD; cat $RECORD; exit 0 ;;
    *) echo "usage: scripts/bench/counts.sh [--write]" >&2; exit 2 ;;
esac
join -a 1 $RECORD <(echo "$counted") | awk '
    NF < 3 { printf "%-16s was not counted\n", $1; failed = 1; next }
    {
        change = ($3 - $2) * 100 / $2
        printf "%-16s %9d instructions, recorded %9d (%+.1f %%)%s\n", $1, $3, $2, change, (change > 10 ? "  TOO MANY" : "")
        if (change > 10) failed = 1
        if (change < -10) better = 1
    }
    END {
        if (better) print "some counts fell by more than 10 %: record them with scripts/bench/counts.sh --write"
        exit failed
    }'
