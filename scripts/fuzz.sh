#!/usr/bin/env bash
# Runs the fuzz targets one after the other and says what came of it (`make fuzz`).
#
#   FUZZ_SECONDS=600       how long each runs
#   TARGETS="mail script"  which; all by default
#   EXTRA=DIR              mails that the targets for mail begin with as well
#   RUST_NIGHTLY=nightly   the compiler, which libFuzzer needs
#
# What is found is kept in fuzz/artifacts, what was tried in fuzz/corpus. Ends with 1 if anything was found.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-600}
read -ra targets <<< "${TARGETS:-mail dsn_fields rule_file smtp_server smtp_client script}"
nightly=+${RUST_NIGHTLY:-nightly}

# Octets of the longest input: what a target has to say is said in few, and short ones are tried more often.
declare -A longest=([mail]=16384 [dsn_fields]=8192 [rule_file]=8192 [smtp_server]=2048 [smtp_client]=2048 [script]=512)
for target in "${targets[@]}"; do
    [[ -v "longest[$target]" ]] || { echo "unknown target \`$target\`, expected one of: ${!longest[*]}" >&2; exit 2; }
done

command -v cargo-fuzz > /dev/null || cargo install cargo-fuzz --locked
export CARGO_TARGET_DIR=$PWD/fuzz/target
cargo run --quiet --manifest-path fuzz/seeds/Cargo.toml -- fuzz/corpus
cargo "$nightly" fuzz build

# The last figure behind a word of libFuzzer's log.
figure() { grep -oP "$1:? +\K[0-9]+" "$2" | tail -n 1 || true; }

failed=0
printf '%-12s %12s %9s %9s %9s  %s\n' target executions coverage features inputs findings
for target in "${targets[@]}"; do
    log=fuzz/artifacts/$target.log
    mkdir -p "fuzz/artifacts/$target"
    folders=("fuzz/corpus/$target")
    [[ -z "${EXTRA:-}" || $target != mail ]] || folders+=("$EXTRA")
    options=("-max_total_time=$seconds" "-max_len=${longest[$target]}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1)
    # What is made up of few octets has few fields: long inputs from the beginning.
    [[ $target != dsn_fields ]] || options+=(-len_control=0)
    [[ ! -f fuzz/dictionaries/$target.dict ]] || options+=("-dict=fuzz/dictionaries/$target.dict")
    found=none
    if ! cargo "$nightly" fuzz run "$target" "${folders[@]}" -- "${options[@]}" > "$log" 2>&1; then
        found=$(grep -oP 'Test unit written to \K.*' "$log" | tail -n 1 || true)
        found="${found:-no input} (see $log)"
        failed=1
    fi
    printf '%-12s %12s %9s %9s %9s  %s\n' "$target" "$(figure 'number_of_executed_units' "$log")" \
        "$(figure cov "$log")" "$(figure ft "$log")" "$(find "fuzz/corpus/$target" -type f | wc -l)" "$found"
done
exit "$failed"
