# Two verbs matter: `make demo` and `make test`. Both install what is missing and ask nothing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
P4C ?=
PACKETS ?= 1000000

RUN_PACKAGES := clang ethtool iproute2 libbpf-dev libbpf1 linux-libc-dev llvm python3-venv
LAB_PACKAGES := bpftool iperf3 iputils-ping
TEST_PACKAGES := chromium fonts-inter openssl tshark

# What holds every branch of pfcp/ to account.
PFCP_TESTS := tests/pfcp tests/fuzz

.DEFAULT_GOAL := help
.PHONY: help demo test check fix p4 tofino bench bench-n4 bench-restart bench-writes bench-slices bench-sweep bench-cores bench-policing bench-scale bench-xdp differential docs packages-run packages-lab packages-test clean

help:  ## Show this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  \033[1mmake %-12s \033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: packages-lab $(VENV)/installed  ## The main job, seen working: a PDU session through the P4 program on this host
	@$(BIN)/upf demo $(DEMO_OPTIONS)

test: packages-test $(VENV)/installed check  ## Everything that can be tested here
	$(BIN)/pytest $(PFCP_TESTS) --cov=pfcp --cov-branch --cov-fail-under=100 --cov-report=term:skip-covered
	$(BIN)/pytest $(PFCP_TESTS:%=--ignore=%) $(PYTEST_OPTIONS)

check: $(VENV)/installed  ## Style, types and the arrows between rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed  ## How fast PFCP is decoded and encoded here, beside scapy and pycrate
	$(BIN)/python -m testbed.bench.pfcp $(BENCH_OPTIONS)

differential: packages-test $(VENV)/installed  ## Interpreter against XDP on random entries and packets: make differential PACKETS=1000000
	$(BIN)/python -m testbed.differential --packets $(PACKETS) $(DIFFERENTIAL_OPTIONS)

bench-slices: packages-lab $(VENV)/installed  ## 500 slice changes a second for 30 s, sessions and traffic going on
	$(BIN)/python -m testbed.bench.slices $(BENCH_OPTIONS)

bench-restart: packages-lab $(VENV)/installed  ## How long a killed UPF with 100,000 sessions is away
	$(BIN)/python -m testbed.bench.restart $(BENCH_OPTIONS)

bench-n4: packages-lab $(VENV)/installed  ## How fast sessions are established, modified and deleted
	$(BIN)/python -m testbed.bench.n4 $(BENCH_OPTIONS)

bench-writes: packages-lab $(VENV)/installed  ## How fast entries are written to the Linux switch over P4Runtime
	$(BIN)/python -m testbed.bench.writes $(BENCH_OPTIONS)

bench-sweep: packages-lab $(VENV)/installed  ## What a sweep over the usage of 100,000 sessions costs
	$(BIN)/python -m testbed.bench.sweep $(BENCH_OPTIONS)

bench-cores: packages-lab $(VENV)/installed  ## How much faster two cores forward than one
	$(BIN)/python -m testbed.bench.forwarding.cores $(BENCH_OPTIONS)

bench-policing: packages-lab $(VENV)/installed  ## Whether meters keep their rates, from 1 kbit/s to 40 Gbit/s
	$(BIN)/python -m testbed.bench.policing $(BENCH_OPTIONS)

bench-scale: packages-lab $(VENV)/installed  ## 1,000,000 sessions in the switch: memory, and reading 100,000 sessions' counters
	$(BIN)/python -m testbed.bench.scale $(BENCH_OPTIONS)

bench-xdp: packages-lab $(VENV)/installed  ## How fast packets are forwarded, against a bare XDP redirect
	$(BIN)/python -m testbed.bench.forwarding $(BENCH_OPTIONS)

fix: $(VENV)/installed  ## Let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

p4: $(VENV)/installed  ## Compile p4/upf.p4 to P4Info and XDP (p4/build)
	$(BIN)/p4xdp compile p4/upf.p4 -o p4/build

docs: $(VENV)/installed  ## The documentation as a site (out/site)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

tofino:  ## Compile p4/upf.p4 for Tofino 1 and 2 with your p4c: make tofino P4C=/path/to/p4c
	@test -n "$(P4C)" || { echo 'say where your p4c is: make tofino P4C=/path/to/p4c'; exit 2; }
	mkdir -p out/tofino out/tofino2
	$(P4C) --target tofino --arch tna --p4runtime-force-std-externs \
	    --p4runtime-files out/tofino/upf.p4info.txtpb -o out/tofino p4/upf.p4
	$(P4C) --target tofino2 --arch t2na --p4runtime-force-std-externs \
	    --p4runtime-files out/tofino2/upf.p4info.txtpb -o out/tofino2 p4/upf.p4

# A virtual environment of our own, made again when the list of dependencies changes.
$(VENV)/installed: pyproject.toml | packages-run
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

packages-run: ; @./packages.sh $(RUN_PACKAGES)
packages-lab: ; @./packages.sh $(RUN_PACKAGES) $(LAB_PACKAGES)
packages-test: ; @./packages.sh $(RUN_PACKAGES) $(LAB_PACKAGES) $(TEST_PACKAGES)

clean:  ## Remove what was installed or built in this folder
	rm -rf $(VENV) out dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
