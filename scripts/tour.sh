#!/usr/bin/env bash
# Makes the five-minute tour of README.md: runs every command of it and prints command and output as Markdown.
#
#   scripts/tour.sh           prints the tour
#   scripts/tour.sh --write   puts it into README.md
#   scripts/tour.sh --check   says whether README.md still tells the truth
#
# The program is $EMTA, or target/release/emta. Needs python3 and curl, and the ports that the program uses by default.
set -euo pipefail
cd "$(dirname "$0")/.."

EMTA=$(realpath "${EMTA:-target/release/emta}")
[[ -x $EMTA ]] || { echo "tour: there is no program $EMTA; build it: cargo build --release -p emta" >&2; exit 4; }
PATH=$(dirname "$EMTA"):$PATH
# What the environment sets would change the story.
for variable in "${!EMTA_@}"; do unset "$variable"; done

started=()
work=$(mktemp -d)
finish() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT

# Waits until a file has a line that matches.
await() {
    for _ in $(seq 200); do
        if grep -qs -- "$2" "$1"; then return; fi
        sleep 0.05
    done
    echo "tour: \`$2\` did not appear in the output of a program: $(cat "$1")" >&2
    exit 4
}

say() { { printf "%s\n" "$*" | fold -s -w 110 | sed "s/ *$//"; echo; }; }
block() { printf '```console\n'; cat; printf '```\n\n'; }
# Prints a command and what it prints.
run() { { printf '$ %s\n' "$1"; bash -c "$1"; } 2>&1 | sed 's/[ \t]*$//' | block; }

tour() {
    say "One terminal receives webhooks; another runs the system, with a clock that moves only when told and nothing on" \
        "disk:"
    python3 scripts/tour/receiver.py > "$work/webhooks" & started+=($!)
    local hook='webhooks=[{url: "http://127.0.0.1:9000/", secret: whsec_dGhlIGtleSBvZiB0aGUgdG91ciBvZiBlbXRh}]'
    emta up --seed 7 --data :memory: --clock frozen --clock-start 2026-01-05T09:00:00Z --set "$hook" > "$work/up" & started+=($!)
    await "$work/up" clock
    {
        echo '$ python3 scripts/tour/receiver.py > webhooks.txt &'
        echo '$ emta up --seed 7 --data :memory: --clock frozen --clock-start 2026-01-05T09:00:00Z \'
        echo "      --set '$hook'"
        cat "$work/up"
    } | block

    say "Eight messages are relayed to it, by Python's \`smtplib\`. The local part of each recipient chooses what becomes" \
        "of it (\`scripts/tour/relay.py\`):"
    run 'python3 scripts/tour/relay.py'
    say "Then three and a half days pass. The command (\`POST /api/v1/clock/advance\` with \`{\"by\": \"84h\"}\`) returns when" \
        "all that they set off has settled: retries, reports that came back, webhooks."
    run 'emta clock advance 84h'
    say "The event log tells what happened (\`scripts/tour/story.py\` only shortens it). Greylisting ends at the third" \
        "attempt; \`expired\` is tried after 20 minutes, then ever more rarely, until its 84 hours are over:"
    run 'emta events --export | python3 scripts/tour/story.py'
    say "What came back as mail lies in the bounce mailbox, for campaign systems that read it themselves" \
        "(\`scripts/tour/bounces.py\`, with \`poplib\`):"
    run 'python3 scripts/tour/bounces.py'
    say "Every event was pushed to the webhook as well, signed:"
    { echo '$ sort webhooks.txt | uniq -c'; sort "$work/webhooks" | uniq -c; } | block
    say "Who has no campaign system of their own has one here. \`scripts/tour/campaign.py\` makes a delivery of" \
        "\`scripts/tour/recipients.csv\` over the HTTP API, and shows how the same story looks in the three feedback modes:"
    run 'python3 scripts/tour/campaign.py'
}

section() { sed -n '/^<!-- tour: begin/,/^<!-- tour: end/p' README.md | sed '1d;$d'; }

case ${1:-} in
    "") tour ;;
    --write)
        tour > "$work/tour"
        sed -i -e "/^<!-- tour: begin/r $work/tour" -e '/^<!-- tour: begin/,/^<!-- tour: end/{/^<!-- tour:/!d}' README.md
        ;;
    --check)
        tour > "$work/tour"
        diff -u --label README.md --label 'this program' <(section) "$work/tour" && echo "tour: README.md is up to date"
        ;;
    *) echo "usage: scripts/tour.sh [--write | --check]" >&2; exit 2 ;;
esac
