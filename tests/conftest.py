import os

import pytest

from commands import in_new_process


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    "No test writes to the user's cache, or finds anything there"
    os.environ["FASHION_RETAIL_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def wardrobe(tmp_path_factory):
    "Folder of a small built-in images table, shared by all tests; tests that change it copy it first"
    from fashion_retail.wardrobe import make_wardrobe
    folder = tmp_path_factory.mktemp("wardrobe")
    make_wardrobe(folder, n_items=16, size=160, progress=False)
    return folder


@pytest.fixture(scope="session")
def segmenter(wardrobe, tmp_path_factory):
    "Weights of a network trained for one toy epoch: its masks are poor, its file is real; the smoke test of `train`"
    out = tmp_path_factory.mktemp("segmenter")
    small = ["encoder=''", "epochs=1", "size=32", "n_filters_first_conv=8", "growth_rate=4", "n_layers_per_block=[1,1,1]"]
    settings = [part for one in small for part in ("--set", f"training.{one}")]
    done = in_new_process("train", "--images", wardrobe, "--out", out, "--device", "cpu", *settings)
    assert "weights: " in done.stdout and (out/"history.csv").exists() and (out/"card.json").exists()
    return out/"segmenter.safetensors"
