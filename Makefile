# Two commands do everything on a fresh machine with Python, git and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What an installation is made from: when none of it changed, nothing is installed again.
SOURCES := $(shell cat pyproject.toml constraints.txt | cksum | cut -d ' ' -f 1)
INSTALLED := $(VENV)/.installed-all-$(SOURCES)
# The demo does without what only tests need, unless that is there already.
INSTALLED_FOR_DEMO := $(or $(wildcard $(INSTALLED)),$(VENV)/.installed-demo-$(SOURCES))

.PHONY: help install demo test test-clients images test-cluster benchmark lint docs clean
help:
	@echo "make demo           replay three weeks of flights against four replicas that retrain every night"
	@echo "make test           all tests that need no cluster"
	@echo "make test-clients   clients that nobody here wrote, over HTTP and gRPC; needs a JDK, Go and Node"
	@echo "make images         the images that a cluster runs, with docker, podman or buildah"
	@echo "make test-cluster   the tests on the Kubernetes cluster that KUBECONFIG names"
	@echo "make benchmark      tenfold against its peers and its limits, half an hour; needs wrk and h2load"
	@echo "make lint           ruff, pyright and the import directions"
	@echo "make docs           docs/cli.md from the commands, docs/http-conformance.md from the corpus"

install: $(INSTALLED)

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt

# Of KServe's SDK, half a gigabyte with all that it requires, the tests only use the clients. All is compiled at the end, by all
# cores, which pip would do by one.
$(VENV)/.installed-%-$(SOURCES):
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "tenfold needs Python 3.11 or newer; set PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable '.[$*]'
	$(if $(filter all,$*),$(PIP_INSTALL) --no-deps kserve)
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib
	@touch $@

demo: $(INSTALLED_FOR_DEMO)
	$(BIN)/tenfold demo $(ARGS)

# Files whose few tests take long come first, so that no worker is left alone with one of them at the end.
LONGEST := tests/integration/platform tests/integration/demo tests/browser
test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder \
		$(LONGEST) tests/integration tests/conformance tests/unit $(ARGS)

# One after the other: each test replaces the versions of the same service.
test-clients: $(INSTALLED)
	$(BIN)/python -m pytest tests/clients $(ARGS)

images: $(INSTALLED)
	$(BIN)/tenfold build $(ARGS)

# On the cluster that KUBECONFIG names, in namespaces of its own; its nodes must be able to pull the images.
test-cluster: $(INSTALLED)
	@test -n "$$KUBECONFIG" || { echo "Say on which cluster: KUBECONFIG=FILE make test-cluster" >&2; exit 1; }
	$(BIN)/python -m pytest tests/cluster $(ARGS)

# What comes out belongs into docs/performance.md.
benchmark: $(INSTALLED)
	$(BIN)/python -m tenfold.loadtests.benchmark $(ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python .ci/import_directions.py
	$(BIN)/pyright

docs: $(INSTALLED)
	$(BIN)/python -m tenfold.platform.cli.reference > docs/cli.md
	$(BIN)/python -m tenfold.serving.reference > docs/settings.md
	PYTHONPATH=tests $(BIN)/python -m conformance.page > docs/http-conformance.md

clean:
	rm -rf $(VENV) build dist *.egg-info
