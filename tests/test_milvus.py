"An index on a real Milvus server, which the tests start, kill and start again"
import json
from contextlib import ExitStack
from types import SimpleNamespace

import numpy as np
import pytest

from commands import command, refused
from fashion_retail.catalogue import Catalogue
from fashion_retail.contract import check_answers, check_changes, check_names, check_refusals, drawn_photos, local_server
from fashion_retail.core import BadInput, sentence
from fashion_retail.milvus import Milvus

FAST = dict(cutout="otsu", features="color_histogram")
ASKED = "--cutout", "otsu", "--features", "color_histogram"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    "A server with `port`, `kill()` and `start()`"
    pytest.importorskip("pymilvus", reason="the client is not installed: pip install pymilvus")
    data, stack = tmp_path_factory.mktemp("milvus"), ExitStack()
    def start(port=0): return stack.enter_context(local_server(data, port))
    try: found = SimpleNamespace(port=start(), kill=stack.close)
    except BadInput as error: pytest.skip(str(error))
    found.start = lambda: start(found.port)
    yield found
    stack.close()


@pytest.fixture()
def place(server, request):
    "The address of a collection of two shards that only this test has"
    return f"milvus://127.0.0.1:{server.port}/{request.node.name.split('[')[0]}?shards=2&wait=20"


@pytest.mark.parametrize("check", [lambda new: check_changes(check_answers(new, 0.99)), lambda new: check_names(new()),
                                   lambda new: check_refusals(new())], ids=["answers and changes", "names", "bad input"])
def test_contract(check, server, tmp_path, request):
    number = request.node.callspec.indices["check"]
    check(lambda: Milvus(tmp_path, address=f"milvus://127.0.0.1:{server.port}/contract_{number}?shards=2"))


def test_a_catalogue_on_a_server(wardrobe, place, tmp_path):
    there, here = tmp_path/"there", Catalogue.build(wardrobe, tmp_path/"here", **FAST)
    assert "16 items" in command("catalogue", "build", wardrobe, "--out", there, *ASKED, "--index", place).stdout
    assert json.loads((there/"catalogue.json").read_text())["current"]["index"] == place
    assert not list(there.glob("*.lance"))
    found, photo = Catalogue.load(there), here.photos().path[0]
    test, same = found.search(photo).items, here.search(photo).items
    assert test.item_id.tolist() == same.item_id.tolist() and test.item_id.is_unique  # items, not photos
    assert np.allclose(test.distance, same.distance, atol=1e-5)
    assert "shards (2)" in command("catalogue", "info", there).stdout
    assert "recall 1.0" in command("catalogue", "optimize", there).stdout
    command("catalogue", "remove", there, same.item_id[0])
    assert len(found.index.rows(dict(item_id=same.item_id[0]))) == 0
    assert "1 photos new" in command("catalogue", "update", there, wardrobe).stdout
    found.rebuild()  # another collection, and the old one goes
    assert found.index.path.endswith("photos_2") and len(found) == 16
    assert not Milvus(there, "photos-1", place).exists()
    assert found.search(photo).items.item_id[0] == same.item_id[0]
    build = "catalogue", "build", wardrobe, *ASKED, "--index", place, "--out"
    assert "belongs to another catalogue" in refused(*build, tmp_path/"new")
    assert "vectors in" in refused(*build, tmp_path/"here")


def test_another_descriptor_or_somebody_elses_collection(place, tmp_path):
    rows, vectors = drawn_photos(20)
    Milvus(tmp_path, address=place, about="ranking-1").upsert(rows, vectors)
    other = Milvus(tmp_path, address=place, about="ranking-2")
    for action in (lambda: other.upsert(rows, vectors), lambda: other.search(vectors[:1])):
        assert "made with ranking-1 and not with ranking-2" in sentence(action)
    mine = Milvus(tmp_path, address=place, about="ranking-1")
    assert "the index has 64" in sentence(mine.upsert, rows, vectors[:, :32]) and len(mine) == 20
    mine._ask(lambda client, seconds: client.create_collection("foreign_photos", dimension=8))
    foreign = Milvus(tmp_path, address=place.replace(mine.place["collection"], "foreign"))
    assert "something else" in sentence(foreign.upsert, rows, vectors)
    foreign.drop()


def test_the_server_is_killed_in_the_middle_of_a_build(server, wardrobe, place, tmp_path, monkeypatch):
    place, out = place.replace("wait=20", "wait=1"), tmp_path/"c"
    stored = []
    def upsert(self, rows, vectors):
        if stored: server.kill()
        whole(self, rows, vectors)
        stored.extend(rows.image_id)
    whole = Milvus.upsert
    monkeypatch.setattr(Milvus, "upsert", upsert)
    monkeypatch.setattr("fashion_retail.catalogue_folder.CHUNK", 8)
    said = refused("catalogue", "build", wardrobe, "--out", out, *ASKED, "--index", place)
    assert "does not answer" in said and len(stored) == 8
    monkeypatch.setattr(Milvus, "upsert", whole)
    assert "does not answer" in refused("catalogue", "info", out)
    server.start()
    said = command("catalogue", "build", wardrobe, "--out", out, *ASKED, "--index", place.replace("wait=1", "wait=60"))
    assert "16 items" in said.stdout


def test_an_address_or_a_server_that_is_wrong(wardrobe, tmp_path):
    pytest.importorskip("pymilvus", reason="the client is not installed: pip install pymilvus")
    build = "catalogue", "build", wardrobe, "--out", tmp_path/"x", *ASKED, "--index"
    assert "no address of an index" in refused(*build, "milvus://nowhere/shop")
    assert "no address of an index" in refused(*build, "milvus://127.0.0.1:9/shop?shard=2")
    assert "does not answer" in refused(*build, "milvus://127.0.0.1:9/shop?wait=0")
    assert not (tmp_path/"x").exists()
