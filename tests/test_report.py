"The report from end to end, at toy size"
import json, re

import pandas as pd, pytest, yaml

from fashion_retail.data import BadInput
from fashion_retail.report import compare_with_baseline, make_baseline, run_report

TOY = dict(images="wardrobe", seed=1, wardrobe=dict(n_items=16, size=128, valid=0.5),
           training=dict(size=32, epochs=1, batch_size=4, n_filters_first_conv=8, growth_rate=4, n_layers_per_block=[1, 1, 1]))


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    "A profile file, and the folders of two runs of it"
    folder = tmp_path_factory.mktemp("report")
    profile = folder/"toy.yaml"
    profile.write_text(yaml.safe_dump(TOY))
    for run in ("one", "two"): assert run_report(profile, folder/run)
    return folder


def test_two_runs_agree_but_for_times(toy):
    one, two = (json.loads((toy/o/"metrics.json").read_text()) for o in ("one", "two"))
    assert one.pop("seconds").keys() == two.pop("seconds").keys()
    assert one == two


def test_run_folder_is_complete(toy):
    run = toy/"one"
    metrics, ranks = json.loads((run/"metrics.json").read_text()), pd.read_csv(run/"ranks.csv")
    assert set(metrics["retrieval"]) == {f"{f}/{c}" for f in ("color_histogram", "efficientnet_lite0") for c in ("none", "grabcut", "tiramisu", "mask")}
    assert set(metrics["segmentation"]) == {"grabcut", "tiramisu"}
    for method, o in ranks.groupby(["features", "cutout"]): assert metrics["retrieval"]["/".join(method)]["top10"] == (o["rank"] <= 10).mean()
    environment = json.loads((run/"environment.json").read_text())
    assert environment["seeds"] == [1] and {"commit", "cpu", "cores", "gpu", "versions"} <= set(environment)
    assert yaml.safe_load((run/"params.yaml").read_text())["profile"] == "toy"
    assert {o.name for o in run.glob("*.ipynb")} == {f"{o}.ipynb" for o in "10_wardrobe 00_data 01_labeling 02_tiramisu 03_training 04_features 05_similarity".split()}


def test_page_stands_alone(toy):
    page = (toy/"one"/"report.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:)', page) and len(page) < 5_000_000
    assert page.count("<img") == page.count(" alt=") >= 6 and "among ten" in page


def test_gate_sees_a_broken_feature(toy):
    now = make_baseline(toy/"one", "toy")
    assert set(compare_with_baseline(now, now).verdict) == {"same"}
    many = {f"q{i}": 1 for i in range(100)}
    good, bad = dict(profile="toy", iou={}, ranks={"f/mask": many}), dict(profile="toy", iou={}, ranks={"f/mask": {k: 99 for k in many}})
    assert compare_with_baseline(bad, good).verdict.tolist() == ["dropped"]


def test_failed_stage_leaves_partial_run(toy):
    (toy/"images.csv").write_text("image_id,item_id,role,path,split\na,a,snapshot,gone.jpg,train\n")
    with pytest.raises(BadInput, match="00_data: photo .*gone.jpg does not exist"): run_report(toy/"toy.yaml", toy/"failed", [f"images={toy/'images.csv'}"])
    assert (toy/"failed"/"00_data.ipynb").exists() and not (toy/"failed"/"01_labeling.ipynb").exists()
    assert "The run failed" in (toy/"failed"/"report.html").read_text(encoding="utf-8")


def test_refused_before_anything_runs(toy):
    for assignments, match in ((["images=nowhere"], "no images table nowhere"), (["seed=[1"], "no YAML value"), (["images.x=1"], "not a room"), (["seed"], "no value")):
        with pytest.raises(BadInput, match=match): run_report(toy/"toy.yaml", toy/"refused", assignments)
    assert not (toy/"refused").exists()


def test_foreign_folder_is_not_touched(toy):
    (toy/"mine").mkdir()
    (toy/"mine"/"thesis.txt").write_text("years of work")
    (toy/"mine"/"params.yaml").write_text("lr: 0.1")  # another tool's file of that name
    with pytest.raises(BadInput, match="no run folder"): run_report(toy/"toy.yaml", toy/"mine")
    assert (toy/"mine"/"thesis.txt").read_text() == "years of work"
