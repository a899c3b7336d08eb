"""Every `>>>` example in a docstring of src runs, and shows what it says it shows."""

import doctest
import importlib

import pytest

from tests.tidy.source import modules

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
WITH_EXAMPLES = [module for module in modules() if ">>> " in module.text]


@pytest.mark.parametrize("module", WITH_EXAMPLES, ids=str)
def test_examples_of_module_run(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(module.name), optionflags=FLAGS)
    assert result.attempted, f"{module} has `>>>` lines outside of docstrings"
    assert not result.failed, f"{module}: {result.failed} examples failed, shown above"
