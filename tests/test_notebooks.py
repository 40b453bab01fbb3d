"The form of the notebooks: titles, short cells, lines that fit, pictures that are described, a chain of links"
import html
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fashion_retail.core import WORDS

ROOT = Path(__file__).resolve().parents[1]
FILES = {path.stem: path for path in sorted((ROOT/"nbs").glob("*.ipynb"))}
CELLS = {name: json.loads(path.read_text(encoding="utf-8"))["cells"] for name, path in FILES.items()}

# What is left in all notebooks together. The numbers may only shrink.
LONG_CELLS = 0       # code cells of more than 40 lines
LINKS_ELSEWHERE = 1  # notebooks whose last line does not link to the next one in index; the aim is 0
NO_CAPTION = 0       # cells that draw a figure without a line `Figure: …` before them
WIDE_LINES = 0.02    # share of code lines over 105 characters
MIDDLE_CELL = 5      # lines of the median code cell
RAW_LITERALS = 0     # results that are bare tuples, lists, dicts
SHORT_NAMES = 0      # shown tables with names such as `iou_p10`, which only the code knows

TABLE_COLUMNS = {"image_id", "item_id", "mask_path", "label_path"}  # of the images table: its user writes them


def text(cell): return "".join(cell["source"])


def sources(name, kind): return [text(o) for o in CELLS[name] if o["cell_type"] == kind]


def reading_order():
    "The notebooks in the order of index"
    said = "\n".join(sources("index", "markdown"))
    return [o for o in dict.fromkeys(re.findall(r"\((\w+)\.ipynb\)", said[said.index("| notebook | module"):])) if o in FILES]


@pytest.mark.parametrize("name", FILES)
def test_title(name):
    "One title, without a stray hash, and one line that says what the notebook does"
    first = next(text(o) for o in CELLS[name] if o["cell_type"] == "markdown").splitlines()
    assert re.match(r"# [^#\s]", first[0]) and first[2].startswith("> ")
    for one in sources(name, "markdown"): assert not re.search(r"^#+ +#", one, flags=re.M), one[:80]
    assert first[0][2].isupper() or name == "index", first[0]


def test_cells_have_at_most_40_lines():
    long = {name: [len(o.splitlines()) for o in sources(name, "code") if len(o.splitlines()) > 40] for name in FILES}
    assert sum(map(len, long.values())) <= LONG_CELLS, f"split cells: {({k: v for k, v in long.items() if v})}"


def test_most_lines_fit():
    lines = [line for name in FILES for one in sources(name, "code") for line in one.splitlines()]
    assert sum(len(o) > 105 for o in lines)/len(lines) <= WIDE_LINES


@pytest.mark.parametrize("name", FILES)
def test_pictures_are_described(name):
    for one in sources(name, "markdown"):
        assert not re.search(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"])", one), one[:80]


def test_figures_have_captions():
    "The text before a cell that draws has a line `Figure: what is seen`: the caption, and the alt text of the site"
    without, kinds = [], {"image/png", "image/jpeg"}
    for name, cells in CELLS.items():
        before = ""
        for cell in cells:
            if cell["cell_type"] == "markdown": before = text(cell)
            elif any(kinds & set(o.get("data", {})) for o in cell["outputs"]) and not re.search(r"^(Figure|Figures): ", before, re.M):
                without.append(f"{name}: {before[-60:]}")
    assert len(without) <= NO_CAPTION, without


def test_index_names_every_notebook_once():
    assert set(reading_order()) == set(FILES) - {"index"}


def test_each_notebook_links_to_the_next():
    order = reading_order()
    def last(name): return text(CELLS[name][-1]).strip().splitlines()[-1]
    wrong = [f"{name} to {follower}" for name, follower in zip(order, order[1:]) if f"({follower}.ipynb)" not in last(name)]
    assert len(wrong) <= LINKS_ELSEWHERE, "the last line must link to the next notebook in index: " + ", ".join(wrong)


def test_pages_of_the_site():
    "Every notebook and module has its page, and every link between pages arrives"
    subprocess.run([sys.executable, ROOT/"docs"/"build.py", "--pages"], check=True)
    pages = ROOT/"runs"/"docs"/"pages"
    for path in [*(pages/"notebooks").glob("*.md"), pages/"gallery.md", pages/"index.md"]:
        said = path.read_text(encoding="utf-8")
        for file, alt in re.findall(r'<img src="([^"]*)" alt="([^"]*)"', said): assert alt and (path.parent/file).exists(), f"{path.name}: {file}"
        assert said.count("<figcaption>") == said.count('<img src='), path.name
    for path in pages.rglob("*.md"):
        said = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
        for link in re.findall(r"\]\(([^)#:]+\.(?:md|jpg|png))", said): assert (path.parent/link).exists(), f"{path.name}: {link}"
    assert {path.stem for path in (pages/"notebooks").glob("*.md")} == set(FILES) - {"index"}
    assert (pages/"api"/"serve.md").exists() and "Workers" in (pages/"api"/"workers.md").read_text(encoding="utf-8")


def test_the_middle_cell_is_short():
    lengths = sorted(len(one.splitlines()) for name in FILES for one in sources(name, "code"))
    assert lengths[len(lengths)//2] <= MIDDLE_CELL


def test_parameters_are_tagged_for_papermill():
    tags = {tag for cells in CELLS.values() for cell in cells for tag in cell["metadata"].get("tags", [])}
    assert tags <= {"parameters", "stage"}


def test_results_are_no_raw_literals():
    "A bare tuple, list, dict or object as the result of a cell; small tables and sentences are read more easily"
    found = []
    for name, cells in CELLS.items():
        for output in (o for cell in cells for o in cell.get("outputs", []) if o["output_type"] == "execute_result"):
            text = "".join(output["data"].get("text/plain", ""))
            seen = {"text/html", "text/markdown", "image/jpeg", "image/png"} & output["data"].keys()
            if not seen and re.match(r"[\[({<]|\w+\(", text): found.append(f"{name}: {text[:60]}")
    assert len(found) <= RAW_LITERALS, found


def headings(table, part):
    "The headings in a part of an HTML table: of the columns (thead) or of the rows (tbody)"
    found = re.search(rf"<{part}>(.*?)</{part}>", table, re.S)
    cells = re.findall(r"<th\b[^>]*>(.*?)</th>", found[1] if found else "", re.S)
    return [html.unescape(re.sub("<[^>]+>", "", cell)).strip() for cell in cells]


def short_names(table):
    "Headings that are no words: columns with an underscore or without a name, and keys of `WORDS`"
    columns, rows = headings(table, "thead"), headings(table, "tbody")
    known = {name for name, word in WORDS.items() if name != word} - TABLE_COLUMNS
    numbered = ["0"] if columns[:2] == ["", "0"] else []
    return numbered + [o for o in columns if "_" in o and o not in TABLE_COLUMNS or o in known] + [o for o in rows if o in known]


def test_short_names_are_found():
    table = "<table><thead><tr><th></th><th>{}</th></tr></thead><tbody><tr><th>{}</th><td>1</td></tr></tbody></table>"
    assert short_names(table.format("iou_p10", "ece")) == ["iou_p10", "ece"]
    assert short_names(table.format("IoU, worst tenth", "color_histogram")) == short_names(table.format("item_id", "a")) == []
    assert short_names(table.format("0", "a")) == ["0"]


def test_tables_have_words():
    "A table that is shown has names that a reader knows (`for_readers`)"
    found = []
    for name, cells in CELLS.items():
        for cell in cells:
            pages = ["".join(o.get("data", {}).get("text/html", "")) for o in cell.get("outputs", [])]
            tables = [table for page in pages for table in re.findall(r"<table.*?</table>", page, re.S)]
            found += [f"{name} {cell['id']}: {', '.join(short)}" for short in map(short_names, tables) if short]
    assert len(found) <= SHORT_NAMES, "write for_readers(table), or name the columns in words:\n" + "\n".join(found)
