"""The examples of the public API's docstrings are run."""

import doctest
from pathlib import Path

import pytest

import tlzoo

PUBLIC = [name for name in tlzoo.__all__ if not name.startswith("_")]


@pytest.mark.parametrize("name", ["tlzoo", *PUBLIC])
def test_examples_do_what_they_show(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TLZOO_REFERENCE")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    documented = tlzoo if name == "tlzoo" else getattr(tlzoo, name)
    (test,) = doctest.DocTestFinder(recurse=False).find(documented, name, globs={})
    assert test.examples
    failures = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=failures.append)
    assert not failures, "".join(failures)
