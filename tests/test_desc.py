"Color GIST against the vector and the distances that were published with the LEAR program"
import json

import numpy as np
import pytest

from fashion_retail.data import data_root, load_image
from fashion_retail.descriptors import gist

oracle = data_root()/"gist_oracle"
pytestmark = pytest.mark.skipif(not (oracle/"expected.json").exists(), reason="needs gist_oracle under the data root")


@pytest.fixture(scope="module")
def expected(): return json.loads((oracle/"expected.json").read_text())


@pytest.fixture(scope="module")
def vectors(expected):
    names = {expected["image"]} | {o[k] for o in expected["euclidean"] for k in "ab"}
    return {o: gist(load_image(oracle/o)[None])[0] for o in names}


def test_published_vector(expected, vectors):
    ours, theirs = vectors[expected["image"]], np.array(expected["vector"])
    assert ours.shape == theirs.shape == (960,)
    assert np.linalg.norm(ours - theirs) < 0.01*np.linalg.norm(theirs)
    # green is nearly luma; red and blue hang on how the JPEG's color planes, half as large, are brought to full size
    green = slice(320, 640)
    assert np.abs(ours[green]/theirs[green] - 1).max() < 0.02


def test_published_distances(expected, vectors):
    for o in expected["euclidean"]:
        assert np.linalg.norm(vectors[o["a"]] - vectors[o["b"]]) == pytest.approx(o["distance"], rel=0.01)
