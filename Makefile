# Two commands do everything on a machine with Python 3.11 or newer and make:
#   make report   run the bundled study, up to the report in a browser
#   make test     check style and types, and run all tests
# Both make .venv first, from requirements.lock by the uv of requirements-uv.lock, and make it anew
# when one of these changes.

PYTHON ?= python3
BIN := .venv/bin

# without bytecode every start would compile all libraries anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: report test types tests lab lock clean

report: .venv/ready
	$(BIN)/cycle-analysis run example

test: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) --jobs=2 types tests

# beside each other: while one worker waits for a run of a study, the other core is free
types: .venv/ready
	$(BIN)/mypy

tests: .venv/ready
	$(BIN)/pytest --numprocesses auto --dist loadgroup --no-loadscope-reorder

lab: .venv/ready
	$(BIN)/jupyter lab notebooks

.venv/ready: requirements.lock requirements-uv.lock pyproject.toml
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
	touch $@

# The locks hold hashes and no index addresses: valid on Linux, macOS and Windows. As few versions
# of a package as can be: another Python gives the same numbers.
LOCK := $(BIN)/uv pip compile --universal --generate-hashes --no-header --no-annotate \
  --python-version 3.11 --fork-strategy fewest --upgrade --quiet
lock: .venv/ready
	$(LOCK) pyproject.toml --group dev -o requirements.lock
	echo uv | $(LOCK) - -o requirements-uv.lock

clean:
	rm -rf .venv data/processed/* reports/*
