"Masks and vectors by content: photos that cannot be read, empty masks, weights, retaken photos, and the store on disk"
import json
import multiprocessing
import os
import shutil
import time

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from commands import command, refused
from fashion_retail.core import BadInput
from fashion_retail.cutout import GrabCut, Tiramisu, cutout
from fashion_retail.data import load_image, load_mask, read_table, save_mask, write_table
from fashion_retail.descriptors import Descriptor, Preparation
from fashion_retail.evaluation import evaluate as evaluate_table
from fashion_retail.features import Store, descriptor, embed


def evaluate(images, out, *more, cutout="mask", features="color_histogram"):
    "Result and ranks of `fashion-retail evaluate`, and what it said"
    done = command("evaluate", "--images", images, "--split", "valid", "--gallery-split", "train", "valid", "--cutout", cutout,
                   "--features", features, "--out", out/"e.json", "--ranks", out/"r.csv", *more)
    ranks = pd.read_csv(out/"r.csv", keep_default_na=False)
    return json.loads((out/"e.json").read_text()), ranks.assign(answers=ranks.answers.map(json.loads)), done.stderr


@pytest.fixture
def copied(wardrobe, tmp_path):
    "A copy of the wardrobe that may be changed"
    return shutil.copytree(wardrobe, tmp_path/"w")


def retake(path):
    "Another photo in the same file"
    image = np.roll(load_image(path), 30, axis=1)
    Image.fromarray(image).save(path)


def test_unreadable_photos_and_empty_masks_are_counted(wardrobe, tmp_path):
    table = read_table(wardrobe)
    queries, gallery = table.index[(table.split == "valid") & (table.role == "snapshot")], table.index[table.role == "catalogue"]
    for name, row, size in (("half.jpg", queries[0], 1500), ("third.jpg", gallery[0], 1000)):
        (tmp_path/name).write_bytes(open(table.path[row], "rb").read()[:size])
        table.loc[row, "path"] = str(tmp_path/name)
    table.loc[gallery[0], "mask_path"] = ""
    save_mask(np.zeros(load_image(table.path[queries[1]]).shape[:2], bool), tmp_path/"empty.png")
    table.loc[queries[1], "mask_path"] = str(tmp_path/"empty.png")
    write_table(table, tmp_path/"images.csv")
    result, ranks, said = evaluate(tmp_path, tmp_path, "--skip-unreadable")
    ids = table.image_id
    assert result["unreadable"] == [ids[queries[0]], ids[gallery[0]]] and result["n_gallery"] == len(gallery) - 1
    assert ranks.image_id.tolist() == ids[queries].tolist() and ranks["rank"][0] == 0 and ranks.answers[0] == []
    assert ranks.empty_mask.tolist() == [False, True] + [False]*(len(queries) - 2) and result["n_empty_masks"] == 1
    assert "photos that cannot be read, left out: 2" in said and "empty masks: 1" in said
    assert ids[gallery[0]] not in set(ranks.answers.explode())
    assert ".jpg cannot be read (" in refused("evaluate", "--images", tmp_path, "--split", "valid", "--cutout", "none",
                                                 "--features", "color_histogram", "--out", tmp_path/"x.json")


def test_second_evaluation_is_found_by_content(copied, tmp_path, monkeypatch):
    "Nothing is made again after a rename; another mask makes one vector anew; --no-cache; show and clear"
    monkeypatch.setenv("FASHION_RETAIL_CACHE", str(tmp_path/"cache"))
    first, ranks, _ = evaluate(copied, tmp_path)
    count = first["n_gallery"] + first["n_queries"]
    assert first["n_cached"] == 0 and evaluate(copied, tmp_path, "--no-cache")[0]["n_cached"] == 0
    again, same, _ = evaluate(copied, tmp_path)
    assert again["n_cached"] == count and same.equals(ranks)
    table = pd.read_csv(copied/"images.csv", keep_default_na=False)
    row = table.index[(table.split == "valid") & (table.role == "snapshot")][0]
    (copied/table.path[row]).rename(copied/"renamed.jpg")
    table.loc[row, "path"] = "renamed.jpg"
    table.to_csv(copied/"images.csv", index=False)
    assert evaluate(copied, tmp_path)[0]["n_cached"] == count
    mask = copied/table.mask_path[row]
    save_mask(~load_mask(mask), mask)
    assert evaluate(copied, tmp_path)[0]["n_cached"] == count - 1
    said = command("cache").stdout
    assert f"vectors of color_histogram, version {descriptor('color_histogram').version}: {count + 1} photos" in said
    assert f" {count + 1} vectors" in said and " masks," in said and str(tmp_path/"cache") in said
    (tmp_path/"cache"/"vectors-0.sqlite").write_bytes(b"of long ago")
    assert "vectors-0.sqlite: written by another version" in command("cache").stdout
    assert " 0 masks and vectors thrown away" in command("cache", "--clear", "hog").stdout
    assert f" {count + 1} masks and vectors thrown away" in command("cache", "--clear", "color_histogram").stdout
    command("cache", "--clear")
    assert not list((tmp_path/"cache").glob("vectors-0*")) and ": 0 masks, 0 vectors, 0.0 MB" in command("cache").stdout


def test_second_evaluation_does_no_network_work(wardrobe, segmenter, tmp_path, monkeypatch):
    "Neither the segmenter nor the descriptor runs, no photo is cut out or even opened"
    table, store = read_table(wardrobe), Store(tmp_path)
    first = evaluate_table(table, "valid", f"tiramisu@{segmenter}", "efficientnet_lite0", store=store)
    kinds = store.contents().groupby("kind").photos.sum()
    assert kinds["vectors"] == len(first.queries) + len(first.gallery) and kinds["masks"] >= len(first.queries)
    def fails(*args, **kwargs): raise AssertionError("worked again")
    for owner, name in ((torch.nn.Module, "__call__"), (Tiramisu, "with_confidence"), (Descriptor, "transform"),
                        (Image, "open")):
        monkeypatch.setattr(owner, name, fails)
    again = evaluate_table(table, "valid", f"tiramisu@{segmenter}", "efficientnet_lite0", store=store)
    assert again.metrics["n_cached"] == kinds["vectors"] and again.ranks.equals(first.ranks) and again.answers == first.answers


def test_evaluation_of_retaken_photos_and_with_other_weights(copied, segmenter, tmp_path, monkeypatch):
    "What was made from other bytes is made again, and only that"
    made, cut = [], Tiramisu.with_confidence
    monkeypatch.setattr(Tiramisu, "with_confidence", lambda self, image: made.append(self.spec) or cut(self, image))
    table, store = read_table(copied), Store(tmp_path/"cache")
    def new(spec, features="color_histogram"):
        made.clear()
        one = evaluate_table(table, "valid", spec, features, store=store)
        return len(made), len(one.queries) + len(one.gallery) - one.metrics["n_cached"]
    count = ((table.split == "valid") & (table.role == "snapshot")).sum()
    both = (table.split == "valid").sum()
    assert new(f"tiramisu@{segmenter}") == (count, both) and new(f"tiramisu@{segmenter}") == (0, 0)
    assert new(f"tiramisu@{segmenter}", "hog") == (0, both)  # the masks serve another descriptor
    retake(table.path[(table.split == "valid") & (table.role == "snapshot")].iloc[0])
    assert new(f"tiramisu@{segmenter}") == (1, 1)
    assert new("tiramisu") == (count, count)  # other weights: queries anew, catalogue photos as before
    other = shutil.copy(segmenter, tmp_path/"elsewhere.safetensors")
    assert new(f"tiramisu@{other}") == (0, 0)  # the same bytes in another place


def test_label_makes_masks_of_retaken_photos_and_with_other_weights_anew(wardrobe, segmenter, tmp_path, monkeypatch):
    rows = read_table(wardrobe).query("role == 'snapshot'").head(3).reset_index(drop=True)
    rows["path"] = [shutil.copy(row.path, tmp_path/f"{row.image_id}.png") for row in rows.itertuples()]
    for path in rows.path: Image.fromarray(load_image(path)).save(path)
    write_table(rows.assign(mask_path=""), tmp_path/"images.csv")
    def label(out, start="grabcut"):
        command("label", tmp_path/"images.csv", "--out", tmp_path/out, "--start", start)
        found = read_table(tmp_path/out).set_index("image_id")
        return [load_mask(found.mask_path[image_id]) for image_id in rows.image_id]
    def same(one, other): return all((a == b).all() for a, b in zip(one, other))
    before = label("out")
    with monkeypatch.context() as patch:  # unchanged photos are not cut out again
        patch.setattr(GrabCut, "with_confidence", None)
        assert same(label("out"), before)
    for path in rows.path: retake(path)
    after = label("out")
    assert not same(after, before) and same(after, label("fresh"))
    shipped, other = label("out", "tiramisu"), label("out", f"tiramisu@{segmenter}")
    assert not same(shipped, other) and same(other, label("fresh", f"tiramisu@{segmenter}"))


def test_weights_that_do_not_fit(wardrobe, segmenter, tmp_path):
    nameless = tmp_path/"nameless.safetensors"
    save_file({"a": torch.zeros(1)}, nameless)
    evaluate(wardrobe, tmp_path, cutout=f"tiramisu@{segmenter}")
    for cut, said in ((f"none@{segmenter}", "takes no weights"), (f"tiramisu@{nameless}", "do not say which network"),
                      (f"tiramisu@{tmp_path/'gone'}", "do not exist"), ("tiramisu@", "names no file")):
        assert said in refused("evaluate", "--images", wardrobe, "--split", "valid", "--cutout", cut,
                               "--features", "color_histogram", "--out", tmp_path/"x.json")
    assert "No such option" in command("evaluate", "--images", wardrobe, "--split", "valid", "--cutout", "tiramisu", "--features",
                                       "hog", "--out", tmp_path/"x.json", "--weights", segmenter, code=2).stderr


@pytest.mark.parametrize("make", [lambda file: cutout(f"tiramisu@{file}"), lambda file: descriptor(f"tiramisu@{file}")],
                         ids=["cutout", "descriptor"])
def test_version_follows_the_bytes_of_weights(tmp_path, make):
    one, other = tmp_path/"one", tmp_path/"other"
    one.write_bytes(b"a")
    other.write_bytes(b"a")
    versions = make(one).version, make(other).version
    assert versions[0] == versions[1]
    one.write_bytes(b"b")
    assert make(one).version != versions[0]
    assert make(one).version != (cutout("tiramisu") if make(one).__class__ is Tiramisu else descriptor("tiramisu")).version


class Slow(Descriptor):
    "A slow descriptor that counts its photos"
    dim, prepare, takes_weights = 192, Preparation(8), True

    def __init__(self, seconds=0, code="1", weights=None):
        super().__init__(weights)
        self.name, self.code, self.seconds, self.seen = "slow", code, seconds, 0

    def encode(self, squares, insides):
        time.sleep(self.seconds)
        self.seen += len(squares)
        return squares.reshape(len(squares), -1).astype(np.float32)


@pytest.fixture
def toy(tmp_path):
    "A table of 24 small photos, and a store"
    paths = [tmp_path/f"{i}.png" for i in range(24)]
    for i, path in enumerate(paths): Image.new("RGB", (8, 8), (i*9, 20, 200 - i)).save(path)
    rows = pd.DataFrame(dict(image_id=[path.stem for path in paths], role="snapshot", path=[str(path) for path in paths]))
    return rows, Store(tmp_path/"cache")


def test_version_and_weights_are_part_of_the_key(toy, tmp_path):
    rows, store = toy
    def new(*args, **more):
        kind = Slow(*args, **more)
        embed(rows, kind, store=store)
        return kind.seen
    assert [new(), new(), new(code="2"), new()] == [24, 0, 24, 0]
    (tmp_path/"a").write_bytes(b"a")
    assert [new(weights=tmp_path/"a"), new(weights=tmp_path/"a")] == [24, 0]
    (tmp_path/"a").write_bytes(b"b")
    assert [new(weights=tmp_path/"a"), new()] == [24, 0]
    with pytest.raises(BadInput, match="do not exist"): new(weights=tmp_path/"gone")


def one_process(rows, folder, seconds):
    embed(rows, Slow(seconds), store=Store(folder), batch_size=2)


def test_two_processes_and_a_kill(toy):
    rows, store = toy
    context = multiprocessing.get_context("spawn")
    def start(seconds):
        process = context.Process(target=one_process, args=(rows, store.folder, seconds))
        process.start()
        return process
    killed = start(0.3)
    for _ in range(600):
        if store.path.exists() and store.contents().photos.sum() >= 4: break
        time.sleep(0.1)
    killed.kill()
    killed.join()
    kept = store.contents().photos.sum()
    assert 4 <= kept < 24
    kind = Slow()
    embed(rows, kind, store=store)
    assert kind.seen == 24 - kept  # the rest, and no more
    store.clear()
    both = [start(0.01), start(0.01)]
    for process in both: process.join()
    assert [process.exitcode for process in both] == [0, 0] and store.contents().photos.tolist() == [24]
    assert (embed(rows, Slow(), store=store).vectors == embed(rows, Slow()).vectors).all()


def test_trouble_with_the_disk_costs_only_time(toy, tmp_path, capsys):
    rows, _ = toy
    (tmp_path/"file").write_bytes(b"")
    store = Store(tmp_path/"file")  # a folder that cannot be made
    assert (embed(rows, Slow(), store=store, batch_size=2).vectors == embed(rows, Slow()).vectors).all()
    assert capsys.readouterr().err.count("going on without it") == 1
    full = Store(tmp_path/"full")
    embed(rows[:1], Slow(), store=full)
    os.chmod(full.path, 0o444)
    os.chmod(full.folder, 0o555)
    try: embed(rows, Slow(), store=full)
    finally: os.chmod(full.folder, 0o755)
    if os.geteuid(): assert "going on without it" in capsys.readouterr().err


def test_the_progress_bar_reaches_its_end(wardrobe, monkeypatch):
    "It stopped one photo before its end, as if a photo had been lost"
    from fashion_retail import features
    ended = []
    def bar(items, **_):
        yield from items
        ended.append(True)
    monkeypatch.setattr(features, "tqdm", bar)
    assert len(list(features.prepared(read_table(wardrobe)[:3], Preparation(32)))) == 3 and ended
