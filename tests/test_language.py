"Plain words: no metaphors that made readers stop, no spelling errors"
import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Each of these was read twice by somebody. "by hand" (computed on paper) and the road of a street scene are meant as written.
AVOID = re.compile(r"""\b(?:mend(?:s|ed|ing)?|hearsay|whoever|in\ hand|hand(?:s|ed)?\ (?:it|them|this|on|over|out|back)|the\ road\ (?:to|back|was|is)
    |rooms?\ (?:for|to)|a\ (?:row|line|dict|file|number|figure|photo)\ an?\ \w+|pays?\ (?:it\ )?back|hangs?\ together|in\ the\ midst|nobody\ knows
    |lives?\ in\ the|speaks?\ (?:for|against)|twins?|anew)\b""", re.I | re.X)
LEFT = {"14_choosing", "14_garments"}  # notebooks still to be read again; the list may only shrink


def docstrings(source):
    try: tree = ast.parse(source)
    except SyntaxError: return
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and (said := ast.get_docstring(node)): yield said


def texts():
    "(name, text) of everything that a reader reads"
    for path in sorted((ROOT/"nbs").glob("*.ipynb")):
        if path.stem in LEFT: continue
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            said = "".join(cell["source"])
            if cell["cell_type"] == "markdown": yield path.stem, re.sub(r"`[^`]*`", "`code`", said)
            else: yield from ((path.stem, one) for one in docstrings(said))
    for path in [ROOT/"README.md", ROOT/"CONTRIBUTING.md", *(ROOT/"docs").rglob("*.md")]: yield path.name, path.read_text(encoding="utf-8")


def test_words():
    found = [f"{name}: …{said[max(0, one.start() - 40):one.end() + 20]}…" for name, said in texts() for one in AVOID.finditer(said)]
    assert not found, "say it plainly:\n" + "\n".join(found)


def test_list_shrinks():
    "A notebook that has no such word any more leaves the list"
    assert LEFT <= {path.stem for path in (ROOT/"nbs").glob("*.ipynb")}


@pytest.mark.skipif(not (shutil.which("codespell") or (Path(sys.executable).parent/"codespell").exists()), reason="codespell is not installed")
def test_spelling(tmp_path):
    "Words of the repository's text files, and of the notebooks' text"
    for path in (ROOT/"nbs").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        (tmp_path/f"{path.stem}.md").write_text("\n\n".join("".join(o["source"]) for o in cells), encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "codespell_lib", ".", tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
