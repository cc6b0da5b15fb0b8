# `make` lists what there is. Every target sets itself up: system packages by apt where they are missing.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build demo demo-stop test test-api lint bench fuzz fuzz-short fuzz-build install

CARGO ?= cargo
PREFIX ?= /usr/local
DEMO_DIR ?= target/demo
DEMO_PORT ?= 8338
BENCH_PACKETS ?= 20000
# Seconds for each fuzz target: `make fuzz FUZZ_SECONDS=3600 FUZZ_TARGETS=frame`
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= frame stream datagram dns http tls quic certificate capture store foreign-store line csv list feed event import journal observable datagram_line batch mmdb whitelist ignore config request query

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done

build: ## The release binary, target/release/maltrail, with its page
	@scripts/setup build
	@scripts/web build
	$(CARGO) build --release -p maltrail

demo: build ## A generated day with an incident, replayed, and the page of it on http://127.0.0.1:DEMO_PORT
	$(CARGO) build --release -p testkit
	scripts/demo start target/release/maltrail target/release/testkit $(DEMO_DIR) $(DEMO_PORT)

demo-stop: ## Ends the server of the demo
	scripts/demo stop $(DEMO_DIR)

test: ## Every test: units, properties, cases, house rules, the page in a browser
	@scripts/setup test
	@scripts/web build
	scripts/web test
	if $(CARGO) nextest --version >/dev/null 2>&1; then $(CARGO) nextest run --workspace; else $(CARGO) test --workspace --all-targets; fi
	$(CARGO) test --workspace --doc --quiet
	$(CARGO) build -p maltrail
	scripts/web e2e

test-api: ## The API against its own description (schemathesis; sets up a Python environment under target/)
	@scripts/setup build
	scripts/test-api

lint: ## Formatting, clippy, the page's types and rules, documentation and the dependency tree; warnings are errors
	@scripts/setup build
	$(CARGO) fmt --all -- --check
	scripts/web check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" $(CARGO) doc --workspace --no-deps --document-private-items --quiet
	if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --log-level error check bans licenses sources; else echo "cargo-deny is not installed: dependency tree not checked"; fi

bench: build ## Instructions for each packet by traffic class, written to docs/performance.md (minutes: valgrind)
	@scripts/setup bench
	$(CARGO) build --release -p testkit
	target/release/testkit measure --binary target/release/maltrail --packets $(BENCH_PACKETS) --write docs/performance.md

# Coverage instrumentation as cargo-fuzz sets it, which stable compilers accept; --target keeps it from build scripts.
FUZZ_HOST = $(shell rustc -vV | sed -n 's/^host: //p')
FUZZ_BINARY = fuzz/target/$(FUZZ_HOST)/release/fuzz
FUZZ_FLAGS = --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table

fuzz-build:
	@scripts/setup fuzz
	RUSTFLAGS="$(FUZZ_FLAGS)" $(CARGO) build --manifest-path fuzz/Cargo.toml --release --target $(FUZZ_HOST)
	$(CARGO) run --quiet -p testkit -- seeds --out fuzz/corpus

fuzz: fuzz-build ## Every parser of foreign bytes, FUZZ_SECONDS each; what crashes lands in fuzz/artifacts
	for target in $(FUZZ_TARGETS); do scripts/fuzz-one $(FUZZ_BINARY) $$target $(FUZZ_SECONDS); done

fuzz-short: FUZZ_SECONDS = 4
fuzz-short: fuzz ## The same, a few seconds each

install: build ## maltrail into PREFIX/bin (default /usr/local)
	install -D -m 0755 target/release/maltrail $(DESTDIR)$(PREFIX)/bin/maltrail
