"""What takes a library that is not installed says so, and how to have it."""

import importlib
import sys

import pytest

LIBRARIES = ("lightning", "torchmetrics", "transformers")


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_that_is_missing_is_named_with_its_extra(library, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"ncengine.recorder.{library}", raising=False)
    with pytest.raises(ImportError) as caught:
        importlib.import_module(f"ncengine.recorder.{library}")
    wanted = f"this takes {library}: pip install 'neural-collapse-explorer[{library}]'"
    assert str(caught.value) == wanted


def test_what_a_library_lacks_itself_is_told_as_it_is():
    from ncengine.recorder.extras import extra

    with pytest.raises(ModuleNotFoundError, match="no_such_part"), extra("lightning"):
        importlib.import_module("no_such_part")


@pytest.mark.parametrize("options, said", [({"every": 0}, "every = 0"), ({"every": 1.5}, "1.5")])
def test_how_often_is_checked_before_training(options, said):
    from ncengine.recorder.during import During

    with pytest.raises(ValueError, match=said):
        During(None, options["every"], {})
    with pytest.raises(TypeError, match="per_clas"):
        During(None, 1, {"per_clas": 3})
