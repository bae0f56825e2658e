#!/usr/bin/env bash
# Sees to what the project's commands need beside Rust: `scripts/setup.sh TOOL...` installs the tools that are missing, on
# Debian when run as root; says what to do otherwise.
#
#   python3, swaks            the tests: foreign programs that relay mail and read the bounce mailbox
#   valgrind                  the counts of instructions
#   smtp-source, smtp-sink    the benches: Postfix's load generator and its counterpart
#   cargo-deny                licences and duplicates of dependencies; built into target/tools, in minutes
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:/usr/sbin:/sbin:$root/target/tools/bin

readonly CARGO_DENY=0.20.2

# Whether a tool is here with all that the tests use of it: Debian only recommends swaks what it needs for TLS.
is_here() {
    command -v "$1" > /dev/null && { [[ $1 != swaks ]] || perl -MNet::SSLeay -e 1 2> /dev/null; }
}

missing=()
for tool in "$@"; do
    is_here "$tool" && continue
    case $tool in
        cargo-deny)
            echo "setup: building cargo-deny $CARGO_DENY"
            cargo install cargo-deny --quiet --version "$CARGO_DENY" --locked --no-default-features --root "$root/target/tools"
            continue
            ;;
        smtp-source | smtp-sink) packages=(postfix) ;;
        swaks) packages=(swaks libnet-ssleay-perl) ;;
        *) packages=("$tool") ;;
    esac
    for package in "${packages[@]}"; do
        [[ " ${missing[*]-} " == *" $package "* ]] || missing+=("$package")
    done
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

if [[ $(id -u) -eq 0 ]] && command -v apt-get > /dev/null; then
    echo "setup: installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq < /dev/null
    apt-get install -y -qq --no-install-recommends "${missing[@]}" < /dev/null > /dev/null
else
    echo "setup: missing ${missing[*]}; install with: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
