"The report from end to end, at toy size: what a run leaves, what is reused, and that the gate catches planted faults"
import json, os, re, shutil, signal, subprocess, sys, time
from xml.etree import ElementTree

import nbformat, pandas as pd, pytest, yaml

import fashion_retail
from fashion_retail import evaluation, features, gate, profiles, report, runner
from fashion_retail.core import BadInput
from fashion_retail.data import read_table, write_table
from fashion_retail.gate import baseline_file, read_baseline, write_baseline
from fashion_retail.report import run_report
from fashion_retail.profiles import STAGES, WARDROBE
from fashion_retail.runner import in_kernel, in_process

TOY = dict(images="wardrobe", seed=1, wardrobe=dict(n_items=16, size=128, valid=0.5),
           training=dict(size=32, epochs=1, batch_size=4, encoder="", n_filters_first_conv=8, growth_rate=4,
                         n_layers_per_block=[1, 1, 1]))
NOTEBOOKS_DIR = runner.notebooks_dir  # the bench replaces it
NOTEBOOKS = NOTEBOOKS_DIR()
CHECKOUT = NOTEBOOKS.parent


def say_to(lines): return lambda line: lines.append(line)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    "A profile file, and the folder of one run of it with the real notebooks in real kernels"
    folder = tmp_path_factory.mktemp("report")
    profile = folder/"toy.yaml"
    profile.write_text(yaml.safe_dump(TOY))
    lines = []
    assert run_report(profile, folder/"one", say=say_to(lines))
    (folder/"said.txt").write_text("\n".join(lines))
    return folder


class Bench:
    "Notebooks in a folder, their stages run in this process; a profile of 60 garments and its run"
    def __init__(self, folder, patch):
        self.folder, self.run, self.profile = folder, folder/"run", folder/"bench.yaml"
        for module in (profiles, runner, gate): patch.setattr(module, "notebooks_dir", lambda: folder)
        for stage in (WARDROBE, *STAGES): shutil.copy(NOTEBOOKS/f"{stage}.ipynb", folder)
        self.profile.write_text(yaml.safe_dump(dict(
            images="wardrobe", seed=3, cutouts="none mask", wardrobe=dict(n_items=60, size=112, valid=0.8), training=dict(epochs=0))))

    def plant(self, stage, code=None, at_end=False):
        "A stage that begins or ends with `code`; None: as it is in the checkout"
        notebook = nbformat.read(NOTEBOOKS/f"{stage}.ipynb", 4)
        if code:
            stages = [i for i, cell in enumerate(notebook.cells) if "stage" in cell.metadata.get("tags", [])]
            notebook.cells.insert(stages[-1] + 1 if at_end else stages[0], nbformat.v4.new_code_cell(code, id="planted", metadata=dict(tags=["stage"])))
        nbformat.write(notebook, self.folder/f"{stage}.ipynb")

    def forget(self, stage): (self.run/"stages"/f"{stage}.json").unlink(missing_ok=True)

    def __call__(self, *args, execute=in_process, **kwargs):
        self.said = []
        return run_report(self.profile, self.run, *args, say=say_to(self.said), execute=execute, **kwargs)

    def done(self): return [stage for stage, now in self.status().items() if now == "done"]
    def status(self): return {stage: now["status"] for stage, now in json.loads((self.run/"status.json").read_text()).items()}
    def metrics(self): return json.loads((self.run/"metrics.json").read_text())
    def page(self): return (self.run/"report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        bench = Bench(tmp_path_factory.mktemp("bench"), patch)
        assert bench(update_baseline="first of its\nkind")
        yield bench


def test_run_folder_is_complete(toy):
    run = toy/"one"
    metrics, ranks = json.loads((run/"metrics.json").read_text()), pd.read_csv(run/"ranks.csv")
    assert set(metrics["retrieval"]) == {f"{f}/{c}" for f in ("color_histogram", "efficientnet_lite0") for c in ("none", "grabcut", "tiramisu", "mask")}
    assert set(metrics["segmentation"]) == {"grabcut", "tiramisu"}
    for names, rows in ranks.groupby(["features", "cutout"]):
        assert metrics["retrieval"]["/".join(names)]["top10"] == (rows["rank"] <= 10).mean()
        assert all(isinstance(json.loads(text), list) for text in rows.answers)
    environment = json.loads((run/"environment.json").read_text())
    assert environment["seeds"] == [1] and {"commit", "cpu", "cores", "gpu", "versions"} <= set(environment)
    assert yaml.safe_load((run/"params.yaml").read_text())["profile"] == "toy"
    assert {file.name for file in run.glob("*.ipynb")} == {f"{stage}.ipynb" for stage in (WARDROBE, *STAGES)}
    assert {file.stem for file in (run/"stages").iterdir()} == set(metrics["seconds"]) == {WARDROBE, *STAGES}
    assert metrics["gate"]["verdict"] == "not compared"


def test_executed_stages_are_appendices(toy):
    "Title, parameters and stage, with their outputs; no example, no exported code; nothing of a machine's paths in the text"
    for stage in (WARDROBE, *STAGES):
        notebook = nbformat.read(toy/"one"/f"{stage}.ipynb", 4)
        assert notebook.cells[0].source.startswith("# ")
        tags = [set(cell.metadata.get("tags", [])) & {"parameters", "injected-parameters", "stage"} for cell in notebook.cells]
        assert all(tags[1:]) and not any(cell.source.startswith("#| export") for cell in notebook.cells)
    lines = (toy/"said.txt").read_text()
    assert re.search(r"03_training epoch 1/1 +loss", lines), lines
    measured = json.loads((toy/"one"/"metrics.json").read_text())["retrieval"]  # top-10, whatever k is
    told = {(f, c): value for f, c, value in re.findall(r"05_evaluation (\w+), (\w+): top-10 (\S+)", lines)}
    assert told == {tuple(name.split("/")): f"{found['top10']:.3f}" for name, found in measured.items()}, lines


def test_real_notebooks_are_reused(toy):
    before = (toy/"one"/"metrics.json").read_text()
    assert run_report(toy/"toy.yaml", toy/"one", say=lambda line: None)
    assert {now["status"] for now in json.loads((toy/"one"/"status.json").read_text()).values()} == {"reused"}
    assert (toy/"one"/"metrics.json").read_text() == before


def test_page_stands_alone(toy):
    page = (toy/"one"/"report.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:)', page) and len(page) < 5_000_000
    assert page.count("<img") == page.count(" alt=") >= 6 and "among ten" in page
    assert all(re.findall(r'alt="([^"]*)"', page))
    assert page.index('class="verdict') < page.index("How often is the right garment") < page.index("By category") < page.index("How it was run")


def test_page_in_a_browser(bench):
    "No console error and nothing wider than a phone, in light and in dark"
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    if not browser: pytest.skip("no Chromium on this machine")
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        for width, scheme in ((390, "light"), (390, "dark"), (1280, "light")):
            page, errors = chromium.new_page(viewport=dict(width=width, height=844), color_scheme=scheme), []
            page.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto((bench.run/"report.html").as_uri())
            assert not errors and page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate("[...document.images].every(o => o.complete && o.naturalWidth > 0 && o.alt)")
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ("rgb(22, 22, 22)" if scheme == "dark" else "rgb(255, 255, 255)")
        chromium.close()


def test_nothing_changed_nothing_runs(bench):
    before = {key: value for key, value in bench.metrics().items() if key != "gate"}
    assert bench()
    assert set(bench.status().values()) == {"reused"}
    after = bench.metrics()
    assert after.pop("gate")["verdict"] == "passed" and after == before  # the seconds are those of the first time
    assert {figure["verdict"] for figure in bench.metrics()["gate"]["figures"]} == {"same"}
    suite = ElementTree.parse(bench.run/"junit.xml").getroot()
    assert (suite.get("failures"), suite.get("errors"), len(suite)) == ("0", "0", len(STAGES) + 1 + 2*4)  # ranks and open set of four methods
    assert "✅" in (bench.run/"summary.md").read_text(encoding="utf-8")


def test_a_parameter_changed_in_a_notebook_is_named(bench):
    "JupyterLab saves by itself: a value that was tried is on the console and on the page, where git knows another"
    git = ["git", "-C", bench.folder, "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "*.ipynb"], ["commit", "-q", "-m", "as it was"]): subprocess.run([*git, *words], check=True)
    assert bench() and not any("not committed" in line for line in bench.said)
    file = bench.folder/"05_evaluation.ipynb"
    file.write_text(file.read_text(encoding="utf-8").replace('"k = 10 ', '"k = 3 '), encoding="utf-8")
    assert bench() and "k of 05_evaluation is 3, committed 10." in bench.said[0] and bench.said[0] in bench.page()
    bench.plant("05_evaluation")
    shutil.rmtree(bench.folder/".git")
    assert bench()  # as it was, for the tests that follow


def test_a_second_run_elsewhere_agrees(bench):
    "The same figures from the same seeds, in another folder and by --force"
    shutil.copytree(bench.run, bench.folder/"copy")  # times of files change, contents do not
    one = bench.metrics()
    assert run_report(bench.profile, bench.folder/"copy", say=bench.said.append, execute=in_process)
    assert {now["status"] for now in json.loads((bench.folder/"copy"/"status.json").read_text()).values()} == {"reused"}
    assert bench(force=True)
    two = bench.metrics()
    assert set(bench.status().values()) == {"done"} and one.pop("seconds").keys() == two.pop("seconds").keys()
    assert one["retrieval"] == two["retrieval"] and two["gate"]["verdict"] == "passed"


def test_only_what_is_concerned_runs_again(bench):
    bench.plant("05_evaluation", "'a change of code'")
    assert bench() and bench.done() == ["05_evaluation"]
    (bench.run/"embeddings.csv").unlink()
    assert bench() and bench.done() == ["04_features"]  # 04 makes its file again, and as it was
    assert any("embeddings.csv is missing" in line for line in bench.said)
    bench.plant("05_evaluation")


# Each fault is planted in the library's module; the stages are what they are in the checkout.

def wrong_photo_order(patch):
    honest = features._describe
    def describe(kind, photos, at, rows, *rest): # the vectors of a batch of the catalogue change places
        turned = photos[1:] + photos[:1] if (rows.role == "catalogue").all() else photos
        return honest(kind, turned, at, rows, *rest)
    patch.setattr(features, "_describe", describe)

def masks_inverted(patch):
    honest = features.load_pair
    def load_pair(*args):
        image, mask = honest(*args)
        return image, ~mask
    patch.setattr(features, "load_pair", load_pair)

def sorted_the_wrong_way(patch):
    honest = evaluation.first_match_ranks
    patch.setattr(evaluation, "first_match_ranks", lambda queries, *rest, **more: honest(-queries, *rest, **more))

def part_of_the_gallery(patch):
    honest = evaluation.select
    def select(table, splits, role, *rest, **more):
        rows = honest(table, splits, role, *rest, **more)
        return rows[:len(rows)*3//4] if role == "catalogue" else rows
    patch.setattr(evaluation, "select", select)

def random_weights(patch):
    import timm, torch
    from fashion_retail import encoder
    def no_weights():
        torch.manual_seed(0)
        return timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    patch.setattr(encoder, "imagenet_weights", no_weights)

FAULTS = {"wrong photo order": (wrong_photo_order, "04_features", "efficientnet_lite0/none"),
          "masks inverted": (masks_inverted, "04_features", "efficientnet_lite0/mask"),
          "distances sorted the wrong way": (sorted_the_wrong_way, "05_evaluation", "efficientnet_lite0/mask"),
          "a quarter of the gallery missing": (part_of_the_gallery, "05_evaluation", "color_histogram/none"),
          "random weights": (random_weights, "04_features", "efficientnet_lite0/none")}

@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_fails_the_gate(bench, fault, monkeypatch):
    plant, stage, method = FAULTS[fault]
    plant(monkeypatch)
    bench.forget(stage)  # no file has changed
    try: assert not bench()
    finally: bench.forget(stage)
    figures = pd.DataFrame(bench.metrics()["gate"]["figures"])
    dropped = figures[figures.verdict == "dropped"]
    print(fault, dropped[["figure", "before", "after", "p"]].to_string())
    assert bench.metrics()["gate"]["verdict"] == "failed" and dropped.figure.str.endswith(method).any()
    suite, page, summary = ElementTree.parse(bench.run/"junit.xml").getroot(), bench.page(), (bench.run/"summary.md").read_text(encoding="utf-8")
    assert suite.get("failures") == str(len(dropped)) and "❌" in summary and page.index("Accuracy has dropped") < page.index("How often")
    lost = dropped.lost[dropped.lost.map(len) > 0].iloc[0]
    assert len(lost) > 3 and lost[0] in summary and page.count("at the baseline, second row") >= 3  # shown side by side
    assert set(bench.done()) <= {"04_features", "05_evaluation"}


def test_the_gate_recovers(bench):
    assert bench() and bench.metrics()["gate"]["verdict"] == "passed"


def test_an_edited_module_is_seen(bench, tmp_path):
    "A fault in a file of the library, through the command: the stage runs again by itself, exit 1"
    for part in ("fashion_retail", "nbs"): shutil.copytree(CHECKOUT/part, tmp_path/part, ignore=shutil.ignore_patterns("__pycache__", "images"))
    (tmp_path/"data"/"baselines").mkdir(parents=True)
    shutil.copytree(bench.run, tmp_path/"run")
    for file in bench.profile.parent.glob("bench.*"): shutil.copy(file, tmp_path)
    module = tmp_path/"fashion_retail"/"evaluation.py"
    honest = "seen = first_match_ranks(*vectors,"
    text = module.read_text(encoding="utf-8")
    assert text.count(honest) == 1
    module.write_text(text.replace(honest, "seen = first_match_ranks(-vectors[0], vectors[1],"), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", "from fashion_retail.cli import main; main()", "report", "--profile", "bench.yaml", "--out", "run"],
                          cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 1 and "Accuracy has dropped" in done.stdout, done.stdout + done.stderr
    assert "05_evaluation … (code of evaluation changed)" in done.stdout and "04_features reused" in done.stdout


def test_baseline_is_kept_with_its_reason(bench):
    path = baseline_file(bench.profile)
    accepted, history = read_baseline(path), pd.read_csv(bench.folder/"bench.baseline.history.csv")
    assert accepted["reason"] == history.reason[0] == "first of its kind" and history.profile[0] == "bench"
    assert {"cpu", "versions", "commit"} <= set(accepted["environment"]) and "Accepted on" in bench.page() and "history" not in bench.said
    assert all(len(ten) == 10 for ten in accepted["answers"]["color_histogram/mask"].values()) and path.stat().st_size < 60_000
    assert bench(update_baseline="again") and len(pd.read_csv(bench.folder/"bench.baseline.history.csv")) == 2
    assert "evaluation" in accepted["code"] and (bench.run/"figures"/"history.png").exists()  # two baselines make a curve
    assert bench() and "The code of all stages is that of the baseline" in bench.page()
    write_baseline({**read_baseline(path), "code": {**accepted["code"], "evaluation": "another"}}, path)
    assert bench() and "Code that changed since: evaluation." in bench.page()
    write_baseline(accepted, path)


def test_other_baselines_are_refused(bench):
    path = baseline_file(bench.profile)
    good = path.read_text()
    try:
        for change, match in ((dict(profile="other"), "is of profile other"), (dict(table=dict(photos=9, digest="")), "9 photos then, 120 now")):
            write_baseline({**read_baseline(path), **change}, path)
            with pytest.raises(BadInput, match=match): bench()
            path.write_text(good)
        path.write_text(good[:99])
        with pytest.raises(BadInput, match="is damaged"): bench()
    finally: path.write_text(good)


def test_open_set_is_shown_and_gated(bench):
    "A stage that measures whether a garment is in the catalogue leaves open_set.csv"
    path = baseline_file(bench.profile)
    good = path.read_text()
    code = """from pathlib import Path
import pandas as pd
row = dict(features="color_histogram", cutout="mask", n_known=40, n_unknown=40, ece=0.05, ece_low=0.02, ece_high=0.09,
           auroc=AUROC, auroc_low=AUROC - 0.05, auroc_high=AUROC + 0.05)
row |= {f"dir_fpir_{share}{end}": 0.5 + more for share in ("01", "05", "10") for end, more in (("", 0), ("_low", -0.1), ("_high", 0.1))}
pd.DataFrame([row]).to_csv(Path(run_dir)/"open_set.csv", index=False)"""
    try:
        bench.plant("05_evaluation", code.replace("AUROC", "0.9"), at_end=True)
        assert bench(update_baseline="with an open set")
        assert bench.metrics()["open_set"]["color_histogram/mask"]["auroc"] == 0.9
        assert "in the catalogue at all" in bench.page() and "0.85–0.95" in bench.page() and "AUROC" in (bench.run/"summary.md").read_text()
        for auroc, verdict in ((0.87, "lower"), (0.8, "dropped")):
            bench.plant("05_evaluation", code.replace("AUROC", str(auroc)), at_end=True)
            assert bench() == (verdict != "dropped")
            found = {figure["figure"]: figure["verdict"] for figure in bench.metrics()["gate"]["figures"]}
            assert found["open-set AUROC of color_histogram/mask"] == verdict
    finally:
        path.write_text(good)
        bench.plant("05_evaluation")
    assert bench()


def test_failed_stage_leaves_partial_run(toy):
    (toy/"images.csv").write_text("image_id,item_id,role,path,split\na,a,snapshot,gone.jpg,valid\n")
    with pytest.raises(BadInput, match="00_data: photo .*gone.jpg does not exist"):
        run_report(toy/"toy.yaml", toy/"failed", images=toy/"images.csv")
    assert (toy/"failed"/"00_data.ipynb").exists() and not (toy/"failed"/"04_features.ipynb").exists()
    page = (toy/"failed"/"report.html").read_text(encoding="utf-8")
    assert "The run failed" in page and page.count(">not run<") == len(STAGES) - 1
    assert ElementTree.parse(toy/"failed"/"junit.xml").getroot().get("errors") == "1"


def test_traceback_stands_in_the_page(bench):
    bench.plant("05_evaluation", "photos = {}\nphotos['of_nobody']")
    with pytest.raises(BadInput, match=r"05_evaluation failed in cell \d+ .*KeyError"): bench(execute=in_kernel)
    assert "photos[" in bench.page() and "KeyError" in bench.page() and bench.status()["05_evaluation"] == "failed"
    bench.plant("05_evaluation", "import time; time.sleep(99)")
    bench.profile.write_text(bench.profile.read_text() + "cell_minutes: 0.05\n")
    try:
        with pytest.raises(BadInput, match=r"05_evaluation took longer than 0.05 minutes in cell \d+ "): bench(execute=in_kernel)
    finally:
        bench.profile.write_text(bench.profile.read_text().replace("cell_minutes: 0.05\n", ""))
        bench.plant("05_evaluation")


def test_full_disk_is_one_sentence(bench, monkeypatch):
    bench.plant("05_evaluation", "raise OSError(28, 'No space left on device')")
    with pytest.raises(BadInput, match="05_evaluation found the disk full in cell"): bench()
    bench.plant("05_evaluation")
    def full(*args, **kwargs): raise OSError(28, "No space left on device", "x.json")
    monkeypatch.setattr(report, "gather_metrics", full)
    with pytest.raises(BadInput, match="the disk is full .*finished stages are kept"): bench()


def test_interrupted_run_goes_on(bench):
    "SIGINT in the middle of a stage: exit 130, and the same command takes up the finished ones"
    bench.plant("05_evaluation", "from pathlib import Path\n(Path(run_dir)/'here').touch()\nimport time; time.sleep(99)")
    code = ("import sys; from pathlib import Path; from fashion_retail import gate, profiles, runner\n"
            f"gate.notebooks_dir = profiles.notebooks_dir = runner.notebooks_dir = lambda: Path({str(bench.folder)!r})\nfrom fashion_retail.cli import main\nmain()")
    command = [sys.executable, "-c", code, "report", "--profile", str(bench.profile), "--out", str(bench.run)]
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs, such as CI's, ignore it
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed)
    try:
        for _ in range(1200):
            if (bench.run/"here").exists() or process.poll() is not None: break
            time.sleep(0.1)
        with pytest.raises(BadInput, match=f"process {process.pid} is at work"): bench()  # two runs in one folder
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally: process.kill()
    assert process.returncode == 130 and "goes on" in out and "Traceback" not in err, out + err
    assert bench.status()["05_evaluation"] == "interrupted" and bench.status()["04_features"] == "reused"
    bench.plant("05_evaluation")
    assert bench() and bench.done() == ["05_evaluation"]


def test_own_table_without_masks_or_catalogue(bench, tmp_path):
    "What cannot be computed is said, the rest is reported; also for one row, a gallery of three, and a gallery of one"
    table = read_table(bench.run/"wardrobe")
    table["mask_path"] = ""
    valid = table[table.split == "valid"]
    few, one = (valid[valid.item_id.isin(valid.item_id.unique()[:count])] for count in (3, 1))
    (tmp_path/"few").mkdir()  # a run folder from before there were records
    (tmp_path/"few"/"params.yaml").write_text("profile: bench\nstages: {}\n")
    (tmp_path/"few"/"ranks.csv").write_text("stale")
    tables = dict(few=(few, "no snapshot of split valid has a mask"), row=(valid[valid.role == "snapshot"][:1], "no catalogue photos"),
                  one=(one, "no snapshot of split valid has a mask"))
    for name, (rows, match) in tables.items():
        write_table(rows, tmp_path/f"{name}.csv")
        said = []
        assert run_report(bench.profile, tmp_path/name, images=tmp_path/f"{name}.csv", say=said.append, execute=in_process)
        assert ("the run folder is of another version or unfinished: everything is done anew" in said) == (name == "few")
        metrics, page = json.loads((tmp_path/name/"metrics.json").read_text()), (tmp_path/name/"report.html").read_text(encoding="utf-8")
        assert match in page and match in (tmp_path/name/"summary.md").read_text() and "Not computed" in page
        assert set(metrics["retrieval"]) == (set() if name == "row" else {"color_histogram/none", "efficientnet_lite0/none"})
        status = json.loads((tmp_path/name/"status.json").read_text())
        assert status["03_training"]["status"] == "left out" and status["05_evaluation"]["status"] == "done"


def test_refused_before_anything_runs(toy):
    for assignments, match in ((["images=nowhere"], "no images table nowhere"), (["seed=[1"], "no YAML value"), (["images.x=1"], "not a section"), (["seed"], "no value"),
                               (["features=gust"], "names 'gust': unknown features"), (["cutouts=none scissors"], "names 'scissors'"),
                               (["cell_minutes=-1"], "above 0"), (["images=''"], "names no images"), (["labeling.seed=1"], "unknown section labeling")):
        with pytest.raises(BadInput, match=match): run_report(toy/"toy.yaml", toy/"refused", assignments)
    with pytest.raises(BadInput, match="does not go with --set"): run_report(toy/"toy.yaml", toy/"refused", ["seed=2"], "better")
    assert not (toy/"refused").exists()


def test_an_installed_package_is_not_written_to(tmp_path, monkeypatch):
    "Its baselines lie in the package; --update-baseline says where one would have to be written"
    package = tmp_path/"site-packages"/"fashion_retail"
    (package/"nbs").mkdir(parents=True)
    shutil.copytree(NOTEBOOKS/"profiles", package/"nbs"/"profiles")
    for stage in (WARDROBE, *STAGES): shutil.copy(NOTEBOOKS/f"{stage}.ipynb", package/"nbs")
    shutil.copytree(CHECKOUT/"data"/"baselines", package/"baselines")
    monkeypatch.setattr(fashion_retail, "__file__", str(package/"__init__.py"))
    for module in (profiles, runner, gate): monkeypatch.setattr(module, "notebooks_dir", NOTEBOOKS_DIR)
    assert baseline_file("default") == package/"baselines"/"default.json" and baseline_file("default").is_file()
    with pytest.raises(BadInput, match="belongs to the installed package .*baselines/default.json"):
        run_report("default", tmp_path/"run", update_baseline="better")
    assert baseline_file(tmp_path/"own.yaml") == tmp_path/"own.baseline.json"


def test_foreign_folder_is_not_touched(toy):
    (toy/"mine").mkdir()
    (toy/"mine"/"thesis.txt").write_text("years of work")
    (toy/"mine"/"params.yaml").write_text("lr: 0.1")  # another tool's file of that name
    with pytest.raises(BadInput, match="no run folder"): run_report(toy/"toy.yaml", toy/"mine")
    assert (toy/"mine"/"thesis.txt").read_text() == "years of work"


def test_accepted_baseline_is_small():
    "What is committed for the default profile: readable by this version, and no burden to a checkout"
    path = CHECKOUT/"data"/"baselines"/"default.json"
    accepted = read_baseline(path)
    assert accepted["profile"] == "default" and path.stat().st_size < 200_000 and accepted["reason"]
