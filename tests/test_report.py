"The report from end to end, at toy size: what a run leaves, what is reused, and that the gate catches planted faults"
import ast, json, re, shutil, signal, subprocess, sys, time
from xml.etree import ElementTree

import nbformat, pandas as pd, pytest, yaml

from fashion_retail import report, runner
from fashion_retail.data import BadInput, read_table, write_table
from fashion_retail.report import baseline_file, compare_with_baseline, make_baseline, read_baseline, run_report, write_baseline
from fashion_retail.runner import STAGES, WARDROBE

TOY = dict(images="wardrobe", seed=1, wardrobe=dict(n_items=16, size=128, valid=0.5),
           training=dict(size=32, epochs=1, batch_size=4, n_filters_first_conv=8, growth_rate=4, n_layers_per_block=[1, 1, 1]))
WORKING = WARDROBE, "00_data", "04_features", "05_similarity"  # of the lean notebooks; the others do nothing
NOTEBOOKS = runner.notebooks_dir()


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    "A profile file, and the folder of one run of it with the real notebooks"
    folder = tmp_path_factory.mktemp("report")
    profile = folder/"toy.yaml"
    profile.write_text(yaml.safe_dump(TOY))
    assert run_report(profile, folder/"one")
    return folder


def lean(stage, fault=""):
    "A notebook without its lessons: parameters, library code, imports and the stage itself, with a fault planted before it"
    nb = nbformat.read(NOTEBOOKS/f"{stage}.ipynb", 4)
    start = next((i for i, o in enumerate(nb.cells) if o.source.startswith("## The stage")), len(nb.cells))
    kinds, lessons = (ast.Import, ast.ImportFrom, ast.FunctionDef), []
    for cell in nb.cells[:start]:
        if cell.cell_type != "code": continue
        if "parameters" in cell.metadata.get("tags", []) or cell.source.startswith("#| export\n"): lessons.append(cell)
        elif kept := [ast.unparse(o) for o in ast.parse(cell.source).body if isinstance(o, kinds)]:
            lessons.append(nbformat.v4.new_code_cell("\n".join(kept), id=cell.id))
    if stage not in WORKING: nb.cells = [o for o in lessons if "parameters" in o.metadata.get("tags", [])]
    else: nb.cells = lessons + [nbformat.v4.new_code_cell("run = example = Path(run_dir)\n" + fault, id="fault")] + nb.cells[start:]
    return nb


class Bench:
    "Lean notebooks in a folder, a profile of 110 garments and its run"
    def __init__(self, folder, patch):
        self.folder, self.run, self.profile = folder, folder/"run", folder/"bench.yaml"
        for module in (runner, report): patch.setattr(module, "notebooks_dir", lambda: folder)
        for stage in (WARDROBE, *STAGES): self.plant(stage)
        self.profile.write_text(yaml.safe_dump(dict(images="wardrobe", seed=3, cutouts="none mask", wardrobe=dict(n_items=110, size=112, valid=0.8))))
    def plant(self, stage, fault=""): nbformat.write(lean(stage, fault), self.folder/f"{stage}.ipynb")
    def __call__(self, *args, **kwargs):
        self.said = []
        return run_report(self.profile, self.run, *args, say=self.said.append, **kwargs)
    def status(self): return {k: o["status"] for k, o in json.loads((self.run/"status.json").read_text()).items()}
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
    for method, o in ranks.groupby(["features", "cutout"]): assert metrics["retrieval"]["/".join(method)]["top10"] == (o["rank"] <= 10).mean()
    environment = json.loads((run/"environment.json").read_text())
    assert environment["seeds"] == [1] and {"commit", "cpu", "cores", "gpu", "versions"} <= set(environment)
    assert yaml.safe_load((run/"params.yaml").read_text())["profile"] == "toy"
    assert {o.name for o in run.glob("*.ipynb")} == {f"{o}.ipynb" for o in (WARDROBE, *STAGES)}
    assert {o.stem for o in (run/"stages").iterdir()} == set(metrics["seconds"]) == {WARDROBE, *STAGES}
    assert metrics["gate"]["verdict"] == "not compared"


def test_real_notebooks_are_reused(toy):
    before = (toy/"one"/"metrics.json").read_text()
    assert run_report(toy/"toy.yaml", toy/"one")
    assert {o["status"] for o in json.loads((toy/"one"/"status.json").read_text()).values()} == {"reused"}
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
            page.on("console", lambda o: errors.append(o.text) if o.type in ("error", "warning") else None)
            page.on("pageerror", lambda o: errors.append(str(o)))
            page.goto((bench.run/"report.html").as_uri())
            assert not errors and page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate("[...document.images].every(o => o.complete && o.naturalWidth > 0 && o.alt)")
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ("rgb(22, 22, 22)" if scheme == "dark" else "rgb(255, 255, 255)")
        chromium.close()


def test_nothing_changed_nothing_runs(bench):
    before = {k: v for k, v in bench.metrics().items() if k != "gate"}
    assert bench()
    assert set(bench.status().values()) == {"reused"}
    after = bench.metrics()
    assert after.pop("gate")["verdict"] == "passed" and after == before  # the seconds are those of the first time
    assert {o["verdict"] for o in bench.metrics()["gate"]["figures"]} == {"same"}
    suite = ElementTree.parse(bench.run/"junit.xml").getroot()
    assert (suite.get("failures"), suite.get("errors"), len(suite)) == ("0", "0", len(STAGES) + 1 + 4)
    assert "✅" in (bench.run/"summary.md").read_text(encoding="utf-8")


def test_a_second_run_elsewhere_agrees(bench):
    "The same figures from the same seeds, in another folder and by --force"
    shutil.copytree(bench.run, bench.folder/"copy")  # times of files change, contents do not
    one = bench.metrics()
    assert run_report(bench.profile, bench.folder/"copy", say=bench.said.append)
    assert {o["status"] for o in json.loads((bench.folder/"copy"/"status.json").read_text()).values()} == {"reused"}
    assert bench(force=True)
    two = bench.metrics()
    assert set(bench.status().values()) == {"done"} and one.pop("seconds").keys() == two.pop("seconds").keys()
    assert one["retrieval"] == two["retrieval"] and two["gate"]["verdict"] == "passed"


def test_only_what_is_concerned_runs_again(bench):
    bench.plant("05_similarity", "'a change of code'")
    assert bench()
    assert [k for k, o in bench.status().items() if o == "done"] == ["05_similarity"]
    (bench.run/"embeddings"/"color_histogram-none.npz").unlink()
    assert bench()  # 04 makes its file again, and as it was
    assert [k for k, o in bench.status().items() if o == "done"] == ["04_features"]
    assert any("embeddings/color_histogram-none.npz is missing" in o for o in bench.said)
    bench.plant("05_similarity")


FAULTS = {
    "wrong photo order": ("04_features", "efficientnet_lite0/none", """honest = embed
def embed(rows, *args, **kwargs):
    vectors, empty = honest(rows, *args, **kwargs)
    return (vectors[np.random.default_rng(0).permutation(len(rows))] if rows.role.iloc[0] == "catalogue" else vectors), empty"""),
    "masks inverted": ("04_features", "efficientnet_lite0/mask", "honest = load_mask\ndef load_mask(*args): return ~honest(*args)"),
    "distances sorted the wrong way": ("05_similarity", "efficientnet_lite0/mask", """honest = first_match_ranks
def first_match_ranks(queries, *args, **kwargs): return honest(-queries, *args, **kwargs)"""),
    "a quarter of the gallery missing": ("05_similarity", "color_histogram/none", """honest = first_match_ranks, top_k, retrieval_metrics
fewer = lambda o: o[:len(o)*3//4]
def first_match_ranks(queries, gallery, query_items, items, **more): return honest[0](queries, fewer(gallery), query_items, fewer(items), **more)
def top_k(queries, gallery, **more): return honest[1](queries, fewer(gallery), **more)
def retrieval_metrics(ranks, n_gallery, **more): return honest[2](ranks, n_gallery*3//4, **more)"""),
    "random weights": ("04_features", "efficientnet_lite0/none", """import torch; torch.manual_seed(0)
from efficientnet_lite_pytorch import EfficientNet
EfficientNet.load_state_dict = lambda net, weights: None"""),
}

@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_fails_the_gate(bench, fault):
    stage, method, code = FAULTS[fault]
    bench.plant(stage, code)
    try: assert not bench()
    finally: bench.plant(stage)
    figures = pd.DataFrame(bench.metrics()["gate"]["figures"])
    dropped = figures[figures.verdict == "dropped"]
    print(fault, dropped[["figure", "before", "after", "p"]].to_string())
    assert bench.metrics()["gate"]["verdict"] == "failed" and dropped.figure.str.endswith(method).any()
    suite, page, summary = ElementTree.parse(bench.run/"junit.xml").getroot(), bench.page(), (bench.run/"summary.md").read_text(encoding="utf-8")
    assert suite.get("failures") == str(len(dropped)) and "❌" in summary and page.index("Accuracy has dropped") < page.index("How often")
    lost = dropped.lost[dropped.lost != ""].iloc[0].split(";")
    assert len(lost) > 3 and lost[0] in summary and page.count("at the baseline, second row") >= 3  # shown side by side
    assert {o for o, s in bench.status().items() if s == "done"} <= {"04_features", "05_similarity"}


def test_the_gate_recovers(bench):
    assert bench() and bench.metrics()["gate"]["verdict"] == "passed"


def test_baseline_is_kept_with_its_reason(bench):
    path = baseline_file(bench.profile)
    accepted, history = read_baseline(path), pd.read_csv(bench.folder/"bench.baseline.history.csv")
    assert accepted["reason"] == history.reason[0] == "first of its kind" and history.profile[0] == "bench"
    assert {"cpu", "versions", "commit"} <= set(accepted["environment"]) and "Accepted on" in bench.page() and "history" not in bench.said
    assert all(len(o) == 10 for o in accepted["answers"]["color_histogram/mask"].values()) and path.stat().st_size < 60_000
    assert bench(update_baseline="again") and len(pd.read_csv(bench.folder/"bench.baseline.history.csv")) == 2


def test_other_baselines_are_refused(bench, tmp_path):
    path = baseline_file(bench.profile)
    good = path.read_text()
    try:
        for change, match in ((dict(profile="other"), "is of profile other"), (dict(table=dict(photos=9, digest="")), "9 photos then, 220 now")):
            write_baseline({**read_baseline(path), **change}, path)
            with pytest.raises(BadInput, match=match): bench()
            path.write_text(good)
        path.write_text(good[:99])
        with pytest.raises(BadInput, match="is damaged"): bench()
    finally: path.write_text(good)


def test_gate_sees_a_broken_feature(toy):
    now = make_baseline(toy/"one", "toy")
    assert set(compare_with_baseline(now, now).verdict) == {"same"}
    many = {f"q{i}": 1 for i in range(100)}
    good, bad = dict(profile="toy", iou={}, ranks={"f/mask": many}), dict(profile="toy", iou={}, ranks={"f/mask": {k: 99 for k in many}})
    assert compare_with_baseline(bad, good).verdict.tolist() == ["dropped"]


def test_failed_stage_leaves_partial_run(toy):
    (toy/"images.csv").write_text("image_id,item_id,role,path,split\na,a,snapshot,gone.jpg,valid\n")
    with pytest.raises(BadInput, match="00_data: photo .*gone.jpg does not exist"): run_report(toy/"toy.yaml", toy/"failed", images=toy/"images.csv")
    assert (toy/"failed"/"00_data.ipynb").exists() and not (toy/"failed"/"01_labeling.ipynb").exists()
    page = (toy/"failed"/"report.html").read_text(encoding="utf-8")
    assert "The run failed" in page and page.count(">not run<") == len(STAGES) - 1
    assert ElementTree.parse(toy/"failed"/"junit.xml").getroot().get("errors") == "1"


def test_traceback_stands_in_the_page(bench):
    bench.plant("05_similarity", "photos = {}\nphotos['of_nobody']")
    with pytest.raises(BadInput, match=r"05_similarity failed in cell \d+ .*KeyError"): bench()
    assert "photos[" in bench.page() and "KeyError" in bench.page() and bench.status()["05_similarity"] == "failed"
    bench.plant("05_similarity", "import time; time.sleep(99)")
    bench.profile.write_text(bench.profile.read_text() + "cell_minutes: 0.2\n")
    try:
        with pytest.raises(BadInput, match=r"05_similarity took longer than 0.2 minutes in cell \d+ "): bench()
    finally:
        bench.profile.write_text(bench.profile.read_text().replace("cell_minutes: 0.2\n", ""))
        bench.plant("05_similarity")


def test_full_disk_is_one_sentence(bench, monkeypatch):
    bench.plant("05_similarity", "raise OSError(28, 'No space left on device')")
    with pytest.raises(BadInput, match="05_similarity found the disk full in cell"): bench()
    bench.plant("05_similarity")
    def full(*args, **kwargs): raise OSError(28, "No space left on device", "x.json")
    monkeypatch.setattr(report, "gather_metrics", full)
    with pytest.raises(BadInput, match="the disk is full .*finished stages are kept"): bench()


def test_interrupted_run_goes_on(bench, tmp_path):
    "SIGINT in the middle of a stage: exit 130, and the same command takes up the finished ones"
    bench.plant("05_similarity", "(run/'here').touch()\nimport time; time.sleep(99)")
    code = ("import sys; from pathlib import Path; from fashion_retail import report, runner\n"
            f"report.notebooks_dir = runner.notebooks_dir = lambda: Path({str(bench.folder)!r})\nfrom fashion_retail.cli import main\nmain()")
    command = [sys.executable, "-c", code, "report", "--profile", str(bench.profile), "--out", str(bench.run)]
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs, such as CI's, ignore it
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed)
    try:
        for _ in range(600):
            if (bench.run/"here").exists() or process.poll() is not None: break
            time.sleep(0.1)
        with pytest.raises(BadInput, match=f"process {process.pid} is at work"): bench()  # two runs in one folder
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally: process.kill()
    assert process.returncode == 130 and "goes on" in out and "Traceback" not in err, out + err
    assert bench.status()["05_similarity"] == "interrupted" and bench.status()["04_features"] == "reused"
    bench.plant("05_similarity")
    assert bench() and [k for k, o in bench.status().items() if o == "done"] == ["05_similarity"]


def test_own_table_without_masks_or_catalogue(bench, tmp_path):
    "What cannot be computed is said, the rest is reported; also for a table with one row and a gallery of three"
    table = read_table(bench.run/"wardrobe")
    table["mask_path"] = ""
    valid = table[table.split == "valid"]
    few = valid[valid.item_id.isin(valid.item_id.unique()[:3])]
    (tmp_path/"few").mkdir()  # a run folder from before there were records
    (tmp_path/"few"/"params.yaml").write_text("profile: bench\nstages: {}\n")
    (tmp_path/"few"/"ranks.csv").write_text("stale")
    for name, rows, match in (("few", few, "no snapshot of split valid has a mask"), ("one", valid[valid.role == "snapshot"][:1], "no catalogue photos")):
        write_table(rows, tmp_path/f"{name}.csv")
        said = []
        assert run_report(bench.profile, tmp_path/name, images=tmp_path/f"{name}.csv", say=said.append)
        assert ("the run folder is of another version or unfinished: everything is done anew" in said) == (name == "few")
        metrics, page = json.loads((tmp_path/name/"metrics.json").read_text()), (tmp_path/name/"report.html").read_text(encoding="utf-8")
        assert match in page and match in (tmp_path/name/"summary.md").read_text() and "Not computed" in page
        assert set(metrics["retrieval"]) == (set() if name == "one" else {"color_histogram/none", "efficientnet_lite0/none"})
        status = json.loads((tmp_path/name/"status.json").read_text())
        assert status["03_training"]["status"] == "left out" and status["05_similarity"]["status"] == "done"


def test_refused_before_anything_runs(toy):
    for assignments, match in ((["images=nowhere"], "no images table nowhere"), (["seed=[1"], "no YAML value"), (["images.x=1"], "not a room"), (["seed"], "no value"),
                               (["features=gust"], "names 'gust': unknown features"), (["cutouts=none scissors"], "names 'scissors'"),
                               (["cell_minutes=-1"], "above 0"), (["images=''"], "names no images")):
        with pytest.raises(BadInput, match=match): run_report(toy/"toy.yaml", toy/"refused", assignments)
    with pytest.raises(BadInput, match="does not go with --set"): run_report(toy/"toy.yaml", toy/"refused", ["seed=2"], "better")
    assert not (toy/"refused").exists()


def test_foreign_folder_is_not_touched(toy):
    (toy/"mine").mkdir()
    (toy/"mine"/"thesis.txt").write_text("years of work")
    (toy/"mine"/"params.yaml").write_text("lr: 0.1")  # another tool's file of that name
    with pytest.raises(BadInput, match="no run folder"): run_report(toy/"toy.yaml", toy/"mine")
    assert (toy/"mine"/"thesis.txt").read_text() == "years of work"


def test_accepted_baseline_is_small():
    "What is committed for the default profile: readable by this version, and no burden to a checkout"
    path = NOTEBOOKS.parent/"data"/"baselines"/"default.json"
    accepted = read_baseline(path)
    assert accepted["profile"] == "default" and path.stat().st_size < 150_000 and accepted["reason"]
