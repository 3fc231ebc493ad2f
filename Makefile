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

# In two processes, since browser and workers are waited for half of the time. In the order of the
# files, so that the browser's long ones are not last, when one process would wait for the other.
test: $(VENV)/.test chromium
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

benchmarks: $(VENV)/.test chromium
	$(BIN)/python -m benchmarks

# uv chooses the build of PyTorch that this machine has use for, and without a GPU saves gigabytes;
# pip takes the default one. Where uv cannot reach that build, pip is asked.
UV := $(shell command -v uv 2>/dev/null)
WITH_PIP := $(BIN)/pip install --disable-pip-version-check
WITH_UV := $(UV) pip install --python $(BIN)/python --torch-backend auto
DEFAULT := PyTorch as pip has it; on Linux with CUDA, 3 GB to download and 5.5 GB on disk
install = $(if $(UV),$(WITH_UV) -q -c constraints.txt $(1) || )$(WITH_PIP) -q -c constraints.txt $(1)

$(VENV)/.app: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV), once: $(if $(UV),the PyTorch that this machine has use for,$(DEFAULT))."
	$(call install,-e .)
	touch $@

$(VENV)/.test: $(VENV)/.app
	$(call install,-e '.[test]')
	touch $@

$(VENV)/.check: $(VENV)/.app
	$(call install,-e '.[check]')
	touch $@

# Chromium from the distribution, where there is a package manager that can give it.
chromium:
	@sh tests/e2e/chromium.sh

clean:
	rm -rf $(VENV) *.egg-info build
