"The labeling widget as a person meets it: a real JupyterLab, a real browser; and two processes on one folder"
import os, shutil, socket, subprocess, sys, time, urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np, pandas as pd, pytest

from fashion_retail.data import BadInput, load_mask, read_table, write_table
from fashion_retail.labeling import segmentation_scores
from fashion_retail.widget import LabelSession, LabelWidget, label_notebook

ROOT = Path(__file__).resolve().parents[1]
SHOTS = ROOT/"runs"/"tests"/"widget"  # screenshots, to be looked at
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 300_000  # milliseconds for any single thing to happen: other work may keep both cores busy


@pytest.fixture(scope="module")
def folder(wardrobe, tmp_path_factory):
    "Three snapshots without masks, and a notebook that labels them"
    folder = tmp_path_factory.mktemp("lab")
    rows = read_table(wardrobe)
    rows = rows[rows.role == "snapshot"].iloc[:3]
    write_table(rows.assign(mask_path=""), folder/"images.csv")
    label_notebook(folder/"images.csv", folder/"labels", start="nothing")
    return folder


@contextmanager
def jupyterlab(home, *options, cwd=None, **env):
    "The address of a JupyterLab server that knows nothing of the user's own settings"
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **{k: str(home/k) for k in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
                                                                            "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")}, **env}
    settings = home/"JUPYTERLAB_SETTINGS_DIR"/"@jupyterlab"/"apputils-extension"
    settings.mkdir(parents=True)
    (settings/"notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    with open(home/"log", "w") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
                                   "--IdentityProvider.token=wardrobe", "--expose-app-in-browser",
                                   "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", *options], env=env, stdout=log, stderr=log, cwd=cwd)
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
def lab(folder, tmp_path_factory):
    "The address of a JupyterLab server in `folder`"
    with jupyterlab(tmp_path_factory.mktemp("home"), f"--ServerApp.root_dir={folder}") as address: yield address


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
        self.page.goto(f"{lab}/lab/tree/labels/label.ipynb?token=wardrobe&reset")

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

    def touch(self, *fingers):
        "Fingers, each a list of positions on the screen, go down, move along and are lifted"
        tablet, point = self.context.new_cdp_session(self.page), lambda i: [dict(x=f[i][0], y=f[i][1], id=k) for k, f in enumerate(fingers)]
        tablet.send("Input.dispatchTouchEvent", dict(type="touchStart", touchPoints=point(0)))
        for i in range(1, len(fingers[0])): tablet.send("Input.dispatchTouchEvent", dict(type="touchMove", touchPoints=point(i)))
        tablet.send("Input.dispatchTouchEvent", dict(type="touchEnd", touchPoints=[]))

    def key(self, key): self.page.locator(".fr-label").press(key)

    def shot(self, name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS/f"{name}.png")


def test_a_person_labels_in_jupyterlab(folder, lab, chromium, wardrobe):
    rows = read_table(folder)
    ids, truth = list(rows.image_id), load_mask(read_table(wardrobe).set_index("image_id").mask_path[rows.image_id[0]])
    (y0, x0), (y1, x1) = np.argwhere(truth).min(0) - 2, np.argwhere(truth).max(0) + 2
    inside = np.argwhere(truth)[len(np.argwhere(truth))//2][::-1]
    outside = np.argwhere(~truth)[0][::-1]
    p = Page(chromium, lab, has_touch=True)
    p.run()
    p.settled(photo=ids[0], left=3)
    p.key("Enter")  # nothing is drawn yet
    p.page.get_by_text("nothing is outlined").wait_for()

    p.drag(truth.shape, (x0, y0), (x1, y1))
    p.settled(tool="garment", strokes=0)
    p.drag(truth.shape, inside, inside + 1)
    p.settled(strokes=1)
    p.drag(truth.shape, outside + 1, outside + 3, button="right")  # the right button is the other brush
    p.settled(strokes=2)
    p.shot("1-strokes")
    p.key("Control+z")
    p.settled(strokes=1)
    p.key("z")
    p.settled(strokes=0)
    p.key("Shift+Z")
    p.settled(strokes=1)

    box = p.page.locator(".fr-label canvas").bounding_box()
    x, y = box["x"] + box["width"]/2, box["y"] + box["height"]/2
    p.touch([(x, y), (x + 5, y + 5), (x + 10, y + 10)])  # a finger strokes
    p.settled(strokes=2)
    p.touch([(x - 20, y), (x - 60, y), (x - 90, y)], [(x + 20, y), (x + 60, y), (x + 90, y)])  # two fingers zoom, and draw nothing
    p.key("z")
    p.settled(strokes=1)
    p.shot("2-zoomed")

    p.key("Enter")
    p.settled(photo=ids[1], left=2)
    p.key("s")
    p.page.get_by_text("Skip this photo").wait_for()
    p.key("4")
    p.settled(photo=ids[2], left=1)
    labels = folder/"labels"
    log = pd.read_csv(labels/"label_log.csv", keep_default_na=False)
    assert list(log.image_id) == ids[:2] and list(log.strokes) == [1, 0] and list(log.skipped) == ["", "blurred or too dark"]
    saved = read_table(labels).set_index("image_id")
    assert list(saved.mask_source) == ["checked", "", ""]
    assert segmentation_scores(load_mask(saved.mask_path[ids[0]], truth.shape), truth)["iou"] >= 0.9

    p.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")  # as if the laptop had been closed
    p.run("notebook:clear-all-cell-outputs")
    p.settled(photo=ids[2], left=1)
    p.key("p")
    p.settled(photo=ids[1])
    p.key("p")
    p.settled(photo=ids[0])
    assert p.page.locator(".fr-label select").input_value() == "saved"
    p.shot("3-resumed")
    p.context.close()


def test_two_windows_on_one_folder(folder, tmp_path):
    session = LabelSession(folder, tmp_path)
    code = f"from fashion_retail.widget import LabelWidget; print(LabelWidget({str(folder)!r}, {str(tmp_path)!r}).state['closed'])"
    said = lambda: subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}).stdout
    assert "another window is labeling" in said()
    session.close()
    assert said() == "\n"


def test_the_table_in_its_own_folder(wardrobe, tmp_path):
    "As `fashion-retail label` leaves it: proposals, the least certain first"
    rows = read_table(wardrobe)
    rows = rows[rows.role == "snapshot"].iloc[:3].assign(mask_source="grabcut", certainty=["0.9", "0.1", "0.5"])
    write_table(rows, tmp_path/"images.csv")
    ids = list(rows.image_id)
    session = LabelSession(tmp_path, tmp_path)
    assert session.photo.row.image_id == ids[1] and session.photo.work.start == "proposal"
    session.next()
    session.close()
    session = LabelSession(tmp_path, tmp_path)
    assert session.photo.row.image_id == ids[2] and session.progress()["done"] == 1
    session.previous()
    assert session.photo.row.image_id == ids[1] and session.photo.work.start == "saved"
    session.close()
    after = read_table(tmp_path)
    assert list(after.mask_source) == ["grabcut", "checked", "grabcut"] and list(after.certainty) == list(rows.certainty)
    assert (load_mask(after.mask_path[1]) == load_mask(rows.mask_path.iloc[1])).all()  # Enter on a good proposal changes nothing in it


def test_folders_that_cannot_be_written(folder, tmp_path):
    (tmp_path/"file").touch()
    assert "cannot be written" in LabelWidget(folder, tmp_path/"file"/"labels").state["closed"]
    session = LabelSession(folder, tmp_path/"labels")
    image_id = session.photo.row.image_id
    (tmp_path/"labels"/"masks").touch()  # in the way of the folder of masks
    with pytest.raises(BadInput, match=f"{image_id} is not saved.*try again"): session.next()
    assert session.photo.row.image_id == image_id and not len(session.log())
    (tmp_path/"labels"/"masks").unlink()
    session.next()
    assert list(session.log().image_id) == [image_id]
    session.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into a read-only folder")
def test_read_only_folder(folder, tmp_path):
    tmp_path.chmod(0o555)
    assert "cannot be written" in LabelWidget(folder, tmp_path).state["closed"]
