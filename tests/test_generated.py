"`tests/check_generated.py` and nbdev's settings: what `make notebooks` refuses and what it leaves alone"
import json

from check_generated import ROOT, slips


def notebook(path, *cells):
    found = [dict(cell_type="code", source=source.splitlines(keepends=True)) for source in cells]
    path.write_text(json.dumps(dict(cells=found)), encoding="utf-8")


def test_a_slip_of_indentation_is_named(tmp_path):
    "Notebook, cell and line; cells that are not exported may hold magic commands"
    assert not list(slips())
    notebook(tmp_path/"05_search.ipynb", "#| default_exp search", "%time 1", "#| export\ndef top_k():\n        'too deep'\n    return 1",
             "#| export\nfine = 1")
    assert list(slips(tmp_path)) == ["nbs/05_search.ipynb, cell 3 of all (`def top_k():`), line 4: "
                                     "unindent does not match any outer indentation level"]


def test_export_leaves_pyproject_alone(monkeypatch):
    "Otherwise it is newer than .venv/installed, and the next `make` installs again, which needs the network"
    from nbdev.config import add_init
    monkeypatch.chdir(ROOT)
    file = ROOT/"pyproject.toml"
    before = file.stat().st_mtime_ns
    add_init()
    assert file.stat().st_mtime_ns == before
