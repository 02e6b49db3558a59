# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BACKEND ?= pytorch
DEMO_ARGUMENTS ?=
export MPLBACKEND := Agg

# Two goals at a time, each on one core, in the order of the words: whichever core is done takes the next one.
# Their output comes one after the other where make can do that.
SIDE_BY_SIDE := --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.PHONY: help demo test check lint types test-fast test-torch test-torch-quick test-torch-slow test-tf test-tf-quick test-tf-slow test-parity test-client test-oldest zoo chaos fuzz docs dist dist-ptyconf clean

help:  ## show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

# Everything in one go: pip looks through all packages each time that it is called.
$(VENV)/.installed-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,docs]'
	@touch $(VENV)/.installed $@

ifdef SCAN
demo: $(VENV)/.installed  ## simulate (or take SCAN=file.npz), train, reconstruct, draw: outputs/
	$(BIN)/ptycho train examples/real_scan.toml --train_data_file "$(SCAN)" \
		--output_dir "outputs/$(basename $(notdir $(SCAN)))" --backend $(BACKEND) $(DEMO_ARGUMENTS)
else
demo: $(VENV)/.installed
	$(BIN)/ptycho simulate outputs/demo/train.npz --seed 1 --object-seed 1 --quiet
	$(BIN)/ptycho simulate outputs/demo/unseen.npz --seed 2 --object-seed 2 --quiet
	$(BIN)/ptycho train examples/quickstart.toml --backend $(BACKEND) $(DEMO_ARGUMENTS)
endif

# Further goals for the last round of `make test`, beside the tests of the backends: test-client needs a network.
WITH ?=
test: $(VENV)/.installed-test  ## every check and every test
	$(MAKE) $(SIDE_BY_SIDE) types lint docs
	$(MAKE) test-fast
	$(MAKE) $(SIDE_BY_SIDE) test-tf-quick test-torch-quick test-tf-slow test-torch-slow $(WITH) test-parity

check: lint types  ## the linters and the type checker

lint: $(VENV)/.installed-test  ## ruff and the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed-test  ## mypy, strict, on all three packages
	$(BIN)/mypy

# torch and TensorFlow never share a test process: each backend's tests are a pytest run of their own.
test-fast: $(VENV)/.installed-test  ## the tests that need no backend
	$(BIN)/pytest -n 2 tests $(addprefix --ignore=tests/,backend torch tf parity client examples)

test-torch: test-torch-quick test-torch-slow  ## the torch backend's tests, quick ones first

test-torch-quick: $(VENV)/.installed-test
	CUDA_VISIBLE_DEVICES="" $(BIN)/pytest tests/torch tests/backend tests/examples -m "not slow"

test-torch-slow: $(VENV)/.installed-test
	CUDA_VISIBLE_DEVICES="" $(BIN)/pytest tests/torch tests/backend tests/examples -m slow

test-tf: test-tf-quick test-tf-slow  ## the TensorFlow backend's tests, quick ones first

test-tf-quick: $(VENV)/.installed-test
	CUDA_VISIBLE_DEVICES="" $(BIN)/pytest tests/tf tests/backend --backend tensorflow -m "not slow"

test-tf-slow: $(VENV)/.installed-test
	CUDA_VISIBLE_DEVICES="" $(BIN)/pytest tests/tf tests/backend --backend tensorflow -m slow

test-parity: $(VENV)/.installed-test  ## both backends against each other, each in processes of its own
	CUDA_VISIBLE_DEVICES="" $(BIN)/pytest tests/parity

test-client: $(VENV)/.installed-test  ## ptychodus, in an environment of its own, trains and reconstructs with us
	CUDA_VISIBLE_DEVICES="" $(BIN)/pytest tests/client -m client

# Both variables silence advertisements for successors; with --quiet a broken link would pass.
docs: $(VENV)/.installed-test  ## the documentation site: site/index.html; a link that leads nowhere fails
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs build

# Folder of the distributions, and further options of `python -m build`.
DIST ?= dist
BUILD_OPTIONS ?=

dist: dist-ptyconf  ## both distributions, ptychopinn and the engine alone: dist/
	$(BIN)/python -m build --quiet $(BUILD_OPTIONS) --outdir $(DIST) .

dist-ptyconf: $(VENV)/.installed-test  ## the engine alone, a distribution of the same files
	rm -rf build/ptyconf
	mkdir -p build/ptyconf
	cp -R ptyconf ptyconf/pyproject.toml ptyconf/README.md LICENSE build/ptyconf/
	cd build/ptyconf/ptyconf && rm -f pyproject.toml README.md && find . -name __pycache__ -exec rm -rf {} +
	$(BIN)/python -m build --quiet $(BUILD_OPTIONS) --outdir $(DIST) build/ptyconf

# Steps and share of them in which the rate falls, as the packaged network was trained.
ZOO_STEPS ?= 10300
ZOO_FALL ?= 0.125
zoo: $(VENV)/.installed  ## train the network for every scan that comes with the package: outputs/zoo
	OMP_NUM_THREADS=1 $(BIN)/python -m ptycho_torch.nn.universal outputs/zoo --steps $(ZOO_STEPS) --fall $(ZOO_FALL)

chaos: $(VENV)/.installed-test  ## an hour of kills, signals and full disks: nothing is lost; goes on where it was
	CUDA_VISIBLE_DEVICES="" $(BIN)/python benchmarks/chaos.py --backend pytorch
	CUDA_VISIBLE_DEVICES="" $(BIN)/python benchmarks/chaos.py --backend tensorflow

FUZZ ?= --inputs 50000
fuzz: $(VENV)/.installed-test  ## half an hour of wrong files for every reader: counts by reader
	$(BIN)/python tests/fuzz/campaign.py $(FUZZ) --seed $$(date +%j) --keep outputs/fuzz

# The engine and the rooms that compute with numpy, at the lower bounds of pyproject.toml; no framework is there.
OLDEST := .venv-oldest
test-oldest:  ## the engine and the numpy rooms at the lower bounds, without torch and TensorFlow
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -r constraints-oldest.txt 'setuptools>=77' build 'pytest>=9' pytest-xdist hypothesis jsonschema psutil
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	$(OLDEST)/bin/python -m pytest -W default -p no:cacheprovider tests/ptyconf $(addprefix tests/ptycho/,files metrics physics scan settings simulate)

clean:  ## remove what was built; outputs/ stays
	rm -rf $(VENV) $(OLDEST) build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
