"The labeling widget as a person meets it: a real JupyterLab, a real browser; and two processes on one folder"
import json, os, shutil, socket, subprocess, sys, time, urllib.request
from pathlib import Path

import numpy as np, pandas as pd, pytest

from fashion_retail.data import load_image, load_mask, read_table, write_table
from fashion_retail.labeling import segmentation_scores

ROOT = Path(__file__).resolve().parents[1]
SHOTS = ROOT/"runs"/"tests"/"widget"  # screenshots, to be looked at
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 120_000  # milliseconds for any single thing to happen: other work may keep both cores busy
NOTEBOOK = """from fashion_retail.widget import LabelWidget
widget = LabelWidget("images.csv", "labels", start="nothing")
widget"""


@pytest.fixture(scope="module")
def folder(wardrobe, tmp_path_factory):
    "Three snapshots without masks, and a notebook that labels them"
    import nbformat
    folder = tmp_path_factory.mktemp("lab")
    rows = read_table(wardrobe)
    rows = rows[rows.role == "snapshot"].iloc[:3]
    write_table(rows.assign(mask_path=""), folder/"images.csv")
    kernel = dict(name="python3", display_name="Python 3", language="python")
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)], metadata=dict(kernelspec=kernel)), folder/"label.ipynb")
    return folder


@pytest.fixture(scope="module")
def lab(folder, tmp_path_factory):
    "The address of a JupyterLab server in `folder` that knows nothing of the user's own settings"
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **{k: str(home/k) for k in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
                                                                            "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")}}
    for name, settings in dict(notification=dict(fetchNews="false"), themes=dict(theme=os.environ.get("THEME", "JupyterLab Light"))).items():
        path = home/"JUPYTERLAB_SETTINGS_DIR"/"@jupyterlab"/"apputils-extension"/f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    with open(home/"log", "w") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
                                   "--IdentityProvider.token=wardrobe", f"--ServerApp.root_dir={folder}", "--expose-app-in-browser",
                                   "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"], env=env, stdout=log, stderr=log)
    try:
        end = time.monotonic() + PATIENCE/1000
        while True:
            try: urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token=wardrobe", timeout=5); break
            except OSError:
                assert server.poll() is None and time.monotonic() < end, f"JupyterLab did not start:\n{(home/'log').read_text()[-3000:]}"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try: server.wait(20)
        except subprocess.TimeoutExpired: server.kill()


@pytest.fixture(scope="module")
def chromium():
    if not CHROMIUM: pytest.skip("no Chromium on this machine: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason='the browser test needs playwright: pip install "fashion_retail[dev]"')
    with api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Page:
    "A notebook in a browser window, and a hand on the widget in it"
    def __init__(self, chromium, lab, **context):
        self.context = chromium.new_context(**{"viewport": dict(width=1280, height=900), **context})
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.goto(f"{lab}/lab/tree/label.ipynb?token=wardrobe&reset")

    def run(self, *commands):
        "Run all cells (after other JupyterLab commands) and wait for the widget to show a photo, or why it does not"
        self.page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext?.isReady")
        self.page.wait_for_function("window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'")
        for command in (*commands, "notebook:run-all-cells"): self.page.evaluate("c => { jupyterapp.commands.execute(c) }", command)
        self.page.wait_for_selector(".fr-label canvas")
        self.settled()

    def settled(self, **data):
        "Wait until Python has answered, and until the widget's data attributes are as given"
        self.page.wait_for_function("want => { const o = document.querySelector('.fr-label')?.dataset;"
                                    " return o && o.busy === 'false' && Object.entries(want).every(([k, v]) => o[k] === v) }",
                                    arg={k: str(v) for k, v in data.items()})

    def drag(self, shape, *points, button="left"):
        "Press at the first point (pixels of the fitted photo), move along, let go"
        (h, w), box = shape[:2], self.page.locator(".fr-label canvas").bounding_box()
        scale = min(box["width"]/w, box["height"]/h)
        at = [(box["x"] + (box["width"] - w*scale)/2 + x*scale, box["y"] + (box["height"] - h*scale)/2 + y*scale) for x, y in points]
        self.page.mouse.move(*at[0])
        self.page.mouse.down(button=button)
        for x, y in at: self.page.mouse.move(x, y, steps=8)
        self.page.mouse.up(button=button)

    def key(self, key): self.page.locator(".fr-label").press(key)

    def shot(self, name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS/f"{name}.png")
