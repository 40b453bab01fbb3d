"Attributes by command: what is written, that nothing of the shop is overwritten, and what is refused"
import json

import numpy as np
import pandas as pd
import pytest

from commands import command, refused
from fashion_retail.catalogue import Catalogue
from fashion_retail.data import read_table
from fashion_retail.photos import save_image
from fashion_retail.service import offered_filters


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    "Folder of 60 drawn garments, striped or plain, red or blue; the last 12 have no tags and are also in new.csv"
    folder, rng, rows = tmp_path_factory.mktemp("shop"), np.random.default_rng(1), []
    for i in range(60):
        striped, red = i % 2, i//2 % 2
        image = np.full((64, 64, 3), 255, np.uint8)
        image[8:56, 12:52] = (200, 30, 40) if red else (30, 50, 200)
        if striped: image[8 + rng.integers(4):56:8, 12:52] = 240
        save_image((image*rng.uniform(0.85, 1)).astype(np.uint8), folder/f"{i}.png")
        tags = dict(pattern=["plain", "striped"][striped], tone=["blue", "red|warm"][red], one="same", few="")
        rows.append(dict(image_id=f"p{i}", item_id=f"i{i}", role="catalogue", path=f"{i}.png", split="train", **tags))
    truth = pd.DataFrame(rows)
    truth.to_csv(folder/"truth.csv", index=False)
    table = truth.copy()
    table.loc[48:, ["pattern", "tone"]] = ""
    table.loc[:2, "few"] = ["a", "b", "b"]
    table.to_csv(folder/"images.csv", index=False)
    table[:48].to_csv(folder/"old.csv", index=False)
    table[48:].to_csv(folder/"new.csv", index=False)
    return folder


def test_answers_for_a_table(shop, tmp_path):
    out, kept = tmp_path/"answers.csv", tmp_path/"tagger.safetensors"
    asked = ["--columns", "pattern,tone", "--predict", shop/"new.csv"]
    command("tag", "--images", shop/"old.csv", *asked, "--out", out, "--save", kept)
    found, truth = pd.read_csv(out), pd.read_csv(shop/"truth.csv")[48:].reset_index(drop=True)
    ends = "", "_probability", "_abstained"
    assert list(found) == ["image_id", *(f"{name}{end}" for name in ("pattern", "tone") for end in ends)]
    assert list(found.image_id) == list(truth.image_id)
    assert (found.pattern == truth.pattern).all() and (found.tone == truth.tone).all()
    assert found.pattern_probability.between(0, 1).all() and found.pattern_abstained.dtype == bool
    command("tag", "--tagger", kept, *asked, "--out", tmp_path/"again.csv")
    assert (tmp_path/"again.csv").read_text() == out.read_text()


def test_filling_never_overwrites(shop, tmp_path):
    first, second = tmp_path/"first.csv", tmp_path/"second.csv"
    command("tag", shop/"images.csv", "--columns", "pattern", "--out", first, "--named-colors")
    table, truth = read_table(first), read_table(shop/"truth.csv")
    assert (table.pattern[:48] == truth.pattern[:48]).all() and (table.pattern_source[:48] == "shop").all()
    told = table[48:][table.pattern[48:] != ""]
    assert len(told) and (told.pattern_source == "predicted").all()
    assert (told.pattern == truth.pattern[told.index]).all() and (told.pattern_probability != "").all()
    assert set(table.main_color) & {"red", "blue", "burgundy"}
    command("tag", first, "--columns", "pattern", "--out", second)
    assert list(read_table(second).pattern_source) == list(table.pattern_source)


def test_a_catalogue_is_filled_and_filtered(shop, tmp_path):
    made = tmp_path/"catalogue"
    command("catalogue", "build", shop/"images.csv", "--out", made, "--features", "color_histogram", "--cutout", "otsu")
    done = command("tag", made, "--columns", "pattern", "--out", tmp_path/"filled.csv", "--coverage", "1")
    assert "12 predicted" in done.stdout and "60 photos changed" in done.stdout, done.stdout
    found = command("search", shop/"49.png", "--catalogue", made, "--where", "pattern=striped", "--where",
                    "pattern_source=predicted", "-k", "3", "--json", tmp_path/"found.json")
    assert "i49" in found.stdout and "i48" not in found.stdout, found.stdout
    rows = Catalogue.load(made).index.rows()
    filters, predicted = offered_filters(rows)
    assert filters["pattern"] == predicted["pattern"] == ["plain", "striped"] and "pattern_source" not in filters


def test_heads_that_ship(shop, tmp_path):
    "Asked for by name; nothing is learned from the shop"
    asked = "tag", "--predict", shop/"new.csv", "--tagger", "shipped", "--out", tmp_path/"out.csv"
    command(*asked, "--columns", "sleeve,pattern")
    found = pd.read_csv(tmp_path/"out.csv")
    assert set(found.pattern) <= {"solid", "striped", "checkered", "dotted", "print"} and len(found) == 12
    assert set(found.sleeve) <= {"long", "short", "sleeveless"} and found.sleeve_probability.between(0, 1).all()
    assert "has not learned category" in refused(*asked, "--columns", "category")


def test_tags_and_search_by_words(shop, tmp_path):
    "A CLIP behind the same calls; this one is small and random, so only the form of its answers is looked at"
    open_clip = pytest.importorskip("open_clip", reason='a CLIP needs OpenCLIP: pip install "fashion_retail[clip]"')
    import torch
    sides = dict(embed_dim=16, vision_cfg=dict(image_size=32, layers=1, width=32, patch_size=16, head_width=16),
                 text_cfg=dict(context_length=77, vocab_size=49408, width=16, heads=2, layers=1))
    (tmp_path/"test-clip.json").write_text(json.dumps(sides))
    open_clip.add_model_config(tmp_path/"test-clip.json")
    torch.manual_seed(0)  # other random weights may abstain from nothing
    torch.save(open_clip.create_model("test-clip").state_dict(), tmp_path/"clip.pt")
    spec, out = f"openclip:test-clip@{tmp_path/'clip.pt'}", tmp_path/"out.csv"
    asked = "tag", "--predict", shop/"new.csv", "--tagger", spec, "--out", out, "--cutout", "none"
    command(*asked, "--columns", "pattern,tone", "--values", "pattern=plain, striped", "--values", "tone=red,blue")
    found = pd.read_csv(out)
    assert len(found) == 12 and set(found.pattern) <= {"plain", "striped"} and found.tone_probability.between(0.5, 1).all()
    command("tag", shop/"images.csv", "--columns", "pattern", "--tagger", spec, "--out", out, "--cutout", "none")
    table = read_table(out)  # the column's own values
    assert set(table.pattern_source) == {"shop", "predicted", ""} and set(table.pattern) == {"plain", "striped", ""}
    assert "at least two with --values" in refused(*asked, "--columns", "fit")
    for name, features in ("words", spec), ("plain", "color_histogram"):
        command("catalogue", "build", shop/"old.csv", "--out", tmp_path/name, "--features", features, "--cutout", "none")
    said = command("search", "--text", "red striped shirt", "--catalogue", tmp_path/"words", "-k", 3).stdout
    assert said.split()[:3] == ["rank", "item_id", "distance"] and len(said.splitlines()) == 4
    assert "does not understand words" in refused("search", "--text", "red", "--catalogue", tmp_path/"plain")
    assert "give photos, or --text" in refused("search", "--catalogue", tmp_path/"plain")


def test_wrong_tags_come_first(shop, tmp_path):
    table = pd.read_csv(shop/"old.csv", keep_default_na=False)
    table["path"] = [str(shop/path) for path in table.path]
    table.loc[[5, 20], "pattern"] = ["plain", "striped"]
    table.to_csv(tmp_path/"images.csv", index=False)
    out, sheet = tmp_path/"suspects.csv", tmp_path/"sheet.jpg"
    command("tag-check", tmp_path/"images.csv", "--columns", "pattern", "--out", out, "--sheet", sheet, "--count", "4")
    found = pd.read_csv(out)
    assert list(found) == ["image_id", "column", "tag", "suggested", "suspicion"] and len(found) == 48
    assert set(found.image_id[:2]) == {"p5", "p20"} and found.suspicion.is_monotonic_decreasing
    assert sheet.stat().st_size > 1000


def test_what_is_refused(shop, tmp_path):
    learn = ["tag", "--images", shop/"old.csv", "--predict", shop/"new.csv", "--out", tmp_path/"out.csv", "--columns"]
    assert "no column size" in refused(*learn, "size")
    assert "one value only" in refused(*learn, "one")
    assert "at least 15 examples" in refused(*learn, "few")
    assert "is no attribute" in refused(*learn, "path")
    assert "--columns is empty" in refused(*learn, " , ")
    assert "to learn from" in refused(*learn[:1], *learn[3:], "pattern")
    again = [*learn[:4], shop/"images.csv", *learn[5:]]
    assert "are in --images and in --predict (p0, p1, p2 and 45 more)" in refused(*again, "pattern")
    other = pd.read_csv(shop/"new.csv", keep_default_na=False)
    header = tmp_path/"empty.csv"
    other[:0].to_csv(header, index=False)
    assert "has no rows" in refused(*learn[:4], header, *learn[5:], "pattern")
    assert "has no rows" in refused(*learn[:2], header, *learn[3:], "pattern")
    other.assign(path="gone.png").to_csv(tmp_path/"gone.csv", index=False)
    assert "gone.png" in refused(*learn[:4], tmp_path/"gone.csv", *learn[5:], "pattern")
    renamed = other.assign(image_id="q" + other.image_id, item_id="q" + other.item_id)
    renamed["path"] = [str(shop/f"{i}.png") for i in range(len(other))]
    renamed.to_csv(tmp_path/"renamed.csv", index=False)
    done = command(*learn[:4], tmp_path/"renamed.csv", *learn[5:], "pattern")
    assert "12 photos of --predict are in --images under other ids" in done.stderr
    twice = pd.concat([other, other[:1]])
    twice.to_csv(tmp_path/"twice.csv", index=False)
    assert "stands more than once" in refused(*learn[:4], tmp_path/"twice.csv", *learn[5:], "pattern")
    campaign = refused("label-campaign", "--images", shop/"old.csv", "--columns", "pattern", "--out", tmp_path)
    assert "pattern has 48 tags in train and 0 in valid" in campaign
    assert "gives no interval" in refused("label-campaign", "--images", shop, "--columns", "pattern", "--out", tmp_path,
                                          "--seeds", "1")
    assert "no rows in split test" in refused(*learn, "pattern", "--fit", "test")
    assert "is no tagger" in refused("tag", "--tagger", shop/"0.png", *learn[3:], "pattern")
