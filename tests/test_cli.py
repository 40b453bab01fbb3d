"The console command: its contracts, and bad input as one sentence with exit code 2"
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from commands import command, in_new_process, refused
from fashion_retail.data import load_image, load_mask, read_table, save_mask, write_table


def commands_of(app, before=""):
    "The names of all commands, such as `label-quality` and `benchmark search`"
    for one in app.registered_commands: yield before + (one.name or one.callback.__name__.replace("_", "-"))
    for group in app.registered_groups: yield from commands_of(group.typer_instance, f"{group.name} ")


TABLE = ["--images", "{few}", "--split", "valid"]
SMOKE = { # arguments, and what is said; `train` is run by the fixture `segmenter`, `train-ranking` by test_ranking
    "report": (["--profile", "defualt"], "unknown profile"),
    "table": (["--catalogue", "{few}/shop", "--snapshots", "{few}/phone", "--out", "{out}/t.csv"], "2 catalogue photos and 2"),
    "import": (["--list"], "deepfashion2: "),
    "names": ([], "tiramisu@FILE"),
    "segment": (["{photo}", "--out", "{out}", "--method", "otsu"], "otsu finds a garment"),
    "score": ([*TABLE, "--method", "otsu", "--out", "{out}/s.json"], "iou_mean"),
    "evaluate": ([*TABLE, "--cutout", "none", "--features", "hog", "--out", "{out}/e.json"], "top10"),
    "cache": ([], " masks, "),
    "search": (["{photo}", "--catalogue", "{few}/nothing"], "nothing"),
    "catalogue info": (["{few}"], "no catalogue"),
    "label": (["{few}", "--out", "{out}/label", "--start", "otsu"], "0 masks proposed"),
    "label-benchmark": ([*TABLE, "--limit", "1", "--out", "{out}/b.json"], "noc90"),
    "label-quality": ([*TABLE, "--out", "{out}/q.json"], '"n": 2'),
    "duplicates": (["{few}", "--out", "{out}/d.csv", "--neighbors", "0"], "at least"),
    "tag": (["{few}", "--columns", "nothing", "--out", "{out}/t.csv"], "nothing"),
    "tag-check": (["{few}", "--columns", "nothing", "--out", "{out}/c.csv"], "nothing"),
    "tag-benchmark": (["--images", "{few}", "--columns", "nothing", "--out", "{out}/b"], "nothing"),
    "tag-start": (["--images", "{few}", "--out", "{out}/b"], "the judge"),
    "label-campaign": (["--images", "{few}", "--columns", "nothing", "--out", "{out}/b"], "nothing"),
    "benchmark tiramisu": (["--size", "16", "--out", "{out}/t.json"], "at least 32 px"),
    "benchmark search": (["--queries", "9", "--gallery", "30", "--dim", "4", "--out", "{out}/f.json"], "search_ratio"),
    "benchmark features": (["--photos", "0", "--out", "{out}/p.json"], "at least one of 32 px"),
    "benchmark embed": (["--photos", "0", "--out", "{out}/p.json"], "at least one of 32 px"),
    "benchmark shortcuts": (["--photos", "0", "--out", "{out}/p.csv"], "at least two of 32 px"),
    "benchmark sizes": (["--features", "nothing", "--limit", "2", "--out", "{out}/s.csv"], "unknown features"),
    "benchmark duplicates": (["--part", "all", "--out", "{out}/d.csv"], "unknown part 'all'"),
}


@pytest.fixture(scope="module")
def few(wardrobe, tmp_path_factory):
    "A table of two queries and their catalogue photos"
    folder, table = tmp_path_factory.mktemp("few"), read_table(wardrobe)
    some = table.item_id[table.split == "valid"].unique()[:2]
    write_table(table[table.item_id.isin(some)].drop_duplicates(["item_id", "role"]), folder/"images.csv")
    some = read_table(folder)
    for role, place in (("catalogue", "shop"), ("snapshot", "phone")):
        (folder/place).mkdir()
        for row in some[some.role == role].itertuples(): shutil.copy(row.path, folder/place/f"{row.item_id}.jpg")
    return folder


@pytest.mark.parametrize("name", SMOKE)
def test_every_command_runs_in_a_process_of_its_own(few, tmp_path, name):
    args, said = SMOKE[name]
    photo = read_table(few).path[0]
    args = [one.format(few=few, out=tmp_path, photo=photo) for one in args]
    code = 2 if said.startswith(("unknown", "at least", "no", "the judge")) and said != "noc90" else 0
    done = in_new_process(*name.split(), *args, code=code)
    assert said in (done.stderr if code else done.stdout), done


def test_no_command_is_without_a_smoke_test():
    from fashion_retail.cli import app
    more = {f"catalogue {name}" for name in "build add update remove rebuild check calibrate".split()}  # in test_catalogue
    more |= {"catalogue merge", "train-duplicates", "catalogue optimize", "benchmark index", "benchmark workers"}  # in test_duplicates, test_scale
    more |= {"serve", "demo", "feedback", "benchmark serve"}  # in test_serve
    assert set(commands_of(app)) == {*SMOKE, *more, "train", "train-ranking"}


def test_names_lists_the_registries():
    from fashion_retail.cutout import CUTOUTS
    from fashion_retail.features import FAMILIES, FEATURES
    said = command("names").stdout
    for name in (*CUTOUTS, *FEATURES, *(f"{family}:NAME" for family in FAMILIES)): assert f"  {name}" in said, name


def test_segment_works_without_training(wardrobe, tmp_path):
    "With the weights that ship: a mask of the photo's size that finds the garment, a transparent cut-out, a confidence"
    row = read_table(wardrobe).query("role == 'snapshot'").iloc[0]
    done = command("segment", row.path, "--out", tmp_path)
    name = Path(row.path).stem
    mask, truth = load_mask(tmp_path/f"{name}.mask.png", load_image(row.path).shape), load_mask(row.mask_path)
    assert "garments finds a garment" in done.stdout and "confidence 0." in done.stdout
    assert (mask & truth).sum()/(mask | truth).sum() > 0.7
    cutout = np.asarray(Image.open(tmp_path/f"{name}.cutout.png"))
    assert (cutout[..., 3] == mask*255).all() and not cutout[~mask].any()


def test_train_learns_classes_and_writes_a_card(wardrobe, tmp_path):
    folder = shutil.copytree(wardrobe, tmp_path/"my photos")  # a blank in a path is no second table
    table = read_table(folder)
    for row in table[table.mask_path != ""].itertuples():
        Image.fromarray(load_mask(row.mask_path).astype(np.uint8)*2).save(folder/f"{row.image_id}.label.png")
    table["label_path"] = [str(folder/f"{row.image_id}.label.png") if row.mask_path else "" for row in table.itertuples()]
    write_table(table, folder/"images.csv")
    (folder/"labels.json").write_text('["background", "nothing", "garment"]')
    small = ("epochs=1", "size=32", "encoder=efficientnet_lite0", "n_layers_per_block=[1,1,1,1,1]")
    small = [part for one in small for part in ("--set", f"training.{one}")]
    snapshots = table[(table.role == "snapshot") & (table.mask_path != "")].split.value_counts()
    command("train", "--images", folder, "--labels", "--out", tmp_path/"out", *small)
    card = json.loads((tmp_path/"out"/"card.json").read_text())
    assert card["photos"]["train"] == snapshots["train"] and card["environment"]["cores"]
    command("train", "--images", f"{wardrobe} {wardrobe}/images.csv", "--out", tmp_path/"both", *small)  # the same names twice
    assert json.loads((tmp_path/"both"/"card.json").read_text())["valid"]["n"] == 2*snapshots["valid"]
    weights = tmp_path/"out"/"segmenter.safetensors"
    assert "know 3 classes" in refused("segment", table.path[0], "--out", tmp_path, "--method", f"tiramisu@{weights}")


def test_help_and_import_leave_torch_alone():
    for code in ("import fashion_retail", "import fashion_retail.cli"):
        loaded = subprocess.run([sys.executable, "-c", f"{code}; import sys; print([o for o in ('torch', 'fastai', 'pandas') if o in sys.modules])"],
                                capture_output=True, text=True).stdout.strip()
        assert loaded == "[]"
    for name in ("report", "table", "segment", "score", "evaluate", "train"): assert name in command("--help").stdout


def test_evaluate_contract(wardrobe, tmp_path):
    command("evaluate", "--images", wardrobe/"images.csv", "--split", "valid", "--cutout", "mask", "--features", "color_histogram",
            "--gallery-split", "train", "valid", "--out", tmp_path/"e.json", "--ranks", tmp_path/"r.csv")
    result, ranks, table = json.loads((tmp_path/"e.json").read_text()), pd.read_csv(tmp_path/"r.csv"), read_table(wardrobe)
    keys = "features cutout n_queries n_gallery top1 top5 top10 top10_low top10_high mrr median_rank seconds_per_query".split()
    assert set(keys) <= set(result) and result["n_gallery"] == 16 and result["n_queries"] == len(ranks)
    assert result["top10"] == (ranks["rank"] <= 10).mean() and result["top1"] <= result["top5"] <= result["top10"]
    item = table.set_index("image_id").item_id
    for row in ranks.itertuples():  # the rank says where the answer stands in the list
        answers = [item[o] for o in json.loads(row.answers)]
        assert (row.item_id in answers) == (row.rank <= 10) and (row.rank > 10 or answers[row.rank - 1] == row.item_id)


def test_queries_without_an_answer_are_counted(wardrobe, tmp_path):
    folder = tmp_path/"w"
    shutil.copytree(wardrobe, folder)
    table = pd.read_csv(folder/"images.csv", keep_default_na=False)
    valid = table[(table.split == "valid") & (table.role == "catalogue")]
    table.drop(valid.index[0]).to_csv(folder/"images.csv", index=False)
    done = command("evaluate", "--images", folder, "--split", "valid", "--cutout", "none", "--features", "color_histogram", "--out", tmp_path/"e.json")
    result = json.loads((tmp_path/"e.json").read_text())
    assert (result["n_without_answer"], result["n_queries"]) == (1, len(valid) - 1)
    assert "1 of" in done.stderr and "catalogue" in done.stderr
    assert f"a gallery of {len(valid) - 1} photos makes" in done.stderr and "always 1" in done.stderr  # top-10 measures nothing


@pytest.mark.parametrize("method", ["grabcut", "otsu", "tiramisu"])
def test_score_contract(wardrobe, segmenter, tmp_path, method):
    spec = f"tiramisu@{segmenter}" if method == "tiramisu" else method
    command("score", "--images", wardrobe/"images.csv", "--split", "valid", "--method", spec, "--out", tmp_path/"s.json")
    result = json.loads((tmp_path/"s.json").read_text())
    assert set("method n iou_mean iou_median iou_p10 dice_mean pixel_accuracy boundary_f seconds_per_image".split()) == set(result)
    assert 0 <= result["iou_p10"] <= result["iou_median"] <= 1 and result["seconds_per_image"] > 0
    if method == "grabcut": assert result["iou_mean"] > 0.7


def test_segment_contract(wardrobe, tmp_path):
    table = read_table(wardrobe)
    snapshot = table[table.role == "snapshot"].iloc[0]
    (tmp_path/"empty.jpg").write_bytes(b"")
    done = command("segment", snapshot.path, tmp_path/"empty.jpg", "--out", tmp_path, "--method", "grabcut", code=2)
    assert "empty.jpg is empty (0 bytes)" in done.stderr  # the bad photo is named and the good one done
    name = Path(snapshot.path).stem
    cutout, photo = np.asarray(Image.open(tmp_path/f"{name}.cutout.png")), load_image(snapshot.path)
    mask = load_mask(tmp_path/f"{name}.mask.png", photo.shape)
    assert cutout.shape == (*photo.shape[:2], 4) and (cutout[..., 3] == mask*255).all() and (cutout[mask][:, :3] == photo[mask]).all()


def test_table_from_two_folders(wardrobe, tmp_path):
    "File names that share ids become an images table that the other commands take; what does not fit is named"
    table = read_table(wardrobe)
    for role, folder in (("catalogue", "shop"), ("snapshot", "phone")):
        (tmp_path/folder).mkdir()
        for i, row in enumerate(table[table.role == role].itertuples()):
            shutil.copy(row.path, tmp_path/folder/f"{row.item_id}{'' if role == 'catalogue' else f'_{i}'}{Path(row.path).suffix}")
            if role == "snapshot": shutil.copy(row.mask_path, tmp_path/folder/f"{row.item_id}_{i}.mask.png")
    Image.fromarray(load_image(table.path[0])[::-1]).save(tmp_path/"phone"/"stranger.jpg")
    done = command("table", "--catalogue", tmp_path/"shop", "--snapshots", tmp_path/"phone", "--out", tmp_path/"images.csv")
    assert "snapshots whose item is not in the catalogue: 1 (snapshot/stranger.jpg)" in done.stdout
    made, n = read_table(tmp_path), (table.role == "snapshot").sum()
    assert (made.role == "snapshot").sum() == n + 1 and (made.mask_path != "").sum() == n and set(made.split) == {"valid"}
    done = command("evaluate", "--images", tmp_path/"images.csv", "--split", "valid", "--cutout", "none", "--features", "color_histogram", "--out", tmp_path/"e.json")
    result = json.loads((tmp_path/"e.json").read_text())
    assert (result["n_queries"], result["n_without_answer"]) == (n, 1)
    folders = "--catalogue", tmp_path/"shop", "--snapshots", tmp_path/"phone"
    assert "no regular expression" in refused("table", *folders, "--out", tmp_path/"x.csv", "--id", "(")
    assert "is a folder" in refused("table", *folders, "--out", tmp_path)
    assert "is no folder" in refused("table", "--catalogue", tmp_path/"gone", "--snapshots", tmp_path, "--out", tmp_path/"x.csv")
    assert "no snapshot shares an id" in refused("table", *folders, "--out", tmp_path/"x.csv", "--id", "(.*)")


def test_bad_input_is_one_sentence(wardrobe, segmenter, tmp_path):
    def evaluate(images, *more, split="valid", cutout="none", features="color_histogram"):
        return refused("evaluate", "--images", images, "--split", split, "--cutout", cutout, "--features", features, "--out", tmp_path/"x.json", *more)

    def changed(name, change):
        folder = tmp_path/name
        shutil.copytree(wardrobe, folder)
        change(folder, table := pd.read_csv(folder/"images.csv", keep_default_na=False))
        table.to_csv(folder/"images.csv", index=False)
        return folder

    def set_cell(column, value):
        def change(folder, table): table.loc[table.index[(table.split == "valid") & (table.role == "snapshot")][0], column] = value
        return change

    def damage(content):
        def change(folder, table):
            path = folder/table[(table.split == "valid") & (table.role == "snapshot")].path.iloc[0]
            path.write_bytes(content if content is not None else path.read_bytes()[:1500])
        return change

    assert "does not exist" in evaluate(changed("gone", set_cell("path", "gone.jpg")))
    assert "is empty (0 bytes)" in evaluate(changed("zero", damage(b"")))
    assert "cannot be read" in evaluate(changed("half", damage(None)))
    assert "stands more than once" in evaluate(changed("twice", set_cell("image_id", "studio-0000")))
    assert "role is 'phone'" in evaluate(changed("role", set_cell("role", "phone")))
    assert "sits in two splits" in evaluate(changed("leak", lambda folder, table: table.__setitem__("item_id", "one")))
    assert "mask_path" in evaluate(changed("nomask", set_cell("mask_path", "")), cutout="mask")
    other = changed("size", set_cell("mask_path", "other.png"))
    save_mask(np.ones((9, 9), bool), other/"other.png")
    assert "9×9 pixels" in evaluate(other, cutout="mask")
    Image.fromarray(np.uint8(load_mask(read_table(wardrobe).mask_path[0]))*2).save(other/"other.png")
    assert "values from 0 to 2" in evaluate(other, cutout="mask")
    assert "is a folder" in evaluate(wardrobe, "--ranks", tmp_path)
    assert "do not fill one batch" in refused("train", "--images", wardrobe, "--out", tmp_path/"t", "--set", "training.batch_size=500")
    assert "no rows" in evaluate(wardrobe, split="test")
    assert "unknown features" in evaluate(wardrobe, features="gust")
    assert "unknown cut-out" in evaluate(wardrobe, cutout="scissors")
    assert "no images table" in evaluate(tmp_path/"nothing")
    assert "takes no weights" in evaluate(wardrobe, cutout=f"none@{segmenter}")
    assert "takes no weights" in evaluate(wardrobe, features=f"hog@{segmenter}")
    assert "unknown profile" in refused("report", "--profile", "defualt")
    assert "unknown parameter" in refused("report", "--set", "epoch=1", "--out", tmp_path/"r")
    assert "names 'gust'" in refused("report", "--set", "features=gust", "--out", tmp_path/"r")
    assert "no images table" in refused("report", "--images", tmp_path/"nothing", "--out", tmp_path/"r")
    assert "use auto, cpu or cuda" in refused("score", "--images", wardrobe, "--split", "valid", "--method", f"tiramisu@{segmenter}",
                                                "--device", "tpu", "--out", tmp_path/"x.json")
    pickled = tmp_path/"pickle.safetensors"
    torch.save({"a": torch.ones(1)}, pickled)
    assert "pickle" in refused("segment", read_table(wardrobe).path[0], "--method", f"tiramisu@{pickled}", "--out", tmp_path)
    assert not (tmp_path/"x.json").exists() and not (tmp_path/"r").exists()
