"Exact search: the benchmark command, and ranks that agree with a slow count where ties abound"
import json

import numpy as np
import pytest

from commands import command, refused
from fashion_retail.search import first_match_ranks, top_k


def test_benchmark_search(tmp_path):
    out = tmp_path/"search.json"
    command("benchmark", "search", "--queries", 20, "--gallery", 300, "--dim", 16, "--out", out)
    result = json.loads(out.read_text())
    assert (result["n_queries"], result["n_gallery"]) == (20, 300) and result["peak_bytes"]["ours"] > 0
    if result["peer"]: assert result["same_answers"] > 0.99 and result["search_ratio"] > 0
    assert "do not fit" in refused("benchmark", "search", "--queries", 20, "--gallery", 5, "--out", out)


@pytest.mark.parametrize("n_items", (3, 400))
@pytest.mark.parametrize("collapsed", (False, True))
def test_ranks_agree_with_a_slow_count(n_items, collapsed):
    "Whole numbers make exact ties, repeated rows more of them; a gallery of equal rows takes the float64 way"
    rng = np.random.default_rng(0)
    gallery = np.repeat(rng.integers(0, 3, (150, 8)), 2, axis=0).astype(np.float32)
    queries = rng.integers(0, 3, (40, 8)).astype(np.float32)
    if collapsed: gallery[:] = gallery[0]
    theirs, mine = rng.integers(0, n_items, 300), rng.integers(0, n_items, 40)
    photo, own = np.arange(300), rng.integers(0, 600, 40)  # some queries are photos of the gallery
    slow = []
    for q, item, me in zip(queries, mine, own):
        d = np.sqrt(((q - gallery.astype(float))**2).sum(1))
        right, wrong = (theirs == item) & (photo != me), (theirs != item) & (photo != me)
        slow.append(1 + (d[wrong] <= d[right].min() + 1e-9).sum() if right.any() else 0)
    for chunk in (1, 7, 1024):
        assert first_match_ranks(queries, gallery, mine, theirs, chunk=chunk, exclude=(own, photo)).tolist() == slow
    assert (top_k(queries, gallery, 300)[1] == np.argsort(((queries[:, None] - gallery.astype(float))**2).sum(2), axis=1, kind="stable")).all()
