"""The search page beside the same search in Gradio and in Streamlit: requests, bytes, first paint, memory.

    python tests/page_peers.py CATALOGUE PHOTO --peers VENV/bin/python --out data/results/serve_peers.csv

VENV holds `gradio` and `streamlit`; they are no requirements of this project. The library is taken from the Python
that runs this script. Each program is started, opened in Chromium, given the photo, and read once its answers are there.
"""
import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import pandas as pd
from playwright.sync_api import sync_playwright

from fashion_retail.serve_load import free_port

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
GRADIO = """
import sys
import gradio
from fashion_retail.catalogue import Catalogue
catalogue = Catalogue.load(sys.argv[1])
def search(photo):
    found = catalogue.search(photo)
    return found.decision, [(o.path, o.item_id) for o in found.items.itertuples()]
page = gradio.Interface(search, gradio.Image(type="numpy"), [gradio.Textbox(label="decision"), gradio.Gallery()],
                        live=True, flagging_mode="never", analytics_enabled=False)
page.launch(server_port=int(sys.argv[2]), quiet=True, allowed_paths=["/"])
"""
STREAMLIT = """
import sys
import numpy
import streamlit
from PIL import Image
from fashion_retail.catalogue import Catalogue
catalogue = streamlit.cache_resource(Catalogue.load)(sys.argv[1])
photo = streamlit.file_uploader("photo")
if photo:
    found = catalogue.search(numpy.asarray(Image.open(photo).convert("RGB")))
    streamlit.write(found.decision)
    for row in found.items.itertuples(): streamlit.image(row.path, row.item_id, width=200)
"""


def programs(peers, folder, catalogue, port):
    "Name: command, the selector of the file field, the selector of an answer's picture"
    for name, text in (("gradio", GRADIO), ("streamlit", STREAMLIT)): (folder/f"{name}_page.py").write_text(text)
    own = [sys.executable, "-c", "from fashion_retail.cli import main; main()", "serve", catalogue, "--port", str(port)]
    streamlit = ["-m", "streamlit", "run", str(folder/"streamlit_page.py"), "--server.port", str(port),
                 "--server.headless", "true", "--browser.gatherUsageStats", "false", "--", catalogue]
    yield "this page", own, ".choose .button:nth-child(2) input", ".answers img"
    yield "Gradio", [peers, str(folder/"gradio_page.py"), catalogue, str(port)], "input[type=file]", ".grid-container img"
    yield "Streamlit", [peers, *streamlit], "input[type=file]", "[data-testid=stImage] img, .stImage img"


def memory(process): # MB of a process and its children
    "Resident memory"
    text = subprocess.run(["ps", "-o", "rss=", "-p", str(process.pid), "--ppid", str(process.pid)], capture_output=True, text=True).stdout
    return sum(int(o) for o in text.split())*1024/1e6


def measured(browser, name, port, photo, file, picture): # a row
    "Open, search, count"
    context = browser.new_context(viewport=dict(width=390, height=844))
    page, asked, sizes = context.new_page(), [], []
    page.set_default_timeout(300_000)
    page.on("request", lambda o: asked.append(o.url))
    page.on("requestfinished", lambda o: sizes.append(o))
    paints = []
    for _ in range(3):  # the first time fills caches of the server; the browser's own cache is empty each time
        asked.clear(), sizes.clear()
        for trial in range(600):
            try:
                page.goto(f"http://127.0.0.1:{port}", wait_until="load")
                break
            except Exception: time.sleep(0.5)
        page.wait_for_selector(file, state="attached")
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"))
        page.wait_for_timeout(1500)
        loaded = [o for o in sizes if o.url.startswith("http")]
        row = dict(page=name, requests=len([o for o in asked if o.startswith("http")]),
                   external=len([o for o in asked if not o.startswith((f"http://127.0.0.1:{port}", "data:", "blob:", f"ws://127.0.0.1:{port}"))]),
                   kB_transferred=round(sum(o.sizes()["responseBodySize"] for o in loaded)/1e3, 1))
        if len(paints) < 3:
            context.close()
            context = browser.new_context(viewport=dict(width=390, height=844))
            page = context.new_page()
            page.set_default_timeout(300_000)
            page.on("request", lambda o: asked.append(o.url))
            page.on("requestfinished", lambda o: sizes.append(o))
    page.set_input_files(file, photo)
    page.wait_for_selector(picture)
    page.wait_for_timeout(1000)
    context.close()
    return row | dict(first_paint_s=round(sorted(paints)[1]/1e3, 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("catalogue", "photo"): parser.add_argument(name)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    rows = []
    path = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for name in range(3):
            port = free_port()
            name, command, file, picture = list(programs(args.peers, Path(folder), str(Path(args.catalogue).resolve()), port))[name]
            env = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
            env["PYTHONPATH"] = path if name == "this page" else str(ROOT)
            with open(Path(folder)/"log", "w") as log:
                process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
                try:
                    rows.append(measured(browser, name, port, args.photo, file, picture) | dict(memory_mb=round(memory(process))))
                except Exception as error: print(name, str(error)[:500], (Path(folder)/"log").read_text()[-1500:])
                finally: process.kill()
            print(rows[-1:], os.getloadavg()[0], flush=True)
    pd.DataFrame(rows).to_csv(args.out, index=False)
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__": main()
