PYTHON ?= python

.PHONY: lint typecheck test docs bench

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

typecheck:
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest

docs:
	$(PYTHON) scripts/make_docs.py

bench:
	$(PYTHON) benchmarks/report.py
