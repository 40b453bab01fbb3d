"The search page as a widget: a real JupyterLab, a real browser"
import nbformat
import pytest

from fashion_retail.catalogue import Catalogue
from fashion_retail.data import read_table
from fashion_retail.feedback import read_log
from test_widget import PATIENCE, SHOTS, chromium, lab  # noqa: F401 (fixtures)


@pytest.fixture(scope="module")
def folder(wardrobe, tmp_path_factory):
    "A catalogue, and a notebook that shows its widget"
    folder = tmp_path_factory.mktemp("lab")
    Catalogue.build(wardrobe, folder/"catalogue", cutout="otsu")
    cell = nbformat.v4.new_code_cell("from fashion_retail import Catalogue\nCatalogue.load('catalogue').widget(k=5)")
    kernel = dict(name="python3", display_name="Python 3", language="python")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=dict(kernelspec=kernel)), folder/"search.ipynb")
    return folder


def test_the_search_page_in_jupyterlab(chromium, lab, folder, wardrobe):  # noqa: F811
    photo = next(o for o in read_table(wardrobe).itertuples() if o.role == "snapshot").path
    page = chromium.new_context(viewport=dict(width=1280, height=900), locale="en-US").new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{lab}/lab/tree/search.ipynb?token=wardrobe&reset")
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext?.isReady")
    page.wait_for_function("window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'")
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells') }")
    page.wait_for_selector(".fr .choose")
    page.evaluate("""() => { window.seen = 0; new MutationObserver(() => { window.seen += document.querySelectorAll('.fr .stage.seen').length })
                     .observe(document.querySelector('.fr'), { subtree: true, childList: true, attributes: true }) }""")
    page.set_input_files(".fr .choose .button:nth-child(2) input", photo)
    page.wait_for_selector(".fr[data-state=found]")
    page.wait_for_function("document.querySelectorAll('.fr .answers li').length === 5")
    page.wait_for_function("document.querySelector('.fr .answers img').complete")
    assert page.evaluate("window.seen"), "the outline is drawn before the answers are there"
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS/"search.png")
    page.click(".fr [data-key=none]")
    page.wait_for_selector(".fr .verdict[data-mood=yes]")
    page.wait_for_timeout(500)
    page.context.close()
    said = [o["kind"] for o in read_log(folder/"catalogue"/"feedback"/"log.jsonl")[0]]
    assert said == ["search", "feedback"]
