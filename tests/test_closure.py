"""The code behind a module: what it imports, anywhere in its text, and what those import."""

import pytest

from ldeval.data import closure
from ldeval.data.closure import code_behind, files_behind


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of five modules: a imports b in a function, b imports c from the package, d and e stand alone."""
    texts = {
        "__init__": "",
        "a": "import json\ndef late():\n    from pack.b import x\n",
        "b": "from pack import c\nx = 1\n",
        "c": "import pack.d\n",
        "d": "",
        "e": "import pack.a\n",
    }
    (tmp_path / "pack").mkdir()
    for name, text in texts.items():
        (tmp_path / "pack" / f"{name}.py").write_text(text)
    monkeypatch.setattr(closure, "TOP", tmp_path)
    monkeypatch.setattr(closure, "PACKAGE", "pack")
    return tmp_path / "pack"


def names(files):
    return [path.stem for path in files]


def test_imports_are_followed_also_those_within_functions(package):
    assert names(files_behind("pack.a")) == ["__init__", "a", "b", "c", "d"]
    assert names(files_behind("pack.d")) == ["__init__", "d"]


def test_what_is_left_out_is_left_out_with_what_it_alone_imports(package):
    assert names(files_behind("pack.a", short_of={"pack.c"})) == ["__init__", "a", "b"]


def test_the_fingerprint_moves_with_the_code_behind_a_module_and_with_no_other(package):
    before = {name: code_behind(f"pack.{name}") for name in "abcde"}
    (package / "d.py").write_text("y = 2\n")
    changed = {name for name in before if code_behind(f"pack.{name}") != before[name]}
    assert changed == set("abcde")
    before = {name: code_behind(f"pack.{name}") for name in "abcde"}
    (package / "b.py").write_text("from pack import c\nx = 2\n")
    assert {name for name in before if code_behind(f"pack.{name}") != before[name]} == set("abe")


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ModuleNotFoundError, match=r"no module 'ldeval\.nothing' in the package"):
        files_behind("ldeval.nothing")


def test_the_package_has_no_relative_imports():
    for path in (closure.TOP / "ldeval").rglob("*.py"):
        assert "\nfrom ." not in path.read_text(encoding="utf-8"), path  # closure does not follow them


@pytest.mark.parametrize(
    "text",
    [
        "from pack import c\n",
        "from pack import (\n    c,  # (one)\n    x,\n)\n",
        "from pack import x, \\\n    c\n",
        "x = 1; from pack import c\n",
        "if True: import pack.c\n",
        '"""Words\nfrom which nothing is to import.\n"""\ndef late():\n    import json, pack.c as d\n',
        "import json\nimport pack.c\n",
    ],
)
def test_an_import_is_seen_however_it_is_written(package, text):
    (package / "a.py").write_text(text)
    assert "c" in names(files_behind("pack.a"))


def test_the_imports_of_the_package_are_those_that_python_reads(monkeypatch):
    paths = sorted((closure.TOP / "ldeval").rglob("*.py"))
    quick = [closure.imports.__wrapped__(path, 0) for path in paths]
    monkeypatch.setattr(closure, "_imports_alone", lambda _text: None)
    assert quick == [closure.imports.__wrapped__(path, 0) for path in paths]
