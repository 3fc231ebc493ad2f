# `make app`, `make check` and `make test`. Everything is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: app check test chromium benchmarks clean

app: $(VENV)/.app
	$(BIN)/streamlit run app/main.py

check: $(VENV)/.check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# In two processes, since browser and workers are waited for half of the time.
test: $(VENV)/.test chromium
	$(BIN)/python -m pytest -n 2 --dist loadfile

benchmarks: $(VENV)/.test chromium
	$(BIN)/python -m benchmarks

$(VENV)/.app: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e .
	touch $@

$(VENV)/.test: $(VENV)/.app
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e '.[test]'
	touch $@

$(VENV)/.check: $(VENV)/.app
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e '.[check]'
	touch $@

# Chromium from the distribution, where there is a package manager that can give it.
chromium:
	@sh tests/e2e/chromium.sh

clean:
	rm -rf $(VENV) *.egg-info build
