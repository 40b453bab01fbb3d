"Training the ranking network from the command line, killed and resumed, and using its weights"
import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from safetensors.torch import load_file

from commands import SCRIPT, command, in_two_processes, refused

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
    command("evaluate", "--images", wardrobe, "--split", "valid", "--cutout", "mask", "--features", f"ranking@{trained/'ranking.safetensors'}",
            "--out", tmp_path/"e.json")
    assert json.loads((tmp_path/"e.json").read_text())["top10"] == 1  # six garments
    command("evaluate", "--images", wardrobe, "--split", "valid", "--cutout", "tiramisu",
            "--features", f"ranking@{trained/'ranking.safetensors'}", "--out", tmp_path/"cut.json")  # each has its own weights
    found = json.loads((tmp_path/"cut.json").read_text())
    assert (found["cutout"], found["features"]) == ("tiramisu", f"ranking@{trained/'ranking.safetensors'}")


def test_killed_and_resumed(wardrobe, trained, tmp_path):
    "SIGKILL after the first epoch, then --resume: the same weights as the unbroken run's"
    args = ["train-ranking", "--images", wardrobe, "--out", tmp_path/"out", *SMALL]
    run = subprocess.Popen([sys.executable, "-c", SCRIPT, *map(str, args)])
    while not (tmp_path/"out"/"training.pt").exists() and run.poll() is None: time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL and len(pd.read_csv(tmp_path/"out"/"history.csv")) == 1
    command(*args, "--resume")
    whole, resumed = (load_file(o/"ranking.safetensors") for o in (trained, tmp_path/"out"))
    assert all((whole[k] == resumed[k]).all() for k in whole)


def test_two_processes_killed_and_resumed(wardrobe, trained, tmp_path):
    "The figures of one process, written by the first of them; both are killed after an epoch and go on"
    args = ["train-ranking", "--images", wardrobe, "--out", tmp_path/"out", *SMALL]
    run = in_two_processes(*args)
    while not (tmp_path/"out"/"training.pt").exists() and run.poll() is None: time.sleep(0.01)
    workers = subprocess.run(["pgrep", "-P", str(run.pid)], capture_output=True, text=True).stdout.split()
    for one in (*workers, run.pid): os.kill(int(one), signal.SIGKILL)
    run.communicate()
    before = pd.read_csv(tmp_path/"out"/"history.csv")
    run = in_two_processes(*args, "--resume")
    said, wrong = run.communicate(timeout=120)
    assert run.returncode == 0 and said.count("weights: ") == 1, wrong
    alone, together = (pd.read_csv(o/"history.csv") for o in (trained, tmp_path/"out"))
    assert len(together) == 2 and together.seconds[0] == before.seconds[0]  # the first epoch was not done again
    assert abs(together.train_loss/alone.train_loss - 1).max() < 0.05
    one, two = (load_file(o/"ranking.safetensors") for o in (trained, tmp_path/"out"))
    assert max((one[k].float() - two[k].float()).abs().max() for k in one if "running" not in k) < 0.05


@pytest.mark.parametrize("first", ["tiramisu", "deep_ranking"])
def test_shipped_weights_load_whatever_was_imported_first(first):
    code = (f"import fashion_retail.{first}; from fashion_retail.tiramisu import load_weights; "
            "from fashion_retail.ranking import RANKING_WEIGHTS, RankingNet; import sys; "
            "print(type(load_weights(RANKING_WEIGHTS, RankingNet)).__name__, 'fashion_retail.features' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["RankingNet", str(first == "deep_ranking")], done.stderr


def test_bad_ranking_input(wardrobe, segmenter, trained, tmp_path):
    ranking, gone = trained/"ranking.safetensors", tmp_path/"none.safetensors"
    def evaluate(file): return refused("evaluate", "--images", wardrobe, "--split", "valid", "--features", f"ranking@{file}",
                                       "--cutout", "none", "--out", tmp_path/"x.json")
    assert "fit a FCDenseNet, not a RankingNet" in evaluate(segmenter) and "do not exist" in evaluate(gone)
    assert "fit a RankingNet, not a FCDenseNet" in refused("score", "--images", wardrobe, "--split", "valid",
                                                          "--method", f"tiramisu@{ranking}", "--out", tmp_path/"x.json")
    def train(out, *more): return refused("train-ranking", "--images", wardrobe, "--out", out, *SMALL, *more)
    assert "epochs is 0" in train(tmp_path/"r", "--set", "deep_ranking.epochs=0")
    assert "another turn" in train(trained, "--set", "deep_ranking.turn=3.0", "--resume")
    assert "no parameter trun" in train(tmp_path/"r", "--set", "deep_ranking.trun=3")
    assert not (tmp_path/"x.json").exists()
