import os

import pytest


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
