"Training the ranking network from the command line, killed and resumed, and using its weights"
import json, os, signal, subprocess, sys, time

import pandas as pd, pytest
from safetensors.torch import load_file

from test_cli import command, refused

SMALL = [p for o in ("epochs=2", "size=48", "batch_size=4", "device=cpu") for p in ("--set", f"deep_ranking.{o}")]


@pytest.fixture(scope="module")
def trained(wardrobe, tmp_path_factory):
    out = tmp_path_factory.mktemp("ranking")
    command("train-ranking", "--images", wardrobe, "--out", out, *SMALL)
    return out


def test_train_ranking_contract(wardrobe, trained, tmp_path):
    card, history = json.loads((trained/"card.json").read_text()), pd.read_csv(trained/"history.csv")
    assert card["items"] > 1 and card["epochs"] == len(history) == 2 and card["environment"]["cores"]
    assert (trained/"ranking.safetensors").stat().st_size < 8e6
    command("evaluate", "--images", wardrobe, "--split", "valid", "--cutout", "mask", "--features", "ranking", "--weights", trained/"ranking.safetensors",
            "--out", tmp_path/"e.json")
    assert json.loads((tmp_path/"e.json").read_text())["top10"] == 1  # six garments
    command("evaluate", "--images", wardrobe, "--split", "valid", "--cutout", "tiramisu", "--features", "ranking", "--weights", trained/"ranking.safetensors",
            "--out", tmp_path/"cut.json")  # the file is the ranking network's, the shipped segmenter cuts out
    assert json.loads((tmp_path/"cut.json").read_text())["cutout"] == "tiramisu"


def test_killed_and_resumed(wardrobe, trained, tmp_path):
    "SIGKILL after the first epoch, then --resume: the same weights as the unbroken run's"
    args = ["train-ranking", "--images", wardrobe, "--out", tmp_path/"out", *SMALL]
    run = subprocess.Popen([sys.executable, "-c", "from fashion_retail.cli import main; main()", *map(str, args)])
    while not (tmp_path/"out"/"state.pt").exists() and run.poll() is None: time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL and len(pd.read_csv(tmp_path/"out"/"history.csv")) == 1
    command(*args, "--resume")
    whole, resumed = (load_file(o/"ranking.safetensors") for o in (trained, tmp_path/"out"))
    assert all((whole[k] == resumed[k]).all() for k in whole)


def test_bad_ranking_input(wardrobe, trained, tmp_path):
    segmenter = tmp_path/"t"
    command("train", "--images", wardrobe, "--out", segmenter, "--device", "cpu",
            *[p for o in ("epochs=1", "size=32", "n_filters_first_conv=8", "growth_rate=4", "n_layers_per_block=[1,1,1]") for p in ("--set", f"training.{o}")])
    evaluate = ["evaluate", "--images", wardrobe, "--split", "valid", "--features", "ranking", "--cutout", "none", "--out", tmp_path/"x.json", "--weights"]
    assert "segmenter" in refused(*evaluate, segmenter/"segmenter.safetensors")
    assert "which network" in refused("score", "--images", wardrobe, "--split", "valid", "--method", "tiramisu", "--weights", trained/"ranking.safetensors", "--out", tmp_path/"x.json")
    assert "epochs is 0" in refused("train-ranking", "--images", wardrobe, "--out", tmp_path/"r", *SMALL, "--set", "deep_ranking.epochs=0")
    assert "do not exist" in refused(*evaluate, tmp_path/"none.safetensors")
    assert "another turn" in refused("train-ranking", "--images", wardrobe, "--out", trained, *SMALL, "--set", "deep_ranking.turn=3.0", "--resume")
    assert "no parameter trun" in refused("train-ranking", "--images", wardrobe, "--out", tmp_path/"r", "--set", "deep_ranking.trun=3")
    assert not (tmp_path/"x.json").exists()
