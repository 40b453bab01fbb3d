"Figures on real photographs; skipped where they are not"
import pytest

from fashion_retail.cutout import cutout, score_cutout
from fashion_retail.data import checked, data_root, read_table, select
from fashion_retail.evaluation import evaluate

pytestmark = pytest.mark.skipif(not (data_root()/"worn_flat"/"images.csv").exists(), reason="no real photographs under FASHION_RETAIL_DATA or shared/data")


@pytest.fixture(scope="module")
def worn(): return read_table(data_root()/"worn_flat")


def test_cutting_out_finds_worn_garments(worn):
    "Measured elsewhere for other items: 0.222 for whole photos, 0.696 for cut-outs; a wrong preparation of either side shows here"
    cut = evaluate(worn, "valid", "mask", "efficientnet_lite0").metrics
    assert cut["n_queries"] == 500 and cut["top10"] >= 0.65
    assert evaluate(worn, "valid", "none", "color_histogram").metrics["top10"] < 0.4


def test_shipped_segmenter_on_phone_photos():
    "The weights in the package, on photographers they have not seen: 34_segmentation measures all 84; and GrabCut, which they must beat"
    rows = checked(select(read_table(data_root()/"snapshots"), "valid", "snapshot", "mask_path"))[:40]
    shipped, grabcut = (score_cutout(rows, cutout(name))[0]["iou_mean"] for name in ("tiramisu", "grabcut"))
    assert shipped > 0.93 and shipped > grabcut > 0.8


def test_shipped_ranking_on_worn_garments(worn):
    "The weights in the package, trained without any photo of a worn garment: 37_deep_ranking measures 0.712 and 0.924, where the untrained network has 0.604 and 0.868"
    found = evaluate(worn, "valid", "mask", "ranking").metrics
    assert found["top1"] > 0.68 and found["top10"] > 0.9


def test_accuracy_falls_as_the_catalogue_grows():
    "37_catalogue_size measures all; here 20 garments, 20 more of their shop and 20 of others"
    from fashion_retail.catalogue_size import benchmark_sizes
    curves, laws = benchmark_sizes(["ranking"], ["mask"], draws=2, limit=20)
    assert curves["items"].tolist() == [20, 40, 20, 40, 60] and len(laws) == 4
    assert all(one.top1.is_monotonic_decreasing for _, one in curves.groupby("shops"))
