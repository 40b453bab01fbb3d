"Photos that are there twice: the commands, the page, the decisions, leaks between splits"
import json

import cv2
import numpy as np
import pandas as pd
import pytest

from commands import command, refused
from fashion_retail.catalogue import Catalogue
from fashion_retail.duplicates import RULE
from fashion_retail.data import load_image, read_table, save_image, write_table


@pytest.fixture(scope="module")
def shop(wardrobe, tmp_path_factory):
    "A table of drawn garments; one photo is there mirrored, in another split"
    folder = tmp_path_factory.mktemp("shop")
    rows = read_table(wardrobe)
    rows = rows[rows.role == "catalogue"][:6].assign(split="train")
    copy = rows[:1].assign(image_id="copy", item_id="copied", split="valid", path=str(folder/"copy.png"))
    save_image(load_image(rows.path.iloc[0])[:, ::-1].copy(), folder/"copy.png")
    write_table(pd.concat([rows, copy]), folder/"images.csv")
    return folder


def test_a_mirrored_copy_is_found_reviewed_and_merged(shop, tmp_path):
    out, page = tmp_path/"pairs.csv", tmp_path/"page.html"
    done = command("duplicates", shop, "--out", out, "--html", page)
    assert "same photo: pairs 1, groups 1" in done.stdout
    pairs = pd.read_csv(out, dtype=str)
    assert list(pairs) == ["image_a", "image_b", "class", "probability", "group", "evidence"]
    same = pairs[pairs["class"] == "same photo"]
    assert same.image_b.tolist() == ["copy"] and "mirrored" in same.evidence.iloc[0]
    assert 'value="merge" checked' in page.read_text()
    catalogue, decisions = tmp_path/"catalogue", tmp_path/"decisions.csv"
    command("catalogue", "build", shop, "--out", catalogue, "--cutout", "none")
    same.assign(decision="merge").to_csv(decisions, index=False)
    assert "1 photos removed" in command("catalogue", "merge", catalogue, decisions).stdout
    assert "copy" not in set(Catalogue.load(catalogue).photos().image_id)
    again = command("catalogue", "merge", catalogue, decisions).stdout
    assert "0 items became part of another one, 0 photos changed their item, 0 photos removed" in again


def test_a_copy_in_two_splits_is_a_leak(shop, tmp_path):
    done = command("duplicates", shop, "--out", tmp_path/"leaks.csv", "--between-splits", code=1)
    assert "same photo: pairs 1, groups 1" in done.stdout


def test_a_photo_that_cannot_be_read_is_named(shop, tmp_path):
    rows = read_table(shop)
    bad = tmp_path/"broken.jpg"
    bad.write_bytes(b"\xff\xd8 no photo")
    write_table(pd.concat([rows, rows[:1].assign(image_id="broken", item_id="x", path=str(bad))]), tmp_path/"images.csv")
    done = command("duplicates", tmp_path, "--out", tmp_path/"pairs.csv")
    assert "photos that cannot be compared, left out: 1 (broken)" in done.stderr


def test_bad_input_is_one_sentence(shop, tmp_path):
    write_table(read_table(shop)[:1], tmp_path/"one"/"images.csv")
    assert "1 photos cannot be compared" in refused("duplicates", tmp_path/"one", "--out", tmp_path/"o.csv")
    assert "is a folder" in refused("duplicates", shop, "--out", tmp_path)
    assert "at least one" in refused("duplicates", shop, "--out", tmp_path/"o.csv", "--neighbors", 0)
    command("catalogue", "build", shop, "--out", tmp_path/"catalogue", "--cutout", "none")
    for name, text in {"columns": "image_a,image_b\na,b\n", "decision": "image_a,image_b,class,decision\na,b,same photo,x\n"}.items():
        file = tmp_path/f"{name}.csv"
        file.write_text(text)
        assert f"{name}.csv" in refused("catalogue", "merge", tmp_path/"catalogue", file)
    assert "gone.csv" in refused("catalogue", "merge", tmp_path/"catalogue", tmp_path/"gone.csv")
    assert not (tmp_path/"o.csv").exists()


def test_many_photos_are_compared_in_lists(monkeypatch):
    "With FAISS, a byte a number: the pairs are those of the comparison of all with all"
    pytest.importorskip("faiss", reason="only for many photos: pip install faiss-cpu")
    from fashion_retail import duplicates
    draw = np.random.default_rng(0)
    one = draw.normal(size=(1500, 64))
    vectors = np.concatenate([one, one + 0.1*draw.normal(size=one.shape)]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    monkeypatch.setattr(duplicates, "MANY", 1000)
    found = set(map(tuple, duplicates.near_pairs(duplicates.neighborhood(vectors, 1)[1]).tolist()))
    assert len(found & {(i, i + 1500) for i in range(1500)}) >= 0.99*1500


def pairs_of(rows, folder):
    "What the command says of a table: the pairs of one photo, as sets of names, and the whole table"
    write_table(rows, folder/"images.csv")
    command("duplicates", folder, "--out", folder/"pairs.csv")
    pairs = pd.read_csv(folder/"pairs.csv", dtype=dict(image_a=str, image_b=str))
    same = pairs[pairs["class"] == "same photo"]
    return {frozenset(o) for o in zip(same.image_a, same.image_b)}, pairs


def test_equal_photos_are_one_group(shop, tmp_path):
    "Also where a photo is blank, and one file has other bytes"
    rows = read_table(shop)[:1]
    copies = [rows.assign(image_id=f"c{i}", item_id=f"c{i}") for i in range(5)]
    blank = np.full((90, 60, 3), 255, np.uint8)
    for name in ("white", "also white"):
        save_image(blank, tmp_path/f"{name}.png")
        copies.append(rows.assign(image_id=name, item_id=name, path=str(tmp_path/f"{name}.png")))
    same, pairs = pairs_of(pd.concat(copies), tmp_path)
    assert {frozenset((f"c{i}", f"c{j}")) for i in range(5) for j in range(i)} <= same
    assert not any("white" in "".join(o) and "c" in "".join(o)[:1] for o in same if len({p[0] for p in o}) > 1)
    groups = pairs[pairs.image_a.str.startswith("c")].groupby("group").size()
    assert groups.tolist() == [10]


def test_size_and_transparency_do_not_matter(shop, tmp_path):
    "The copies have another size, an alpha channel, and an odd shape"
    rows = read_table(shop)[:3]
    photo = load_image(rows.path.iloc[0])
    cv2.imwrite(str(tmp_path/"large.png"), cv2.resize(photo, None, fx=2.5, fy=2.5)[..., ::-1])
    alpha = np.dstack([photo[..., ::-1], np.full(photo.shape[:2], 255, np.uint8)])
    cv2.imwrite(str(tmp_path/"alpha.png"), alpha)
    save_image(np.ascontiguousarray(photo[60:84]), tmp_path/"strip.png")
    more = [rows[:1].assign(image_id=o, item_id=o, path=str(tmp_path/f"{o}.png")) for o in ("large", "alpha", "strip")]
    first = rows.image_id.iloc[0]
    found = pairs_of(pd.concat([rows, *more]), tmp_path)[0]
    assert found >= {frozenset(o) for o in ((first, "large"), (first, "alpha"), ("large", "alpha"))}
    assert set().union(*found) <= {first, "large", "alpha", "strip"}  # the strip is a part of that photo


def test_drawn_photos_give_no_false_suggestions(tmp_path):
    "24 drawn garments, each once: on 120 such photos, 549 pairs were named before, and none was right"
    from fashion_retail.wardrobe import make_wardrobe
    rows = make_wardrobe(tmp_path/"drawn", n_items=24, size=160, seed=3, progress=False)
    same, pairs = pairs_of(rows[rows.role == "catalogue"], tmp_path)
    assert not len(pairs), pairs


def test_many_pairs_are_compared_by_several_processes(wardrobe, monkeypatch):
    from fashion_retail import duplicates as module
    pictures = module.Pictures(read_table(wardrobe).path[:8])
    pairs = module.candidates(np.eye(8, dtype=np.float32), pictures.sketches(), 4)
    monkeypatch.setattr(module, "SHARED", 1)
    monkeypatch.setattr(module, "PART", len(pairs)//3)
    shared, alone = module.all_evidence(pictures, pairs, cores=2), module.evidence(pictures, pairs)
    pd.testing.assert_frame_equal(shared, alone)


def test_a_run_that_was_stopped_goes_on(shop, tmp_path):
    from fashion_retail.duplicates import duplicates
    out, folder = tmp_path/"pairs.csv", tmp_path/"pairs.csv.compared"
    first = duplicates(str(shop), folder=folder)  # without stored vectors, which differ in the last digits
    assert first.attrs["before"] == 0 and any(folder.iterdir())
    done = command("duplicates", shop, "--out", out)
    assert "pairs that an earlier run had compared: " in done.stdout and not folder.exists()
    assert pd.read_csv(out, dtype=str).image_b.tolist() == first.image_b.tolist()


def test_the_rule_is_fitted_again(wardrobe, tmp_path, monkeypatch):
    rows = read_table(wardrobe)
    kinds = {role: rows[rows.role == role].groupby("item_id").head(1)[:8].reset_index(drop=True) for role in ("catalogue", "snapshot")}
    shop = kinds["catalogue"].assign(model=[f"model {at//2}" for at in range(len(kinds["catalogue"]))])
    write_table(shop, tmp_path/"magento"/"images.csv")
    write_table(kinds["snapshot"], tmp_path/"snapshots"/"images.csv")
    monkeypatch.setenv("FASHION_RETAIL_DATA", str(tmp_path))
    out, asked = tmp_path/"rule.json", ["--limit", 20, "--photos", 3]
    assert "copies of 4 photos" in command("train-duplicates", "--out", out, "--work", tmp_path/"work", *asked).stdout
    found, shipped = json.loads(out.read_text()), json.loads(RULE.read_text())
    assert found.keys() == shipped.keys() and np.shape(found["weights"]) == np.shape(shipped["weights"])
    monkeypatch.setenv("FASHION_RETAIL_DATA", str(tmp_path/"nothing"))
    assert "magento" in refused("train-duplicates", "--out", out, "--work", tmp_path/"work", *asked)
