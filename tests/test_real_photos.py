"Figures on real photographs; skipped where they are not"
import pytest

from fashion_retail.data import data_root, read_table

pytestmark = pytest.mark.skipif(not (data_root()/"worn_flat"/"images.csv").exists(), reason="no real photographs under FASHION_RETAIL_DATA or shared/data")


def test_cutting_out_finds_worn_garments(tmp_path):
    "Measured elsewhere for other items: 0.222 for whole photos, 0.696 for cut-outs; a wrong preparation of either side shows here"
    from fashion_retail.similarity import evaluate_table
    table = read_table(data_root()/"worn_flat")
    cut, _ = evaluate_table(table, "valid", "mask", "efficientnet_lite0", folder=tmp_path)
    assert cut["n_queries"] == 500 and cut["top10"] >= 0.65
    whole, _ = evaluate_table(table, "valid", "none", "color_histogram", folder=tmp_path)
    assert whole["top10"] < 0.4


def test_shipped_segmenter_on_phone_photos():
    "The weights in the package, on photographers they have not seen: 34_segmentation measures all 84; and GrabCut, which they must beat"
    from fashion_retail.data import checked, select
    from fashion_retail.training import mask_method, score_method
    rows = checked(select(read_table(data_root()/"snapshots"), "valid", "snapshot", "mask_path"))[:40]
    shipped, grabcut = (score_method(rows, mask_method(o))[0]["iou_mean"] for o in ("tiramisu", "grabcut"))
    assert shipped > 0.93 and shipped > grabcut > 0.8


def test_shipped_ranking_on_worn_garments(tmp_path):
    "The weights in the package, trained without any worn garment: 37_deep_ranking measures 0.662 and 0.898, where the untrained network has 0.604 and 0.868"
    from fashion_retail.similarity import evaluate_table
    found, _ = evaluate_table(read_table(data_root()/"worn_flat"), "valid", "mask", "ranking", folder=tmp_path)
    assert found["top1"] > 0.63 and found["top10"] > 0.88
