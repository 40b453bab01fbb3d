"Large catalogues: several processes, killed ones, the index in lists, the commands"
import logging
import os
import signal
from functools import partial

import numpy as np
import pandas as pd
import pytest

from commands import command, refused
from fashion_retail.approximate import Approximate
from fashion_retail.catalogue import Catalogue
from fashion_retail.catalogue_rows import photos_of
from fashion_retail.core import BadInput, sentence
from fashion_retail.scale import Collected, describe_in_processes, describe_shard, made_by, on_dask


def dies_once(rows, file, *args):
    "A worker that is killed on its first shard, before the shard is done"
    marker = file.parent/"killed"
    if not marker.exists():
        marker.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    describe_shard(rows, file, *args)


def test_a_killed_worker_costs_its_shard_and_the_vectors_are_the_same(wardrobe, tmp_path):
    rows = photos_of(wardrobe)[:6]
    alone = Catalogue.build(rows, tmp_path/"alone", cutout="none")
    (tmp_path/"shards").mkdir()
    found = describe_in_processes(rows, tmp_path/"shards", 1, "none", size=3, work=dies_once)
    assert (tmp_path/"shards"/"killed").exists() and len(found.kept) == len(rows)
    together = Catalogue.build(rows, tmp_path/"together", cutout="none", store=found)
    assert np.allclose(alone.index.vectors(), together.index.vectors(), atol=1e-6)


def dies_on_dask(rows, *args, folder):
    "Work of a Dask worker that is killed the first time"
    from fashion_retail.scale import described
    if not (folder/"killed").exists():
        (folder/"killed").write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return described(rows, *args)


def test_dask_workers_of_which_one_is_killed(wardrobe, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="an extra: pip install distributed")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    rows = photos_of(wardrobe)
    alone = Collected()
    for start in (0, 2):
        file, asked = tmp_path/f"{start}.npz", ("none", "ranking", "auto")
        describe_shard(rows[start:start + 2], file, made_by(*asked), *asked)
        assert alone.load(file)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        monkeypatch.setattr("fashion_retail.scale.described", partial(dies_on_dask, folder=tmp_path))
        found = describe_in_processes(rows[:4], tmp_path/"shards", 1, "none", size=2, dask=address)
        assert (tmp_path/"killed").exists() and found.kept.keys() == alone.kept.keys()
        there, here = (np.stack([np.frombuffer(one.kept[key][0], np.float32) for key in alone.kept]) for one in (found, alone))
        np.testing.assert_allclose(there, here, atol=1e-4)  # another number of threads adds in another order
        monkeypatch.undo()
        wrong = on_dask({tmp_path/"x.npz": rows[:2]}, ("others", "none", "ranking", "auto"), address)
        assert isinstance(wrong[0], BadInput) and "a worker has other weights" in str(wrong[0])
        done = command("catalogue", "build", wardrobe, "--out", tmp_path/"shop", "--cutout", "none", "--dask", address)
    assert "16 items" in done.stdout and not (tmp_path/"shop.shards").exists()


def test_a_build_with_workers_and_its_state(wardrobe, tmp_path):
    done = command("catalogue", "build", wardrobe, "--out", tmp_path/"shop", "--cutout", "none", "--workers", 2)
    assert "16 items" in done.stdout and not (tmp_path/"shop.shards").exists()
    assert "method (exact)" in command("catalogue", "info", tmp_path/"shop").stdout
    assert "method exact, recall 1.0" in command("catalogue", "optimize", tmp_path/"shop").stdout


def test_lists_survive_a_damaged_note(tmp_path):
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(1500, 16)).astype(np.float32)
    index = Approximate(tmp_path, memory=0)
    index.upsert(pd.DataFrame(dict(image_id=[str(i) for i in range(1500)])), vectors)
    index.optimize()
    assert index.state()["method"] == "lists" and index.state()["recall"] >= 0.9
    assert index.search(vectors[:5], 1)[1][:, 0].tolist() == list("01234")
    (index.path/"search.json").write_text('{"lists": 3')
    assert index.state()["method"] == "exact"
    assert index.search(vectors[:5], 1)[1][:, 0].tolist() == list("01234")


def in_lists(folder):
    "An index in lists, and its vectors"
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(1200, 16)).astype(np.float32)
    index = Approximate(folder, memory=0)
    index.upsert(pd.DataFrame(dict(image_id=[str(i) for i in range(1200)], color=["red", "blue"]*600)), vectors)
    index.optimize()
    return index, vectors


def test_lists_that_are_cut_short_are_made_again(tmp_path):
    index, vectors = in_lists(tmp_path)
    for file in index.path.rglob("*.idx"): file.write_bytes(file.read_bytes()[:100])
    index = Approximate(tmp_path, memory=0)
    assert "cut short: run fashion-retail catalogue optimize" in sentence(index.search, vectors[:1])
    assert "cut short" in sentence(index.optimize) and len(index) == 1200
    index.optimize(measure=True)
    assert index.state()["method"] == "lists" and index.search(vectors[:3], 1)[1].ravel().tolist() == list("012")
    assert all(int(name) % 2 for name in index.search(vectors[:3], 5, dict(color="blue"))[1].ravel())


def test_rows_that_are_cut_short(tmp_path):
    index, vectors = in_lists(tmp_path)
    for file in (index.path/"data").iterdir(): file.write_bytes(file.read_bytes()[:1000])
    index = Approximate(tmp_path, memory=0)
    for action in (lambda: index.search(vectors[:1]), lambda: index.optimize(measure=True), index.rows):
        assert "a file is cut short" in sentence(action)


def test_a_disk_that_is_full_when_the_table_is_tidied(tmp_path, monkeypatch, capsys):
    index, vectors = in_lists(tmp_path)
    def full(*args): raise OSError(28, "No space left on device")
    monkeypatch.setattr(Approximate, "_clean", full)
    monkeypatch.setattr("fashion_retail.index.SLACK", -2**30)
    index.upsert(pd.DataFrame(dict(image_id=["0"], color=["green"])), -vectors[:1])
    assert "what was changed is stored" in capsys.readouterr().err
    assert index.remove(dict(image_id=["1"])) == 1 and "the disk is full" in capsys.readouterr().err
    other = Approximate(tmp_path, memory=0)
    assert len(other) == 1199 and other.search(-vectors[:1], 1)[1].tolist() == [["0"]]
    assert "the disk is full" in sentence(other.optimize) and "the disk is full" in sentence(other.optimize, True)
    assert other.state()["method"] == "lists"  # what is there is not given up
    monkeypatch.undo()
    other.optimize(measure=True)
    assert len(other) == 1199 and other.count("image_id", dict(color="green")) == 1


def test_bad_input_is_one_sentence(wardrobe, tmp_path):
    assert "ask for at least one" in refused("catalogue", "build", wardrobe, "--out", tmp_path/"x", "--workers", 0)
    away = "catalogue", "build", wardrobe, "--out", tmp_path/"x", "--dask"
    assert "is no address of a scheduler" in refused(*away, "nowhere")
    assert "does not answer" in refused(*away, "tcp://127.0.0.1:9")
    assert "do not fit" in refused("benchmark", "index", "--out", tmp_path/"i.json", "--count", 10)
    assert "do not fit" in refused("benchmark", "workers", "--out", tmp_path/"w.json", "--photos", 1)
    assert "is no catalogue" in refused("catalogue", "optimize", tmp_path/"gone")
