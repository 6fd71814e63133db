# Two commands do everything on a machine with Python 3.11 or newer and make:
#   make report   run the bundled study, up to the report in a browser
#   make test     check style and types, and run all tests
# Both make .venv first, from requirements.lock, and make it anew when that changes.

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
	$(BIN)/pytest --numprocesses auto --dist worksteal

lab: .venv/ready
	$(BIN)/jupyter lab notebooks

.venv/ready: requirements.lock pyproject.toml
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
	touch $@

# The lock holds hashes and no index addresses: valid on Linux, macOS and Windows.
lock: .venv/ready
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes \
	  --no-header --no-annotate --python-version 3.11 --upgrade --quiet -o requirements.lock

clean:
	rm -rf .venv data/processed/* reports/*
