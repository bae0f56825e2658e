#!/usr/bin/env bash
# Sees to what the tests need beside Rust: python3 (smtplib, poplib) and swaks relay mail and read the bounce mailbox as
# foreign programs. Installs what is missing on Debian when run as root; says what to do otherwise.
set -euo pipefail

missing=()
for tool in python3 swaks; do
    command -v "$tool" > /dev/null || missing+=("$tool")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

if [[ $(id -u) -eq 0 ]] && command -v apt-get > /dev/null; then
    echo "setup: installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq < /dev/null
    apt-get install -y -qq --no-install-recommends "${missing[@]}" < /dev/null > /dev/null
else
    echo "setup: the tests need ${missing[*]}; install with: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
