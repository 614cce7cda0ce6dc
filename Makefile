# Two commands prove everything: `make reproduce` and `make test`. See README.md.
PYTHON ?= python3.11
BIN := .venv/bin
OUT ?= runs/table-1.3-digits
# A smaller job for CI: make reproduce REPRODUCE="--samples 8 --seeds 2 --epochs 6" OUT=runs/ci
REPRODUCE ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: reproduce test test-slow test-browser test-latex test-arm test-slurm soak fuzz lint types install native results tables api clean

reproduce: .venv/installed
	$(BIN)/invsearch reproduce 1.3 --dataset digits --out $(OUT) $(REPRODUCE)

test: .venv/installed lint types
	$(BIN)/pytest -m "not slow and not browser and not latex" -n 2

# Two files at once: they spend half of their time waiting for Ray to start or for something to die, and the tests of a
# file share what takes long to make.
test-slow: .venv/installed
	$(BIN)/pytest -m slow -n 2 --dist loadfile

# The report in Chromium; screenshots are left in SHOTS.
SHOTS ?= build/screenshots
test-browser: .venv/installed
	@test -x /usr/bin/chromium && test -x /usr/bin/chromedriver || { \
	  test "$$(id -u)" = 0 || { echo "as root: apt-get install chromium chromium-driver"; exit 1; }; \
	  apt-get update && apt-get install --yes --no-install-recommends chromium chromium-driver; }
	SCREENSHOTS=$(SHOTS) $(BIN)/pytest -m browser tests/browser

# Every table typeset by TeX, which fails on what is too wide; the pages are left in results/latex.
TYPESET ?= results/latex
test-latex: .venv/installed
	@test -x /usr/bin/pdflatex && test -x /usr/bin/xelatex || { \
	  test "$$(id -u)" = 0 || { echo "as root: apt-get install $(TEX)"; exit 1; }; \
	  apt-get update && apt-get install --yes --no-install-recommends $(TEX); }
	TYPESET=$(TYPESET) $(BIN)/pytest -m latex tests/latex
	rm -f $(TYPESET)/*.aux $(TYPESET)/*.log
TEX := texlive-latex-recommended texlive-fonts-recommended texlive-xetex texlive-lang-chinese fonts-noto-cjk

# The native engine on 64-bit ARM, under an emulator, and by clang.
ARM := g++-aarch64-linux-gnu qemu-user-static clang
test-arm: .venv/installed
	@test -x /usr/bin/aarch64-linux-gnu-g++ && test -x /usr/bin/qemu-aarch64-static && test -x /usr/bin/clang++ || { \
	  test "$$(id -u)" = 0 || { echo "as root: apt-get install $(ARM)"; exit 1; }; \
	  apt-get update && apt-get install --yes --no-install-recommends $(ARM); }
	$(BIN)/pytest -m slow tests/models/native/test_arm.py tests/models/native/test_clang.py

# examples/sweep.sbatch on a Slurm of one node.
SLURM := slurmctld slurmd slurm-client munge
test-slurm: .venv/installed
	@test -x /usr/sbin/slurmctld && test -x /usr/sbin/slurmd && test -x /usr/sbin/munged && test -x /usr/bin/sbatch || { \
	  test "$$(id -u)" = 0 || { echo "as root: apt-get install $(SLURM)"; exit 1; }; \
	  apt-get update && apt-get install --yes --no-install-recommends $(SLURM); }
	$(BIN)/pytest -m slow tests/clusters/test_slurm.py

# Two thousand trials under a kill every 20 seconds: make soak SOAK="--trials 200"
soak: .venv/installed
	$(BIN)/python -m tests.faults.soak $(SOAK)

# Ten thousand damaged archives, options, space files and run folders: make fuzz FUZZ="--seed 1"
fuzz: .venv/installed
	$(BIN)/python -m tests.fuzz $(FUZZ)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror models/native/*.hpp models/native/*.cpp tests/models/native/*.cpp

types: .venv/installed
	$(BIN)/pyright

install: .venv/installed

# Recompiles the native engine, for example after g++ was installed.
native: .venv/installed
	$(PIP) install --quiet --constraint constraints.txt --no-deps --editable .

.venv/installed: setup.py constraints.txt $(wildcard models/native/*.cpp models/native/*.hpp)
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet --constraint constraints.txt --editable ".[dev,bench]"
	touch $@

# Copies what is worth committing from a run: make results RUN=runs/t14 TABLE=1.4 NAME=table-1.4-mnist
# That is what was asked, its table, trials as CSV, the report (or with REPORT= only its learning curves) and all
# records; then everything that is made of committed records is made anew, results/tables.csv among it.
REPORT ?= results/$(NAME)/report
results: .venv/installed
	@test "$(origin NAME)" = "command line" || { echo "give NAME, the folder below results/: make results RUN=runs/t14 TABLE=1.4 NAME=table-1.4-mnist"; exit 1; }
	mkdir -p results/$(NAME)
	cp $(RUN)/spec.json $(RUN)/costs.json $(RUN)/history.jsonl results/$(NAME)/
	$(BIN)/invsearch table $(TABLE) $(RUN) > results/$(NAME)/table.md
	$(BIN)/invsearch status $(RUN) --phase sweep --csv > results/$(NAME)/sweep.csv
	test $$(wc -l < results/$(NAME)/sweep.csv) -gt 1 || rm results/$(NAME)/sweep.csv  # Nothing was searched.
	$(BIN)/invsearch status $(RUN) --phase rerun --csv > results/$(NAME)/reruns.csv
	tar -c --sort=name --exclude 'checkpoint-*' --transform 's|^\.|$(NAME)|' -C $(RUN) ./spec.json ./costs.json ./history.jsonl ./trials \
	  | xz -9e > results/$(NAME)/run.tar.xz
	$(BIN)/invsearch check $(RUN) --against results/$(NAME)/run.tar.xz
	$(if $(REPORT),mkdir -p $(REPORT),$(BIN)/invsearch report $(RUN) --out build/$(NAME) --only figures \
	  && cp build/$(NAME)/figures/rerun-curves.p* results/$(NAME)/)
	$(MAKE) tables

# Regenerates all committed tables, reports and figures from the committed records; make test compares the tables.
tables: .venv/installed
	$(BIN)/python -m tests.results

# Regenerates docs/api.md from the docstrings; make test compares it.
api: .venv/installed
	$(BIN)/python -m tests.api

clean:
	rm -rf .venv build *.egg-info models/native/*.so .pytest_cache .ruff_cache .hypothesis
