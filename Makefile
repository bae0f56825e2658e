.DEFAULT_GOAL := help
.PHONY: help build demo tour test bench bench-bounce bench-peers bench-queued bench-scale counts fuzz ci fmt clippy doc deny setup

help:  ## Explain every target
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build:  ## Build the program: target/release/emta
	cargo build --release -p emta

demo: build  ## A campaign of 2,000 recipients, 84 hours of it, in seconds
	target/release/emta demo

tour: build  ## Run every command of the README's tour, and check that the README tells the truth
	EMTA=target/release/emta scripts/tour.sh --check

test: setup  ## Run all tests (installs swaks and python3 on Debian, as root)
	cargo test --workspace

bench-bounce:  ## How well and how fast bounces are read and qualified, on one core
	@scripts/bench-bounce.sh

bench:  ## How fast mail is taken in, relayed and told of, against Postfix and the machine's limit
	@scripts/setup.sh python3 smtp-source smtp-sink
	@scripts/bench/run.py

bench-peers:  ## emta beside Postfix, Exim and OpenSMTPD, the last two unpacked from Debian (as root)
	@scripts/setup.sh python3 smtp-source smtp-sink
	@scripts/bench/peers.py

bench-queued:  ## Memory, disk and start with ten million queued messages (8 GB of disk)
	@scripts/setup.sh python3 smtp-source smtp-sink
	@scripts/bench/run.py queued

bench-scale:  ## What a simulation costs for 10 k, 100 k, 1 M and 10 M recipients
	@scripts/bench/scale.py

counts:  ## Instructions of one message in, one out, one bounce read, one text qualified, against the recorded counts
	@scripts/setup.sh valgrind
	@scripts/bench/counts.sh

fuzz:  ## Fuzz whatever reads bytes from outside: FUZZ_SECONDS=600 each, TARGETS="mail dsn_fields"
	@scripts/fuzz.sh

ci: fmt clippy doc test counts  ## What CI runs: formatting, lints, documentation, tests, instruction counts

fmt:  ## Check the formatting
	cargo fmt --all --check

clippy:  ## Lint everything; warnings are errors
	cargo clippy --workspace --all-targets -- -D warnings

doc: setup  ## Build the documentation, warnings are errors; hold ARCHITECTURE.md to the tree
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	python3 scripts/check-names.py

deny:  ## Check licences, duplicates and sources of the dependencies (builds cargo-deny the first time)
	@scripts/setup.sh cargo-deny
	PATH="$$PATH:$(CURDIR)/target/tools/bin" cargo-deny check bans licenses sources

setup:  ## Install what the tests need beside Rust
	@scripts/setup.sh python3 swaks
