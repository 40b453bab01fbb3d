"Catalogue, index and their commands: what a user does, what goes wrong, what survives a kill"
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fashion_retail.cli import app
from fashion_retail.core import BadInput, sentence
from fashion_retail.data import read_table
from fashion_retail.photos import load_image, save_image

FAST = dict(cutout="otsu", features="color_histogram")


@pytest.fixture(scope="module")
def shop(wardrobe, tmp_path_factory):
    "Folder with a photo an item; the items' phone photos"
    folder, table = tmp_path_factory.mktemp("shop"), read_table(wardrobe/"images.csv")
    for row in table[table.role == "catalogue"].itertuples(): shutil.copy(row.path, folder/f"{row.item_id}.jpg")
    return folder, table[table.role == "snapshot"].reset_index(drop=True)


@pytest.fixture()
def catalogue(shop, tmp_path):
    "A fresh small catalogue, made from a copy of the shop that a test may change"
    from fashion_retail.catalogue import Catalogue
    folder = shutil.copytree(shop[0], tmp_path/"photos")
    made = Catalogue.build(folder, tmp_path/"catalogue", **FAST)
    made.source = folder
    return made


def run(*args, code=0):
    "The command in this process; -> what it printed"
    result = CliRunner().invoke(app, [str(o) for o in args])
    if isinstance(result.exception, BadInput): result.exit_code, result.said = 2, str(result.exception)
    else:
        if result.exception and not isinstance(result.exception, SystemExit): raise result.exception
        result.said = result.output
    assert result.exit_code == code, (result.exit_code, result.said)
    return result.said


def test_a_copy_without_its_photos_says_so(catalogue, tmp_path, monkeypatch):
    "`cp -r` of the catalogue alone: counted at once by info and serve, and cured as the sentence says"
    from fashion_retail import cli_catalogue
    from fashion_retail.catalogue import Catalogue
    copy, count = shutil.copytree(catalogue.path, tmp_path/"else"/"where"/"catalogue"), len(catalogue.index)
    monkeypatch.setattr(cli_catalogue, "_serve", lambda service, *rest: None)
    for command in ("catalogue", "info", copy), ("serve", copy):
        said = run(*command)
        assert f"{count} of {count} photos looked for are not where the catalogue says" in said
        assert f"catalogue update {copy}" in said
    assert "not where" not in run("catalogue", "info", catalogue.path)
    run("catalogue", "update", copy, catalogue.source)
    assert Catalogue.load(copy).missing() == ""


# What a user does

def test_search_says_what_it_found(shop, catalogue):
    found = catalogue.search(shop[1].path[0])
    assert list(found.to_frame()["rank"]) == list(range(1, 11))
    assert found.items.distance.is_monotonic_increasing and found.items.item_id.is_unique
    assert found.items.probability.sum() <= found.in_catalogue + 1e-9 and f"({found.in_catalogue:.2f})" in found.decision
    made = json.loads(json.dumps(found.to_json()))
    assert set(made) == {"photo", "in_catalogue", "decision", "answers", "cutout", "seconds"}
    assert set(made["answers"][0]) == {"rank", "item_id", "image_id", "path", "distance", "probability", "attributes"}
    assert set(made["cutout"]) == {"method", "confidence", "also", "mask"} and set(made["seconds"]) == {"read", "cutout", "describe", "search"}
    assert all(Path(o["path"]).is_file() for o in made["answers"])


def test_mask_in_the_json_is_the_mask(shop, catalogue):
    import base64
    import cv2
    found = catalogue.search(shop[1].path[0])
    data = found.to_json()["cutout"]["mask"].split(",")[1]
    mask = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert ((mask > 127) == found.looks[0].mask).all()


def test_a_catalogue_photo_finds_itself(catalogue):
    photo = sorted(catalogue.source.iterdir())[3]
    found = catalogue.search(photo)
    assert found.items.item_id[0] == photo.stem and found.items.distance[0] < 1e-3


def test_answers_are_items(catalogue, shop):
    "Two photos of each item, in sub-folders: ten different items, each by its nearest photo"
    for file in sorted(catalogue.source.iterdir()):
        folder = catalogue.source/file.stem
        folder.mkdir()
        image = load_image(file)
        file.rename(folder/"front.jpg")
        save_image(np.ascontiguousarray(image[:, ::-1]), folder/"mirrored.jpg")
    made = type(catalogue).build(catalogue.source, catalogue.path.parent/"pairs", **FAST)
    assert (len(made), len(made.index)) == (16, 32)
    found = made.search(shop[1].path[0])
    assert found.items.item_id.is_unique and len(found.items) == 10
    each = made.nearest_items(made.look(shop[1].path[0]).vector, 16)
    distances, ids = made.index.search(made.look(shop[1].path[0]).vector[None], 32)
    best = pd.DataFrame(dict(item=[o.split("/")[0] for o in ids[0]], distance=distances[0])).groupby("item").distance.min()
    assert np.allclose(each.distance, best[each.item_id]) and len(each) == 16


def test_filters_are_applied_before_the_search(wardrobe, shop, tmp_path):
    from fashion_retail.catalogue import Catalogue
    made = Catalogue.build(wardrobe, tmp_path/"catalogue", **FAST)
    kinds = made.index.rows().category
    kind, count = kinds.value_counts().index[0], kinds.value_counts().iloc[0]
    found = made.search(shop[1].path[0], where=dict(category=kind))
    assert set(found.items.category) == {kind} and len(found.items) == min(10, count)
    both = made.search(shop[1].path[0], k=2, where=dict(category=list(kinds.unique()[:2])))
    assert len(both.items) == 2
    assert "use one of" in sentence(made.search, shop[1].path[0], where=dict(category="hat")) and kind in sentence(made.search, shop[1].path[0], where=dict(category="hat"))
    assert "category" in sentence(made.search, shop[1].path[0], where=dict(colour="red"))


def test_several_photos_are_one_query(shop, catalogue):
    one, two = shop[1].path[:2]
    each, together = catalogue.search([one, two]), catalogue.search([one, two], together=True)
    assert len(each) == 2 and len(together.looks) == 2 and together.to_json()["photos"] == [one, two]
    same = catalogue.search([one, one], together=True)
    assert list(same.items.item_id) == list(each[0].items.item_id)


def test_box_and_point_say_which_garment(shop, catalogue):
    left, right = load_image(shop[1].path[0]), load_image(shop[1].path[1])
    image = np.concatenate([left, right], 1)
    width = left.shape[1]
    boxed = catalogue.search(image, box=(width, 0, 2*width, len(left)))
    assert not boxed.looks[0].mask[:, :width].any()
    assert boxed.items.item_id[0] == catalogue.search(right).items.item_id[0]
    mask = catalogue.search(image).looks[0].mask
    y, x = np.argwhere(mask)[0]
    pointed = catalogue.search(image, point=(x, y)).looks[0].mask
    assert pointed[y, x] and not (pointed & ~mask).any()


def test_incremental_by_content(catalogue):
    photos = sorted(catalogue.source.iterdir())
    assert catalogue.add(catalogue.source)["same"] == 16
    photos[0].rename(photos[0].with_name("renamed.jpg"))
    counts = catalogue.add(catalogue.source)
    assert (counts["new"], counts["same"]) == (1, 15)
    shutil.copy(photos[2], photos[1])
    before = catalogue.index.vectors(dict(image_id=photos[1].name))
    assert "update" in sentence(catalogue.add, catalogue.source)
    assert catalogue.update(catalogue.source)["changed"] == 1
    assert np.abs(catalogue.index.vectors(dict(image_id=photos[1].name)) - before).max() > 1e-3
    assert catalogue.remove(photos[2].stem) == 1 and photos[2].stem not in set(catalogue.index.rows().item_id)


def test_a_photo_more_of_an_item_needs_update(catalogue, tmp_path):
    photo = sorted(catalogue.source.iterdir())[0]
    folder = tmp_path/"more"/photo.stem
    folder.mkdir(parents=True)
    save_image(load_image(photo)[:, ::-1].copy(), folder/"back.jpg")
    assert "other photos" in sentence(catalogue.add, tmp_path/"more")
    assert catalogue.update(tmp_path/"more")["new"] == 1
    assert (len(catalogue), len(catalogue.index)) == (16, 17)
    assert catalogue.remove(photo.stem) == 2


def test_build_again_does_nothing_and_replaces_only_when_told(catalogue):
    from fashion_retail.catalogue import Catalogue
    assert Catalogue.build(catalogue.source, catalogue.path, **FAST).counts["same"] == 16
    next(catalogue.source.iterdir()).unlink()
    assert "--replace" in sentence(Catalogue.build, catalogue.source, catalogue.path, **FAST)
    assert len(Catalogue.build(catalogue.source, catalogue.path, **FAST, replace=True)) == 15
    assert "--replace" in sentence(Catalogue.build, catalogue.source, catalogue.path, cutout="otsu", features="hog")
    assert Catalogue.build(catalogue.source, catalogue.path, cutout="otsu", features="hog", replace=True).made["features"] == "hog"
    assert sorted(o.name for o in catalogue.path.glob("*.lance")) == ["photos-2.lance"]


def test_other_weights_are_named_and_rebuilt(catalogue, shop, monkeypatch):
    from fashion_retail.catalogue import Catalogue
    from fashion_retail.descriptors import ColorHistogram
    monkeypatch.setattr(ColorHistogram, "code", "newer")
    other = Catalogue(catalogue.path)
    assert "rebuild" in sentence(other.search, shop[1].path[0]) and "rebuild" in sentence(other.add, other.path.parent/"photos")
    assert "rebuild" in other.info()["rebuild"] and any("rebuild" in o for o in other.check())
    assert other.rebuild()["new"] == 16
    assert other.check() == [] and len(other.search(shop[1].path[0]).items) == 10
    catalogue.refresh()  # as every call does
    assert catalogue.index.name == "photos-2"


def test_a_copy_answers_alike(catalogue, shop, tmp_path):
    copy = catalogue.save(tmp_path/"deeper"/"copy")
    assert copy.check() == [] and "exists" in sentence(catalogue.save, tmp_path/"deeper"/"copy")
    one, two = (o.search(shop[1].path[0]).items for o in (catalogue, copy))
    assert list(one.item_id) == list(two.item_id) and [os.path.realpath(o) for o in one.path] == [os.path.realpath(o) for o in two.path]


def test_calibration_is_kept_and_used(wardrobe, shop, tmp_path):
    from fashion_retail.catalogue import Catalogue
    from fashion_retail.wardrobe import make_wardrobe
    make_wardrobe(tmp_path/"more", n_items=30, size=96, progress=False)
    made = Catalogue.build(tmp_path/"more", tmp_path/"catalogue", **FAST)
    before = made.search(shop[1].path[0])
    about = made.calibrate(tmp_path/"more")
    assert about["n_items"] == 30 and made.info()["calibration"]["n_items"] == 30
    after = Catalogue.load(tmp_path/"catalogue").search(shop[1].path[0])
    assert after.in_catalogue != before.in_catalogue
    assert made.check() == []
    assert "calibration needs" in sentence(Catalogue.build(wardrobe, tmp_path/"small", **FAST).calibrate, wardrobe)


def test_widget_is_the_search_page(catalogue, shop):
    widget = catalogue.widget(k=3)
    said = []
    widget.send = lambda reply, buffers: said.append(reply)
    for number, photo in enumerate([Path(shop[1].path[0]).read_bytes(), b"nothing"]):
        widget._answer(None, dict(number=number, do="search", args={}), [photo])
    assert "outline" in said[0] and len(said[1]["value"]["results"][0]["answers"]) == 3
    assert said[2]["problem"]["code"] == "not_a_photo"
    assert widget.service.log.path.is_relative_to(catalogue.path)  # feedback is kept with the catalogue


def test_page_is_self_contained_and_escaped(catalogue, shop):
    from fashion_retail.answers import to_html
    found = catalogue.search(shop[1].path[0])
    found.items = found.items.assign(item_id="<script>alert(1)</script>")
    page = to_html(found)
    assert "<script" not in page and "http:" not in page and "https:" not in page and page.count("data:image/jpeg") == 12


def test_import_stays_light():
    code = "import time; t = time.perf_counter(); import fashion_retail, sys; print(time.perf_counter() - t, 'pandas' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert float(said[0]) < 0.3 and said[1] == "False"
    from fashion_retail import Catalogue
    assert Catalogue.__module__ == "fashion_retail.catalogue"


# The commands

def test_commands_from_folder_to_answers(shop, tmp_path, wardrobe):
    folder, out = shutil.copytree(shop[0], tmp_path/"photos"), tmp_path/"catalogue"
    said = run("catalogue", "build", folder, "--out", out, "--cutout", "otsu", "--features", "color_histogram")
    assert "16 photos new" in said and "16 items, 16 photos" in said
    said = run("search", *shop[1].path[:2], "--catalogue", out, "-k", 3, "--json", tmp_path/"a.json", "--html", tmp_path/"a.html")
    assert "in the catalogue:" in said and len(json.loads((tmp_path/"a.json").read_text())) == 2
    assert (tmp_path/"a.html").read_text().startswith("<!doctype html>")
    first = sorted(o.stem for o in folder.iterdir())[0]
    assert "1 photos removed" in run("catalogue", "remove", out, first)
    assert "1 photos new" in run("catalogue", "add", out, folder)
    assert "nothing to do" not in run("catalogue", "update", out, folder)
    run("catalogue", "info", out, "--json", tmp_path/"info.json")
    assert json.loads((tmp_path/"info.json").read_text())["items"] == 16
    assert "nothing is wrong" in run("catalogue", "check", out)
    (folder/f"{first}.jpg").unlink()
    run("catalogue", "check", out, code=2)


def test_search_in_a_folder_indexes_it_once(shop, tmp_path):
    folder = shutil.copytree(shop[0], tmp_path/"photos")
    (folder/"broken.jpg").write_bytes(b"no photo")
    said = run("search", shop[1].path[0], "--catalogue", folder)
    assert "16 photos new" in said
    (folder/"broken.jpg").unlink()
    said = run("search", shop[1].path[0], "--catalogue", folder)
    assert "photos new" not in said and "in the catalogue:" in said
    moved = folder.rename(tmp_path/"moved")
    began = time.perf_counter()
    assert "16 photos new" in run("search", shop[1].path[0], "--catalogue", moved)  # found again by content
    assert time.perf_counter() - began < 20


def test_command_smoke(shop, tmp_path):
    "The commands as a user calls them, each in a process of its own"
    def call(*args, code=0):
        done = subprocess.run([sys.executable, "-c", "from fashion_retail.cli import main; main()", *map(str, args)], capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr
    out = tmp_path/"catalogue"
    assert "16 items" in call("catalogue", "build", shop[0], "--out", out, "--cutout", "otsu", "--features", "color_histogram")
    assert "in the catalogue" in call("search", shop[1].path[0], "--catalogue", out)
    said = call("search", tmp_path/"nothing.jpg", "--catalogue", out, code=2)
    assert said.count("\n") == 1 and "does not exist" in said


# Bad input

def test_bad_input_is_one_sentence(catalogue, shop, tmp_path):
    from fashion_retail.catalogue import Catalogue
    photo, out = shop[1].path[0], catalogue.path
    (tmp_path/"text.jpg").write_text("no photo")
    (tmp_path/"empty").mkdir()
    search = lambda *args: run("search", *args, "--catalogue", out, code=2)
    assert "cannot be read" in search(tmp_path/"text.jpg")
    assert "-k" not in search(photo, "-k", 17) and "16 items" in search(photo, "-k", 17)
    assert "at least one" in search(photo, "-k", 0)
    assert "no column" in search(photo, "--where", "size=XL")
    assert "write COLUMN=VALUE" in search(photo, "--where", "size")
    assert "4 numbers" in search(photo, "--box", "1,2,3")
    assert "pixels" in search(photo, "--box", "900,900,950,950")
    assert "no photos" in run("catalogue", "build", tmp_path/"empty", "--out", tmp_path/"new", code=2)
    assert "no images table" in run("catalogue", "build", tmp_path/"nowhere", "--out", tmp_path/"new", code=2)
    assert "something else" in run("catalogue", "build", shop[0], "--out", shop[0], code=2)
    assert "no catalogue" in run("catalogue", "info", shop[0], code=2)
    assert "nothing was removed" in run("catalogue", "remove", out, "nobody", code=2)
    assert "finds no item" in sentence(Catalogue.build, shop[0], tmp_path/"new", pattern="(x)")
    assert "learn from all photos" in sentence(Catalogue.build, shop[0], tmp_path/"new", features="color_histogram+pca")
    assert not (tmp_path/"new").exists() and len(catalogue) == 16


def test_no_garment_asks_for_a_box(catalogue, monkeypatch):
    blank = np.full((100, 120, 3), 255, np.uint8)
    monkeypatch.setattr(type(catalogue.cutout), "with_confidence", lambda self, image: (np.zeros(image.shape[:2], bool), None))
    assert "box" in sentence(catalogue.search, blank)
    boxed = catalogue.search(np.random.default_rng(0).integers(0, 255, blank.shape, dtype=np.uint8), box=(10, 10, 60, 60))
    assert boxed.looks[0].mask.sum() == 2500


def test_empty_damaged_and_newer_catalogues(catalogue, shop, tmp_path):
    from fashion_retail.catalogue import Catalogue
    from fashion_retail.catalogue_folder import NAME
    file = catalogue.path/NAME
    facts = json.loads(file.read_text())
    catalogue.remove(catalogue.index.rows().item_id)
    assert "empty" in sentence(catalogue.search, shop[1].path[0]) and catalogue.check() == []
    assert catalogue.add(catalogue.source)["new"] == 16
    for text, word in (("{", "damaged"), (json.dumps({**facts, "format": 99}), "newer"), (json.dumps({"format": 1}), "damaged")):
        file.write_text(text)
        assert word in sentence(Catalogue, catalogue.path)
    file.write_text(json.dumps(facts))
    for data in (catalogue.path/"photos-1.lance").rglob("*.lance"): data.write_bytes(b"damaged")
    assert "cannot be used" in sentence(Catalogue(catalogue.path).search, shop[1].path[0])
    shutil.rmtree(catalogue.path/"photos-1.lance")
    assert "is missing" in sentence(Catalogue(catalogue.path).search, shop[1].path[0])


def test_unreadable_photos_stop_or_are_left_out(catalogue, shop):
    (catalogue.source/"broken.jpg").write_bytes(b"no photo")
    assert "broken.jpg" in sentence(catalogue.add, catalogue.source) and len(catalogue.index) == 16
    counts = catalogue.add(catalogue.source, skip=True)
    assert list(counts["lost"]) == ["broken.jpg"] and counts["same"] == 16


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the administrator may write anywhere")
def test_read_only_folder(catalogue, shop):
    for folder in (catalogue.path, *catalogue.path.rglob("*")): folder.chmod(0o555 if folder.is_dir() else 0o444)
    assert len(catalogue.search(shop[1].path[0]).items) == 10
    assert "written" in sentence(catalogue.remove, catalogue.index.rows().item_id[0])


def test_full_disk_loses_nothing(catalogue, tmp_path):
    "Files may not grow beyond 20 kB: the add fails with a sentence, and what was there stays"
    code = ("import resource, sys; from fashion_retail.catalogue import Catalogue; from fashion_retail.index import Lance; import numpy as np, pandas as pd\n"
            "index = Lance(sys.argv[1], 'photos-1'); count = len(index)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
            "rows = pd.DataFrame(dict(image_id=[str(i) for i in range(2000)]))\n"
            "try: index.upsert(rows, np.ones((2000, index.dim)))\n"
            "except Exception as error: print(type(error).__name__, error)\n"
            "print(len(index) == count)")
    done = subprocess.run([sys.executable, "-c", code, str(catalogue.path)], capture_output=True, text=True)
    assert done.stdout.startswith("BadInput") and "full" in done.stdout and done.stdout.strip().endswith("True"), done.stdout + done.stderr
    assert catalogue.check() == []


# Kills, and two processes

KILLER = """
import json, os, random, shutil, signal, sys, time
from pathlib import Path
from fashion_retail.catalogue import Catalogue
from fashion_retail.catalogue_folder import NAME  # once; the database is imported by each child

source, out, rounds, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
items, rng = sorted(o.name for o in source.iterdir()), random.Random(seed)

def faults(there, moving):
    "What is wrong: `there` was acknowledged, `moving` may be there or not"
    if not (out/NAME).exists(): return [] if there is None else ["the catalogue is gone"]
    made = Catalogue.load(out)
    photos = made.index.rows().groupby("item_id").size() if len(made.index) else {}
    found = [f"half of {o}" for o in photos.keys() if photos[o] != 2]
    if there is not None:
        if not made.facts["current"]: found.append("a finished build is not there")
        found += [f"{o} is lost" for o in there - moving - set(photos.keys())]
        found += [f"{o} is back" for o in set(photos.keys()) - there - moving]
    return found + [o for o in made.check() if "has not ended" not in o]

def act(say, there, moving):
    "Check what the kill has left, then build, remove, add, optimize until killed"
    say(["checked", faults(there, moving)])
    made = Catalogue.build(source, out, cutout="otsu", features="color_histogram", replace=True)
    say(["there", items])
    draw = random.Random(os.getpid())
    while True:
        some = draw.sample(items, 3)
        say(["moving", some])
        made.remove(some)
        say(["there", [o for o in items if o not in some]])
        say(["moving", some])
        made.add(source)
        say(["there", items])
        made.index.optimize()

there, moving, wrong = None, set(), []
for number in range(rounds + 1):
    if number % 10 == 0 and number < rounds:
        shutil.rmtree(out, ignore_errors=True)
        there, moving = None, set()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        act(lambda what: os.write(write, (json.dumps(what) + chr(10)).encode()), there, moving)
    os.close(write)
    lines, said, last = os.fdopen(read), 0, rng.randint(0, 12)
    def hear(line):
        global there, moving
        kind, what = json.loads(line)
        if kind == "checked": wrong.extend(f"kill {number}: {o}" for o in what)
        elif kind == "moving": moving = set(what)
        else: there, moving = set(what), set()
    for line in lines:
        hear(line)
        said += 1
        if said > last: break
    if there is not None and said <= 1: moving = set(items)  # the build that follows may be anywhere
    time.sleep(rng.uniform(0, 0.4 if last == 0 else 0.05))
    os.kill(child, signal.SIGKILL)
    for line in lines: hear(line)
    os.waitpid(child, 0)
print(json.dumps(wrong))
"""


def kill_rounds(source, out, rounds, seed=0):
    "Build, remove, add and optimize in a process that is killed, again and again; -> what was wrong"
    done = subprocess.run([sys.executable, "-c", KILLER, str(source), str(out), str(rounds), str(seed)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture()
def pairs(shop, tmp_path):
    "Five items of two photos each"
    folder = tmp_path/"pairs"
    for file in sorted(shop[0].iterdir())[:5]:
        (folder/file.stem).mkdir(parents=True)
        shutil.copy(file, folder/file.stem/"one.jpg")
        shutil.copy(file, folder/file.stem/"two.jpg")
        with open(folder/file.stem/"two.jpg", "ab") as end: end.write(b"other")
    return folder


def test_kills_lose_nothing(pairs, tmp_path):
    assert kill_rounds(pairs, tmp_path/"catalogue", 6) == []


SEARCHER = """
import sys, time
from fashion_retail.catalogue import Catalogue
catalogue = Catalogue.load(sys.argv[1])
until, count = time.time() + float(sys.argv[3]), 0
print("ready", flush=True)
while time.time() < until:
    assert len(catalogue.search(sys.argv[2]).items)
    count += 1
print(count)
"""


def together_for(seconds, source, out):
    "One process searches all the time, this one removes and adds; -> searches, changes; raises where an answer is stale"
    from fashion_retail.catalogue import Catalogue
    catalogue = Catalogue.build(source, out, **FAST)
    photo = sorted(source.rglob("*.jpg"))[0]
    other = subprocess.Popen([sys.executable, "-c", SEARCHER, str(out), str(photo), str(seconds)], stdout=subprocess.PIPE, text=True)
    other.stdout.readline()
    reader, changes = Catalogue.load(out), 0
    while other.poll() is None:
        item = photo.parent.name
        catalogue.remove(item)
        assert item not in set(reader.search(photo).items.item_id), "a removed item is found"
        catalogue.add(source)
        assert reader.search(photo).items.item_id[0] == item, "an added item is not found"
        changes += 2
    assert other.returncode == 0, "the searching process failed"
    return int(other.stdout.read()), changes


def test_one_adds_another_searches(pairs, tmp_path):
    searches, changes = together_for(4, pairs, tmp_path/"catalogue")
    assert searches and changes
