#!/usr/bin/env bash
# Makes the figures of README.md: runs `emta demo` and prints what it says, with the machine's size.
#
#   scripts/figures.sh           prints the figures
#   scripts/figures.sh --write   puts them into README.md
#
# The program is $EMTA, or target/release/emta.
set -euo pipefail
cd "$(dirname "$0")/.."

EMTA=${EMTA:-target/release/emta}
[[ -x $EMTA ]] || { echo "figures: there is no program $EMTA; build it: cargo build --release -p emta" >&2; exit 4; }
for variable in "${!EMTA_@}"; do unset "$variable"; done
work=$(mktemp)
trap 'rm -f "$work"' EXIT

figures() {
    printf '%s\n' "What \`make demo\` prints (\`scripts/figures.sh\`), here on $(nproc) cores of $(uname -m), Linux. The same seed prints" \
        "the same figures everywhere, but for the seconds in the last line:" ''
    printf '```console\n$ emta demo\n'
    "$EMTA" demo 2> /dev/null
    printf '```\n\n'
}

case ${1:-} in
    "") figures ;;
    --write)
        figures > "$work"
        sed -i -e "/^<!-- figures: begin/r $work" -e '/^<!-- figures: begin/,/^<!-- figures: end/{/^<!-- figures:/!d}' README.md
        ;;
    *) echo "usage: scripts/figures.sh [--write]" >&2; exit 2 ;;
esac
