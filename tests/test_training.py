"Training a segmenter from the command line: going on from weights, settings that cannot work, weight files of earlier versions"
import json

import pandas as pd
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from commands import command, in_two_processes, refused
from fashion_retail.cutout import SEGMENTER_WEIGHTS, cutout
from fashion_retail.data import load_image, read_table, select
from fashion_retail.tiramisu import LiteTiramisu, load_weights

SIX = ["background", "top", "trousers", "skirt", "dress", "shoes"]


def settings(*changes): return [part for change in changes for part in ("--set", f"training.{change}")]


def test_start_goes_on_from_the_shipped_weights(wardrobe, tmp_path):
    done = command("train", "--images", wardrobe, "--out", tmp_path, "--start", "shipped", "--device", "cpu",
                   *settings("epochs=1", "size=64", "learning_rate=0.0001"))
    assert "its architecture is kept" in done.stdout
    card, history = json.loads((tmp_path/"card.json").read_text()), pd.read_csv(tmp_path/"history.csv")
    assert card["settings"]["start"] == "shipped" and len(history) == 1
    net = load_weights(tmp_path/"segmenter.safetensors")
    assert isinstance(net, LiteTiramisu) and net.meta["growth_rate"] == 12  # not the default profile's
    gap = (net.head.weight - load_weights(SEGMENTER_WEIGHTS).head.weight).abs().max()
    assert 0 < gap < 0.05  # fine-tuned, not begun anew
    assert "do not exist" in refused("train", "--images", wardrobe, "--out", tmp_path/"x", "--start", tmp_path/"none.safetensors")


def test_two_processes_learn_like_one(wardrobe, tmp_path):
    "Of a step of two photos, each process has one"
    args = ["train", "--images", wardrobe, "--device", "cpu", *settings("epochs=1", "size=32", "batch_size=2", "encoder=''",
            "n_filters_first_conv=8", "growth_rate=4", "n_layers_per_block=[1,1,1]", "dropout=0.0"), "--out"]
    command(*args, tmp_path/"one")
    run = in_two_processes(*args, tmp_path/"two")
    said, wrong = run.communicate(timeout=120)
    assert run.returncode == 0 and said.count("weights: ") == 1, wrong
    one, two = (pd.read_csv(tmp_path/o/"history.csv") for o in ("one", "two"))
    assert abs(two.train_loss[0]/one.train_loss[0] - 1) < 0.1 and abs(two.valid_loss[0]/one.valid_loss[0] - 1) < 0.1


def test_settings_are_refused_before_the_work(wardrobe, tmp_path):
    for change, words in (("epochs=0", "epochs is 0"), ("batch_size=0", "batch_size is 0"), ("dropout=1.5", "dropout is 1.5"),
                          ("learning_rate=-1", "learning_rate is -1"), ("average=1.0", "average is 1.0"),
                          ("max_train=-3", "max_train is -3"), ("seed=-1", "seed is -1"), ("size=3", "px a side")):
        assert words in refused("train", "--images", wardrobe, "--out", tmp_path/"t", *settings(change)), change
    assert "hide is 2" in refused("train-ranking", "--images", wardrobe, "--out", tmp_path/"r", "--set", "deep_ranking.hide=2.0")
    assert not (tmp_path/"t").exists() and not (tmp_path/"r").exists()


def old_file(path, n_classes, **meta):
    "A segmenter of six classes under the names that layers had before timm"
    with safe_open(SEGMENTER_WEIGHTS, "pt") as file: header = file.metadata()
    state = load_file(SEGMENTER_WEIGHTS)
    if "stem.weight" not in state: raise AssertionError("the shipped weights have new names: keep an old file for this test")
    state["head.weight"] = torch.randn(n_classes, *state["head.weight"].shape[1:]).half()
    state["head.bias"] = torch.zeros(n_classes)
    config = {**json.loads(header["LiteTiramisu"]), "n_classes": n_classes}
    save_file(state, path, {"LiteTiramisu": json.dumps(config), "meta": json.dumps({**json.loads(header["meta"]), **meta})})
    return path


def test_weights_with_old_names_and_six_classes(wardrobe, tmp_path):
    file = old_file(tmp_path/"six.safetensors", 6, classes=SIX)
    net = load_weights(file)
    assert net.n_classes == 6 and net.meta["classes"] == SIX
    shipped = load_weights(SEGMENTER_WEIGHTS)
    assert all(torch.equal(o, shipped.encoder.state_dict()[name]) for name, o in net.encoder.state_dict().items())
    done = command("train", "--images", wardrobe, "--out", tmp_path/"two", "--start", file, "--device", "cpu",
                   *settings("epochs=1", "size=64", "learning_rate=0.001"))
    assert "the last layer is new" in done.stdout
    mask = cutout(f"tiramisu@{tmp_path/'two'/'segmenter.safetensors'}")(load_image(select(read_table(wardrobe/"images.csv"),
                                                                                          "valid", "snapshot").path[0]))
    assert mask.dtype == bool
