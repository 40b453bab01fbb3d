"Vectors of tables: photos that cannot be read, empty masks, weights, and the cache on disk"
import json, multiprocessing, os, shutil, subprocess, sys, time

import numpy as np, pandas as pd, pytest, torch
from PIL import Image
from safetensors.torch import save_file

from fashion_retail.data import BadInput, load_image, load_mask, read_table, save_mask, write_table
from fashion_retail.descriptors import Descriptor, Preparation
from fashion_retail.features import VectorCache, embed
from fashion_retail.tiramisu import FCDenseNet, save_weights


def command(*args, code=0, **kw):
    done = subprocess.run([sys.executable, "-c", "from fashion_retail.cli import main; main()", *map(str, args)], capture_output=True, text=True, **kw)
    assert "Traceback" not in done.stderr and done.returncode == code, done.stdout + done.stderr
    return done


def evaluate(images, out, *more, cutout="mask", features="color_histogram", **kw):
    "Result and ranks of `fashion-retail evaluate`, and what it said"
    done = command("evaluate", "--images", images, "--split", "valid", "--gallery-split", "train", "valid", "--cutout", cutout, "--features", features,
                   "--out", out/"e.json", "--ranks", out/"r.csv", *more, **kw)
    return json.loads((out/"e.json").read_text()), pd.read_csv(out/"r.csv", keep_default_na=False), done.stderr


def test_unreadable_photos_and_empty_masks_are_counted(wardrobe, tmp_path):
    table = read_table(wardrobe)
    queries, gallery = table.index[(table.split == "valid") & (table.role == "snapshot")], table.index[table.role == "catalogue"]
    (tmp_path/"half.jpg").write_bytes(open(table.path[queries[0]], "rb").read()[:1500])
    table.loc[[queries[0], gallery[0]], "path"] = str(tmp_path/"half.jpg")
    table.loc[gallery[0], "mask_path"] = ""
    save_mask(np.zeros(load_image(table.path[queries[1]]).shape[:2], bool), tmp_path/"empty.png")
    table.loc[queries[1], "mask_path"] = str(tmp_path/"empty.png")
    write_table(table, tmp_path/"images.csv")
    result, ranks, said = evaluate(tmp_path, tmp_path, "--skip-unreadable")
    ids = table.image_id
    assert result["unreadable"] == [ids[queries[0]], ids[gallery[0]]] and result["n_gallery"] == len(gallery) - 1
    assert ranks.image_id.tolist() == ids[queries].tolist() and ranks["rank"][0] == 0 and ranks.answers[0] == ""
    assert ranks.empty_mask.tolist() == [False, True] + [False]*(len(queries) - 2) and result["n_empty_masks"] == 1
    assert "photos that cannot be read, left out: 2" in said and "empty masks: 1" in said
    assert not ranks.answers.str.contains(ids[gallery[0]]).any()
    done = command("evaluate", "--images", tmp_path, "--split", "valid", "--cutout", "none", "--features", "color_histogram", "--out", tmp_path/"x.json", code=2)
    assert "half.jpg cannot be read" in done.stderr


def test_cache_of_evaluate(wardrobe, tmp_path, monkeypatch):
    "The second time nothing is computed; --no-cache, rename, mask, clear"
    monkeypatch.setenv("FASHION_RETAIL_CACHE", str(tmp_path/"cache"))
    folder = tmp_path/"w"
    shutil.copytree(wardrobe, folder)
    first, ranks, _ = evaluate(folder, tmp_path)
    n = first["n_gallery"] + first["n_queries"]
    assert first["n_cached"] == 0 and evaluate(folder, tmp_path, "--no-cache")[0]["n_cached"] == 0
    again, same, _ = evaluate(folder, tmp_path)
    assert again["n_cached"] == n and same.equals(ranks)
    table = pd.read_csv(folder/"images.csv", keep_default_na=False)
    row = table.index[(table.split == "valid") & (table.role == "snapshot")][0]
    (folder/table.path[row]).rename(folder/"renamed.jpg")
    table.loc[row, "path"] = "renamed.jpg"
    table.to_csv(folder/"images.csv", index=False)
    assert evaluate(folder, tmp_path)[0]["n_cached"] == n
    mask = folder/table.mask_path[row]
    save_mask(~load_mask(mask), mask)
    assert evaluate(folder, tmp_path)[0]["n_cached"] == n - 1
    said = command("cache").stdout
    assert f"color_histogram version 1: {n + 1} vectors" in said and str(tmp_path/"cache") in said
    (tmp_path/"cache"/"vectors-0.sqlite").write_bytes(b"of long ago")
    assert "vectors-0.sqlite: written by another version" in command("cache").stdout
    assert " 0 vectors thrown away" in command("cache", "--clear", "hog").stdout
    assert f"{n + 1} vectors thrown away" in command("cache", "--clear", "color_histogram").stdout
    command("cache", "--clear")
    assert not list((tmp_path/"cache").glob("vectors-0*")) and ": 0 vectors, 0.0 MB" in command("cache").stdout


def test_weights_find_their_taker(wardrobe, tmp_path):
    other = tmp_path/"other.safetensors"
    save_file({"a": torch.zeros(1)}, other, metadata={"architecture": "RankingNet"})
    segmenter = tmp_path/"segmenter.safetensors"
    save_weights(FCDenseNet(n_layers_per_block=(1, 1, 1), n_filters_first_conv=8, growth_rate=4), segmenter, size=32)
    evaluate(wardrobe, tmp_path, "--weights", segmenter, cutout="tiramisu")
    for files, cutout, said in (([segmenter], "none", "takes no weights"), ([segmenter, segmenter], "tiramisu", "have no use"),
                                ([other], "tiramisu", "do not say which network"), ([tmp_path/"gone"], "tiramisu", "do not exist")):
        done = command("evaluate", "--images", wardrobe, "--split", "valid", "--cutout", cutout, "--features", "color_histogram", "--out", tmp_path/"x.json",
                       *[o for file in files for o in ("--weights", file)], code=2)
        assert said in done.stderr, done.stderr


@pytest.fixture
def toy(tmp_path):
    "A table of 24 small photos and a slow descriptor that counts its photos"
    paths = [tmp_path/f"{i}.png" for i in range(24)]
    for i, o in enumerate(paths): Image.new("RGB", (8, 8), (i*9, 20, 200 - i)).save(o)
    return pd.DataFrame(dict(image_id=[o.stem for o in paths], path=[str(o) for o in paths])), VectorCache(tmp_path/"cache")


def slow(seconds=0, count=None, version="1", **more):
    def encode(squares, insides):
        time.sleep(seconds)
        if count is not None: count.append(len(squares))
        return squares.reshape(len(squares), -1).astype(np.float32)
    return Descriptor("slow", version, 192, Preparation(8), lambda device, weights: encode, **more)


def test_version_and_weights_are_part_of_the_key(toy, tmp_path):
    rows, cache = toy
    def new(weights=None, **more):
        embed(rows, slow(count=(count := []), takes_weights=True, **more), cache=cache, weights=weights)
        return sum(count)
    assert [new(), new(), new(version="2"), new()] == [24, 0, 24, 0]
    (tmp_path/"a").write_bytes(b"a")
    assert [new(tmp_path/"a"), new(tmp_path/"a")] == [24, 0]
    (tmp_path/"a").write_bytes(b"b")
    assert [new(tmp_path/"a"), new()] == [24, 0]
    with pytest.raises(BadInput, match="do not exist"): new(tmp_path/"gone")


def one_process(rows, folder, seconds):
    embed(rows, slow(seconds), cache=VectorCache(folder), batch_size=2)


def test_two_processes_and_a_kill(toy):
    rows, cache = toy
    context = multiprocessing.get_context("spawn")
    start = lambda seconds: (o := context.Process(target=one_process, args=(rows, cache.folder, seconds))).start() or o
    killed = start(0.3)
    for _ in range(600):
        if cache.path.exists() and cache.contents().photos.sum() >= 4: break
        time.sleep(0.1)
    killed.kill(); killed.join()
    kept = cache.contents().photos.sum()
    assert 4 <= kept < 24
    embed(rows, slow(count=(count := [])), cache=cache)
    assert sum(count) == 24 - kept  # the rest, and no more
    cache.clear()
    both = [start(0.01), start(0.01)]
    for o in both: o.join()
    assert [o.exitcode for o in both] == [0, 0] and cache.contents().photos.tolist() == [24]
    assert (embed(rows, slow(), cache=cache)[0] == embed(rows, slow())[0]).all()


def test_trouble_with_the_disk_costs_only_time(toy, tmp_path, capsys):
    rows, _ = toy
    (tmp_path/"file").write_bytes(b"")
    cache = VectorCache(tmp_path/"file")  # a folder that cannot be made
    assert (embed(rows, slow(), cache=cache, batch_size=2)[0] == embed(rows, slow())[0]).all()
    assert capsys.readouterr().err.count("going on without it") == 1
    full = VectorCache(tmp_path/"full")
    embed(rows[:1], slow(), cache=full)
    os.chmod(full.path, 0o444); os.chmod(full.folder, 0o555)
    try: embed(rows, slow(), cache=full)
    finally: os.chmod(full.folder, 0o755)
    if os.geteuid(): assert "going on without it" in capsys.readouterr().err
