#!/usr/bin/env bash
# How well and how fast bounces are read and qualified (`make bench-bounce`): builds and runs the release program
# crates/sandbox/examples/bench_bounce.
#
#   scripts/bench-bounce.sh           prints the figures
#   scripts/bench-bounce.sh --write   puts them into README.md
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp)
trap 'rm -f "$work"' EXIT

figures() { cargo run --quiet --release -p emta-sandbox --example bench_bounce; }

case ${1:-} in
    "") figures ;;
    --write)
        figures > "$work.figures" || { rm -f "$work.figures"; exit 1; }
        {
            printf '### Bounces\n\n'
            printf '%s\n' "What \`make bench-bounce\` prints (\`scripts/bench-bounce.sh\`), here on one core of $(uname -m), Linux, but for the rows of threads. The labels are" \
                "those of the tuning corpora in \`../shared/corpus\`; where we dispute one, [tests/corpus-disagreements.md](tests/corpus-disagreements.md)" \
                'says why. Speeds are the best of many turns (with threads, of five rounds), and what a machine can do is told by mail-parser alone;' \
                'the peak is VmHWM of a process that reads one mail.' ''
            printf '```console\n$ make bench-bounce\n'
            cat "$work.figures"
            printf '```\n\n'
        } > "$work"
        rm -f "$work.figures"
        sed -i -e "/^<!-- bounces: begin/r $work" -e '/^<!-- bounces: begin/,/^<!-- bounces: end/{/^<!-- bounces:/!d}' README.md
        ;;
    *) echo "usage: scripts/bench-bounce.sh [--write]" >&2; exit 2 ;;
esac
