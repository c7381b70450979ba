# `make` alone lists the targets. All need bash and Rust only: what else is missing they install, or say
# how to (MIXBED_NO_INSTALL=1: only say).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo up test monero-versions newcomer build setup fmt lint deny bench fuzz sim chart images cluster cluster-down e2e bench-cluster clean

# What follows the subcommand: make demo ARGS="--help"
ARGS ?=
# In CI the lock file is a promise; at home cargo may complete it.
LOCKED := $(if $(filter true 1,$(CI)),--locked)

help: ## List the targets
	@awk -F ':.*## ' '/^[-a-z0-9]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Set up, build, and send real Monero transactions through a mixnet on this machine (ARGS=...)
	@scripts/setup build monero
	@scripts/step "build (release)" cargo build $(LOCKED) --release -p mixbed
	@cargo run $(LOCKED) --quiet --release -p mixbed -- demo $(ARGS)

up: ## Set up, build, and keep that mixnet running until Ctrl-C (ARGS=...)
	@scripts/setup build monero
	@scripts/step "build (release)" cargo build $(LOCKED) --release -p mixbed
	@cargo run $(LOCKED) --quiet --release -p mixbed -- up $(ARGS)

# The tests come last and nothing is said after them: their results close the output.
test: ## Set up, then lint and run all tests, those against a real monerod included
	@scripts/setup build monero lints tests
	@$(MAKE) --no-print-directory lint
	@scripts/step "compile the tests" cargo test $(LOCKED) --workspace --no-run
	@cargo test $(LOCKED) --workspace

monero-versions: ## Run what depends on Monero with the versions of Debian 12 and 13, other than the one in PATH
	@scripts/setup build monero unpack
	@scripts/monero-versions $(ARGS)

newcomer: ## Try the README's commands on a bare Debian 12 and 13 of its own (root; ARGS="--demo trixie")
	@scripts/setup build unpack
	@scripts/newcomer $(ARGS)

build: ## Build the release binary, target/release/mixbed
	@scripts/setup build
	@scripts/step "build (release)" cargo build $(LOCKED) --release -p mixbed

setup: ## Install whatever any target needs, and say what was found
	@scripts/setup build monero lints fuzz say

fmt: ## Format the code
	@scripts/setup build lints
	@cargo fmt --all

lint: ## Formatting, clippy, documentation, licences: no warning passes
	@scripts/setup build lints
	@scripts/step "formatting" cargo fmt --all --check
	@scripts/step "clippy" cargo clippy $(LOCKED) --workspace --all-targets -- -D warnings
	@RUSTDOCFLAGS="-D warnings" scripts/step "documentation" cargo doc $(LOCKED) --workspace --no-deps
	@scripts/step "shell scripts" scripts/shell
	@scripts/step "tests named in docs" scripts/named-tests
	@scripts/step "chart" scripts/chart --if-installed
	@scripts/step "licences" scripts/deny --if-installed

deny: ## Licences, sources and known vulnerabilities of dependencies; installs cargo-deny once
	@scripts/setup build
	@scripts/deny

bench: ## Measure, print the ratios, and write target/bench.json
	@scripts/setup build monero
	@scripts/step "build (release)" cargo build $(LOCKED) --release -p mixbed -p mixbed-bench
	@cargo run $(LOCKED) --quiet --release -p mixbed-bench -- $(ARGS)

fuzz: ## Fuzz every parser that the network reaches (FUZZ_SECONDS=60 for each; ARGS="frame packet" for some)
	@scripts/setup build fuzz
	@scripts/fuzz $(ARGS)

sim: ## Run 500 clients over 30 nodes for 10 virtual minutes; fails if it takes more than 120 s of CPU (ARGS="--help")
	@scripts/setup build
	@scripts/step "build (release)" cargo build $(LOCKED) --release -p mixbed-sim
	@cargo run $(LOCKED) --quiet --release -p mixbed-sim -- $(if $(ARGS),$(ARGS),--at-most 120)

chart: ## Check the Helm chart, its examples, and what it says to wrong values (ARGS=render: write the examples anew)
	@scripts/step "chart" scripts/chart $(ARGS)

images: build ## Build the container images that the cluster runs, from the release binary and Debian's packages
	@scripts/setup images
	@scripts/step "images" scripts/images $(if $(filter images,$(MAKECMDGOALS)),$(ARGS))

cluster: ## Bring up a one-node Kubernetes on this machine (root), or say that it is up
	@scripts/cluster

cluster-down: ## End that cluster and remove every trace of it (ARGS=--cache: what was built for it too)
	@scripts/cluster-down $(ARGS)

e2e: images ## Install, run and break the product on a real Kubernetes: the suite's own (root), or that of KUBECONFIG
	@[[ -n "$${KUBECONFIG:-}" ]] || scripts/setup cluster
	@scripts/step "compile the cluster tests" cargo test $(LOCKED) --package mixbed-e2e --test cluster --no-run
	@scripts/e2e $(ARGS)

bench-cluster: images ## Measure on that cluster, print, and write target/bench-cluster.json
	@[[ -n "$${KUBECONFIG:-}" ]] || scripts/setup cluster
	@scripts/e2e --bench $(ARGS)

clean: ## Remove what was built
	@cargo clean
