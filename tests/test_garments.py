"The network of six classes that ships: which garment is meant, and what it says to bad input"
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from commands import command, refused
from fashion_retail.core import BadInput
from fashion_retail.cutout import SEGMENTER_WEIGHTS, cutout
from fashion_retail.data import load_image, save_image
from fashion_retail.garments import GARMENT_WEIGHTS, six_classes, train_garments
from fashion_retail.photo_labels import CLASSES
from fashion_retail.wearers import make_wearers


@pytest.fixture(scope="module")
def wearers(tmp_path_factory): return make_wearers(tmp_path_factory.mktemp("wearers"), n_drawn=9, size=256, seed=5)


@pytest.fixture(scope="module")
def garments(): return cutout("garments", "cpu")


def labels_of(row): return np.asarray(Image.open(row.label_path))


def iou(one, other): return (one & other).sum()/max(1, (one | other).sum())


def dressed(wearers, *kinds):
    "Photo and labels of the first wearer whose garments of these kinds are large"
    for row in wearers.itertuples():
        labels = labels_of(row)
        if all((labels == CLASSES.index(kind)).mean() > 0.03 for kind in kinds): return load_image(row.path), labels


def test_category_box_and_point_choose(wearers, garments):
    image, labels = dressed(wearers, "upper", "lower")
    for kind in ("upper", "lower"):
        truth = labels == CLASSES.index(kind)
        assert iou(garments.cut(image, category=kind).mask, truth) > 0.6
        y, x = np.argwhere(truth).mean(0).astype(int)
        assert iou(garments.cut(image, point=(x, y)).mask, truth) > 0.6
        (top, left), (low, right) = np.argwhere(truth).min(0), np.argwhere(truth).max(0) + 1
        boxed = garments.cut(image, box=(left, top, right, low)).mask
        assert iou(boxed, truth) > 0.6 and not boxed[:top].any() and not boxed[:, right:].any()


def test_among_several_people_the_one_that_is_meant(wearers, garments):
    image, labels = dressed(wearers, "upper", "lower")
    wide = image.shape[1]
    small = np.full_like(image, image[0].mean((0, 1)).astype(np.uint8))
    small[len(image)//5:] = np.asarray(Image.fromarray(image).resize((wide, len(image) - len(image)//5)))
    both = np.concatenate([image, small], 1)
    alone = garments.cut(both, box=(wide, 0, 2*wide, len(image))).mask
    assert alone[:, wide:].any() and not alone[:, :wide].any()


def test_outside_and_unknown_are_refused(wearers, garments):
    image = load_image(wearers.path[0])
    for wrong, said in ((dict(box=(900, 900, 990, 990)), "outside"), (dict(box="abc"), "no box"), (dict(point=(900, 5)), "outside"), (dict(point=(float("nan"), 5)), "no number"), (dict(box=(0, 0, float("inf"), 9)), "no box"),
                        (dict(category="sofa"), "sofa")):
        with pytest.raises(BadInput, match=said): garments.cut(image, **wrong)
    with pytest.raises(BadInput, match="use the cut-out garments"): cutout("tiramisu").cut(image, category="upper")
    with pytest.raises(BadInput, match="use the cut-out garments"): cutout("none").cut(image, category="upper")


def test_nothing_to_see_gives_an_empty_mask(garments, tmp_path):
    blank = np.full((120, 90, 3), 128, np.uint8)
    found = garments.cut(blank)
    assert found.mask.shape == (120, 90) and found.mask.mean() < 0.5 and 0 <= found.confidence <= 1
    save_image(blank, tmp_path/"blank.jpg")
    assert "finds a garment on" in command("segment", tmp_path/"blank.jpg", "--out", tmp_path, "--method", "garments").stdout
    strip = np.full((20, 6000, 3), 90, np.uint8)
    save_image(strip, tmp_path/"strip.png")
    said = refused("segment", tmp_path/"strip.png", "--out", tmp_path/"none")
    assert "strip.png: no garment was found" in said and not (tmp_path/"none").exists()


def test_segment_says_what_is_as_likely_and_takes_a_box(wearers, tmp_path):
    image, _ = dressed(wearers, "upper", "lower")
    save_image(np.concatenate([image, image], 1), tmp_path/"two.png")
    said = command("segment", tmp_path/"two.png", "--out", tmp_path).stdout
    assert "give a box" in said
    wide = image.shape[1]
    said = command("segment", tmp_path/"two.png", "--out", tmp_path, "--box", f"0,0,{wide},{len(image)}").stdout
    assert "give a box" not in said and not load_image(tmp_path/"two.mask.png")[:, wide:].any()
    for wrong in ("--box=0,0,inf,inf", "--point=nan,1", "--point=1,inf"):
        assert "separated by commas" in refused("segment", tmp_path/"two.png", "--out", tmp_path, wrong)


def test_a_lying_garment_needs_no_person(wardrobe, garments):
    from fashion_retail.data import load_mask, read_table, select
    rows = select(read_table(wardrobe), "valid", "snapshot", "mask_path")
    found = [iou(garments(load_image(row.path)), load_mask(row.mask_path)) for row in rows.itertuples()]
    assert np.mean(found) > 0.85, found


def test_what_is_left_out_changes_little(wearers, garments):
    "Fewer views, opinions and pixels, and ONNX Runtime: nearly the masks of the thorough way; measured in 31_benchmarks"
    from fashion_retail.garments import Garments
    photos, thorough = [load_image(o) for o in wearers.path[:5]], Garments(device="cpu", thorough=True)
    pairs = [(garments(photo), thorough.cut(photo)) for photo in photos]
    assert np.mean([iou(one, other.mask) for one, other in pairs]) > 0.97
    enlarged = np.asarray(Image.fromarray(photos[0]).resize((1300, 1700)))
    assert garments(enlarged).shape == (1700, 1300)


def test_weights_of_the_old_kind(wearers, tmp_path):
    "Two classes load as before, and each name says what the other file is"
    photo = wearers.path[0]
    command("segment", photo, "--out", tmp_path, "--method", f"tiramisu@{SEGMENTER_WEIGHTS}")
    assert "do not know the classes" in refused("segment", photo, "--out", tmp_path, "--method", f"garments@{SEGMENTER_WEIGHTS}")
    assert "know 6 classes" in refused("segment", photo, "--out", tmp_path, "--method", f"tiramisu@{GARMENT_WEIGHTS}")
    state = load_file(GARMENT_WEIGHTS)
    state["head.weight"][:] = float("nan")
    with safe_open(GARMENT_WEIGHTS, "pt") as file: save_file(state, tmp_path/"nan.safetensors", file.metadata())
    assert "values that are no numbers" in refused("segment", photo, "--out", tmp_path, "--method", f"garments@{tmp_path/'nan.safetensors'}")
    assert six_classes(SEGMENTER_WEIGHTS).n_classes == six_classes(GARMENT_WEIGHTS).n_classes == len(CLASSES)


def test_labels_of_unknown_classes_are_refused(wearers, tmp_path):
    rows = wearers.iloc[:2].copy()
    wrong = labels_of(rows.iloc[0]).copy()
    wrong[:5] = 9
    Image.fromarray(wrong).save(tmp_path/"wrong.png")
    rows.loc[rows.index[0], "label_path"] = str(tmp_path/"wrong.png")
    with pytest.raises(BadInput, match="wrong.png"):
        train_garments(dict(drawn=(rows, 1.0)), dict(drawn=wearers.iloc[2:4]), tmp_path/"out", size=32, photos=2, batch_size=2, epochs=1)


def test_the_card_says_where_the_weights_come_from():
    card = json.loads(GARMENT_WEIGHTS.with_suffix(".json").read_text())
    assert GARMENT_WEIGHTS.stat().st_size < 8e6 and card["weights"] == GARMENT_WEIGHTS.name
    assert set(card["tables"]) <= {"snapshots", "magento", "wardrobe", "wearers"} and card["rights"]


def test_an_empty_true_mask_is_left_out_and_named(wearers, tmp_path, capsys):
    from fashion_retail.cutout import score_cutout
    rows = wearers.iloc[:2].copy()
    Image.fromarray(np.zeros(labels_of(rows.iloc[0]).shape, np.uint8)).save(tmp_path/"black.png")
    rows.loc[rows.index[0], "mask_path"] = str(tmp_path/"black.png")
    result, photos = score_cutout(rows, cutout("grabcut"))
    assert result["n"] == len(photos) == 1 and rows.image_id.iloc[0] in capsys.readouterr().err
    with pytest.raises(BadInput, match="label the photos again"): score_cutout(rows[:1], cutout("grabcut"))
