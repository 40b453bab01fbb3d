"`make lab` as a new reader meets it: the index, its links, a changed parameter, Run All, and nothing changed by looking"
import re
import shutil
from pathlib import Path

import pytest

from test_widget import PATIENCE, SHOTS, chromium, jupyterlab  # noqa: F401 (chromium is a fixture)

ROOT = Path(__file__).resolve().parents[1]
LESSON = "15_label_widget"
OPEN = "window.jupyterapp?.shell.currentWidget?.context?.path"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    "A copy of what `make lab` opens, since JupyterLab saves by itself"
    folder = tmp_path_factory.mktemp("copy")
    for name in (".jupyter", "docs", "nbs/images"): shutil.copytree(ROOT/name, folder/name)
    for name in ("pyproject.toml", "nbs/index.ipynb", f"nbs/{LESSON}.ipynb"): shutil.copy(ROOT/name, folder/name)
    return folder


@pytest.fixture(scope="module")
def address(chromium, copy, tmp_path_factory):  # noqa: F811
    "The server, with the options and settings of the Makefile"
    setting, options = re.search(r"^\t(.*) \$\(BIN\)/jupyter lab (.*) \$\(LABFLAGS\)$", (ROOT/"Makefile").read_text(), re.M).groups()
    name, value = setting.split("=")
    with jupyterlab(tmp_path_factory.mktemp("home"), *options.split(), cwd=copy, **{name: value.split(":")[0]}) as there: yield there


def opened(page, path):
    page.wait_for_function(f"path => {OPEN} === path", arg=path)


def ready(page, path):
    opened(page, path)
    page.wait_for_function("jupyterapp.shell.currentWidget.sessionContext?.session?.kernel?.status === 'idle'")


def test_a_reader_opens_the_index_and_runs_a_lesson(chromium, address, copy):  # noqa: F811
    context = chromium.new_context(viewport=dict(width=1280, height=900), locale="en-US")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    index, before = copy/"nbs"/"index.ipynb", (copy/"nbs"/"index.ipynb").read_bytes()
    page.goto(f"{address}/lab/tree/nbs/index.ipynb?token=wardrobe&reset")
    ready(page, "nbs/index.ipynb")
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    assert index.read_bytes() == before, "looking at a notebook changes it"

    page.locator(".jp-Notebook a", has_text="docs/how-to/descriptor.md").click()
    page.locator(".jp-MarkdownViewer h1", has_text="A descriptor of my own").wait_for()
    page.evaluate("jupyterapp.commands.execute('docmanager:open', {path: 'nbs/index.ipynb'})")
    ready(page, "nbs/index.ipynb")
    page.evaluate("path => { jupyterapp.commands.execute('docmanager:open', {path}) }", f"nbs/{LESSON}.ipynb")
    ready(page, f"nbs/{LESSON}.ipynb")

    page.locator(".cm-line", has_text="n_items = 8").first.click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.insert_text("n_items = 3")
    done = page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    assert done, "a cell of the lesson failed"
    cells = page.evaluate("jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells")
    wrong = [o for cell in cells for o in cell.get("outputs", []) if o["output_type"] == "error"]
    assert not wrong, wrong[0]

    page.locator(".fr-label").first.scroll_into_view_if_needed()
    said = "document.querySelector('.fr-label')?.dataset"
    page.wait_for_function(f"{said}?.busy === 'false' && {said}.photo === 'snapshot-0000' && {said}.left === '3'")
    page.locator(".fr-label").first.press("Enter")  # Run All has left the widget in use
    page.wait_for_function(f"{said}?.left === '2'")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS/"lesson.png")
    context.close()
