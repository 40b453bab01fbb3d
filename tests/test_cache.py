"Vectors of tables: photos that cannot be read, empty masks, weights, and the cache on disk"
import json, subprocess, sys

import numpy as np, pandas as pd, pytest

from fashion_retail.data import load_image, read_table, save_mask, write_table


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
    assert "2 photos cannot be read and were left out" in said and "1 masks are empty" in said
    assert not ranks.answers.str.contains(ids[gallery[0]]).any()
    done = command("evaluate", "--images", tmp_path, "--split", "valid", "--cutout", "none", "--features", "color_histogram", "--out", tmp_path/"x.json", code=2)
    assert "half.jpg cannot be read" in done.stderr
