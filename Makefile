# Two commands do all the set-up by themselves: `make demo` and `make test`. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
# Where it is set, each of the lab's hundreds of commands compiles its 160 modules again.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv itself comes by pip, with its hashes.
LOCK := requirements.lock
MINUTES ?= 15
SEED ?= 1
FILES ?=
ROW ?=
HYPOTHESIS_SEED ?=
# How many tests in the lab `make test` must at least have run: a few fewer than there are, so raise it with them.
LAB_TESTS := 180
LAB_TESTS_ALONE := 38
STAMP := $(VENV)/.installed
# What the lab needs of the machine, by program and Debian package.
LAB_PROGRAMS := systemd-nspawn:systemd-container mmdebstrap:mmdebstrap nft:nftables ip:iproute2 ping:iputils-ping \
	dpkg-scanpackages:dpkg-dev ethtool:ethtool ssh:openssh-client nc:netcat-openbsd

# And what its virtual machines need beside that.
VM_PROGRAMS := qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils mke2fs:e2fsprogs
test test-long test-vm world: LAB_PROGRAMS += $(VM_PROGRAMS)

.PHONY: help setup lab-setup demo test test-long test-vm test-status world check format docs docs-lab lock bench bench-peers kills clean

help:  ## show this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(STAMP)  ## install dockmesh into .venv, from the hashed lock

$(STAMP): $(LOCK) requirements-uv.txt pyproject.toml
	@if [ ! -x $(BIN)/python ]; then
	  if ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then
	    if [ "$$(id -u)" != 0 ]; then echo "Python's venv is missing; as root: apt-get install python3-venv" >&2; exit 1; fi
	    echo "installing python3-venv (Debian package)"
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
	  fi
	  echo "making $(VENV) with $$($(PYTHON) --version)"
	  $(PYTHON) -m venv $(VENV)
	fi
	echo "installing uv and the locked Python packages into $(VENV)"
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(LOCK)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

lab-setup: setup  ## install what the lab needs of this machine (Debian packages; as root)
	@missing=
	for pair in $(LAB_PROGRAMS); do
	  PATH=$$PATH:/usr/sbin:/sbin command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair##*:}"
	done
	if [ -n "$$missing" ]; then
	  if [ "$$(id -u)" != 0 ]; then echo "the lab needs these Debian packages; as root: apt-get install$$missing" >&2; exit 1; fi
	  echo "installing Debian packages:$$missing"
	  apt-get update -qq
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null
	fi

demo: lab-setup  ## three bare hosts on this machine: apply, ping, stop one in the middle, all shown (as root)
	@$(BIN)/python demo/demo.py

test: lab-setup  ## everything: check, then the lab (as root)
	@$(MAKE) --no-print-directory check
	$(BIN)/pytest --quiet --numprocesses auto --dist worksteal -m 'exhaustive and not long' tests/unit
	$(BIN)/pytest --quiet --numprocesses auto --dist worksteal --hypothesis-profile=longer tests/property
	$(BIN)/pytest --verbose --numprocesses 2 --dist loadfile --no-loadscope-reorder --must-run $(LAB_TESTS) -m 'not long and not alone' tests/lab
	$(BIN)/pytest --verbose --must-run $(LAB_TESTS_ALONE) -m 'not long and alone' tests/lab

test-long: lab-setup  ## what make test leaves out; goes on where it stood; FILES="tests/lab/test_x.py" for some (as root)
	@if [ -z "$(FILES)" ]; then
	  seed=$(or $(HYPOTHESIS_SEED),$$RANDOM$$RANDOM)
	  echo "property tests with examples of their own: make test-long HYPOTHESIS_SEED=$$seed makes the same again"
	  $(BIN)/pytest --quiet --numprocesses auto --dist worksteal --hypothesis-profile=exploring --hypothesis-seed=$$seed tests/property
	fi
	$(BIN)/python -m tools.long_tests long $(FILES)

test-vm: lab-setup  ## all tests on virtual machines with the distribution's kernel; goes on and takes FILES like test-long (as root)
	@$(BIN)/python -m tools.long_tests vm $(FILES)

test-status: setup  ## which long tests, tests on virtual machines and kills have no green run of these sources
	@$(BIN)/python -m tools.long_tests status

world: lab-setup  ## one row of docs/reference/tested.md the whole way, ROW=NAME; without, all that were not run (as root)
	@$(BIN)/python tools/world.py $(ROW)

check: setup  ## format, lint, types, unit tests; no root
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --diff .; exit 1; }
	$(BIN)/ruff check --quiet .
	@# The types beside the tests: on a fresh clone mypy takes twenty seconds of one processor.
	@$(BIN)/mypy --no-error-summary & types=$$!; \
	  $(BIN)/pytest --quiet --numprocesses auto --dist worksteal -m 'not exhaustive and not long' tests/unit tests/cases tests/property; \
	  tests=$$?; wait $$types && exit $$tests

format: setup  ## put the code into its form
	@$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

docs: setup  ## write the made pages, tables and outputs of docs/
	@$(BIN)/python -m tools.reference

docs-lab: lab-setup  ## run what pages and pictures show of hosts, in labs, and write what came out (as root)
	@$(BIN)/python -m tools.lab_outputs
	$(BIN)/python docs/pictures/make.py
	@$(MAKE) --no-print-directory docs

lock: setup  ## resolve the dependencies again into the lock
	@$(BIN)/uv pip compile --quiet --generate-hashes --universal --no-header --no-annotate --no-emit-index-url \
	  --no-emit-find-links --python-version 3.11 pyproject.toml --group dev -o $(LOCK)

bench: lab-setup  ## measure, and write the tables in bench/ (as root)
	@$(BIN)/python -m bench.run

bench-peers: lab-setup  ## measure dockmesh beside others, and write bench/peers.md (as root)
	@$(BIN)/python -m bench.peers --out bench

kills: lab-setup  ## kill at random moments in a lab, for MINUTES=15, with SEED=1, and see what becomes of it (as root)
	@$(BIN)/python -m tools.long_tests kills --minutes $(MINUTES) --seed $(SEED)

clean:  ## remove what was made here; the lab's image cache stays
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
