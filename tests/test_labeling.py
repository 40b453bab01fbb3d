"Labeling from outside: engine, superimposing, the two commands; figures on real photographs where they are"
import json
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from commands import command, refused
from fashion_retail.core import BadInput
from fashion_retail.data import checked, data_root, load_image, load_mask, read_table, select
from fashion_retail.labeling import Annotation, lift_mask, segmentation_scores
from fashion_retail.superimpose import superimpose_table

snapshots = pytest.mark.skipif(not (data_root()/"snapshots"/"images.csv").exists(), reason="no real photographs under FASHION_RETAIL_DATA or shared/data")



@pytest.fixture(scope="module")
def photo(wardrobe):
    row = select(read_table(wardrobe), role="snapshot").iloc[0]
    return load_image(row.path), load_mask(row.mask_path)


def test_strokes_bind_at_twelve_megapixels(photo):
    image, truth = (cv2.resize(o.astype(np.uint8), (4000, 3000), interpolation=cv2.INTER_CUBIC) for o in photo)
    truth = truth > 0
    work = Annotation(image, mask=truth)
    assert (work.mask == truth).all()  # a start that nobody has touched is not degraded by shrinking and lifting
    work.stroke([(100, 100), (900, 130)], True, radius=20)
    mask = work.mask
    assert mask.shape == (3000, 4000) and mask[115, 500] and work.preview.shape == (384, 512)
    far = np.hypot(*(np.mgrid[:3000, :4000] - np.array([115, 500])[:, None, None])) > 2500
    assert (mask == truth)[far].all()  # what is far from the stroke stays, pixel by pixel
    assert work.undo() and (work.mask == truth).all() and not work.undo()
    assert work.redo() and (work.mask == mask).all() and not work.redo()


def test_a_later_stroke_overrules(photo):
    work = Annotation(photo[0], mask=photo[1])
    work.stroke([(30, 30), (60, 30)], True, 4)
    work.stroke([(30, 30)], False, 2)
    assert not work.mask[30, 30] and work.mask[30, 60] and work.n_strokes == 2
    work.rectangle(150, 150, 20, 20)  # drawn from right to left
    assert not work.mask[30, 30] and work.mask[30, 60] and work.n_strokes == 2


def test_from_nothing(photo):
    work = Annotation(photo[0])
    assert not work.mask.any()
    ys, xs = np.nonzero(photo[1])
    work.stroke([(xs.mean(), ys.mean())], True, 5)
    assert work.mask.any()


@pytest.mark.parametrize("image", [np.full((3, 3, 3), 9, np.uint8), np.full((40, 900, 3), 255, np.uint8), np.zeros((600, 5, 3), np.uint8)])
def test_odd_photos(image):
    h, w = image.shape[:2]
    work = Annotation(image, rect=(0, 0, w, h))
    work.stroke([(w//2, h//2)], True, 1)
    work.stroke([(0, 0)], False, 1)
    assert work.mask.shape == (h, w) and work.mask[h//2, w//2] and not work.mask[0, 0]


def test_lifting_follows_the_photo(photo):
    image, truth = photo
    small = cv2.resize(truth.astype(np.float32), (40, 40), interpolation=cv2.INTER_AREA) >= 0.5
    plain = cv2.resize(small.astype(np.uint8), truth.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    assert segmentation_scores(lift_mask(small, image), truth)["iou"] > segmentation_scores(plain, truth)["iou"]


def test_superimposed_masks_are_exact(wardrobe, tmp_path):
    table = superimpose_table(select(read_table(wardrobe), "train", "snapshot"), tmp_path, 4, size=160, seed=1)
    again = superimpose_table(select(read_table(wardrobe), "train", "snapshot"), tmp_path/"again", 4, size=160, seed=1)
    assert all((load_image(a) == load_image(b)).all() for a, b in zip(table.path, again.path))
    assert all(load_mask(m, load_image(p).shape).any() for p, m in zip(table.path, table.mask_path))


def test_label_benchmark(wardrobe, tmp_path):
    args = "label-benchmark", "--images", wardrobe, "--split", "valid", "--out", tmp_path/"b.json", "--start"
    command(*args, "rectangle", "--limit", 3)
    b = json.loads((tmp_path/"b.json").read_text())
    assert set(b) == {"start", "n", "noc90", "noc95", "failures90", "failures95", "iou_after", "refine_ms_median"}
    assert b["start"] == "rectangle" and b["n"] == 3 and len(b["iou_after"]) == 21 and b["iou_after"][-1] >= 0.9
    assert "magic" in refused(*args, "magic")


def test_label_proposes_and_resumes(wardrobe, tmp_path):
    table = tmp_path/"images.csv"
    lines = read_table(wardrobe).query("role == 'snapshot'").head(3)
    lines.assign(mask_path="").to_csv(table, index=False)
    first = command("label", table, "--out", tmp_path/"out")
    assert "3 masks proposed" in first.stdout and "jupyter lab" in first.stdout
    assert "LabelWidget" in (tmp_path/"out"/"label.ipynb").read_text()
    rows = read_table(tmp_path/"out")
    assert (rows.mask_source == "garments").all() and rows.certainty.astype(float).is_monotonic_increasing
    stamps = [load_mask(o).sum() for o in rows.mask_path]
    command("label", table, "--out", tmp_path/"out")
    assert [load_mask(o).sum() for o in read_table(tmp_path/"out").mask_path] == stamps


def test_a_batch_with_reasons(wardrobe, tmp_path):
    "--order: the batch is first, with its reason and gain, and the widget shows them"
    from fashion_retail.widget import LabelWidget
    rows = read_table(wardrobe).query("role == 'snapshot'").head(6)
    rows.assign(mask_path="").to_csv(tmp_path/"images.csv", index=False)
    ask = "label", tmp_path/"images.csv", "--out", tmp_path/"out", "--start", "otsu", "--budget", 3, "--order"
    said = command(*ask, "mixed").stdout
    assert "batch of 3, order mixed" in said and "drawn at random, gain" in said
    table = read_table(tmp_path/"out")
    assert table.next.tolist() == ["1", "2", "3", "", "", ""] and (table.reason[:3] != "").all()
    widget = LabelWidget(tmp_path/"out", tmp_path/"out")
    assert widget.state["image_id"] == table.image_id[0] and "Number 1 of the batch: drawn at random" in widget.state["why"]
    widget.session.close()
    assert "there is no order best" in refused(*ask, "best")
    assert "no network that can be asked" in refused(*ask, "dropout")
    assert "name the column" in refused(*ask, "random", "--task", "tags")


def test_pairs_to_confirm(wardrobe, tmp_path):
    "A snapshot whose item is not in the catalogue is asked about; the others are what is learned from"
    rows = read_table(wardrobe)
    some = rows[rows.item_id.isin(rows.item_id[rows.role == "snapshot"].unique()[:6])].copy()
    new = (some.role == "snapshot") & (some.item_id == some.item_id.iloc[0])
    some.loc[new, "item_id"] = "unknown"
    some.to_csv(tmp_path/"images.csv", index=False)
    ask = "label", tmp_path/"images.csv", "--out", tmp_path/"out", "--start", "mask", "--task", "pairs", "--budget", 2
    assert "2 pairs to label, order mixed" in command(*ask).stdout
    table = pd.read_csv(tmp_path/"out"/"next.csv")
    assert list(table) == ["query", "photo", "item_id", "same", "gain", "reason"]
    assert set(table["query"]) <= set(some.image_id[new]) and table.gain.between(0, 0.5).all()


def test_bad_rows(wardrobe, tmp_path):
    rows = select(read_table(wardrobe), "train", "snapshot")
    with pytest.raises(BadInput, match="no mask"): superimpose_table(rows.assign(mask_path=""), tmp_path, 1)
    with pytest.raises(BadInput, match="train"): superimpose_table(rows[:0], tmp_path, 1)


@snapshots
def test_strokes_on_phone_photos():
    "Few strokes from a drawn rectangle; the targets are 3 and 7 on all 84"
    from fashion_retail.label_quality import label_benchmark
    rows = checked(select(read_table(data_root()/"snapshots"), "valid", "snapshot", "mask_path"))[:10]
    result, _ = label_benchmark(rows, n=10)
    assert result["noc90"] <= 3 and result["noc95"] <= 6 and result["iou_after"][5] > result["iou_after"][0]


def test_one_folder_of_photos_suffices(wardrobe, tmp_path):
    rows = select(read_table(wardrobe), role="snapshot").iloc[:6]
    (tmp_path/"mine").mkdir()
    for path in rows.path: shutil.copy(path, tmp_path/"mine")
    said = command("label", tmp_path/"mine", "--out", tmp_path/"labels", "--start", "otsu").stdout
    table = read_table(tmp_path/"labels"/"images.csv")
    assert "6 masks proposed" in said and (table.mask_path != "").all()
    assert set(table.role) == {"snapshot"} and set(table.split) == {"train", "valid"}
