"""Kills running commands (SIGKILL) at random moments and gives the same command again: the result must be the unbroken one.

    python tests/kills.py --kills 100      100 kills, spread as in SHARES; writes data/results/kills.csv
    python tests/kills.py --kills 5 label  only one command

One process imports the library and forks for each run, so that a run takes as long as its work.
"""
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
import faults

ROOT = Path(__file__).resolve().parents[1]
PROFILE = "features: color_histogram\ncutouts: none otsu\ntraining:\n  epochs: 0\n"


def in_child(work, folder, seconds=None):
    "Fork, run `work` in the child, kill it after `seconds`; True when it ended by itself and well"
    child = os.fork()
    if not child:
        os.setpgrp()  # its own children die with it
        os.chdir(folder)
        os.environ["FASHION_RETAIL_CACHE"] = str(folder/"cache")
        silent = os.open(folder/"said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        if work is report:  # it starts threads of its own, which a fork would not survive: a process of its own
            os.execv(sys.executable, [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import kills, pathlib; "
                                                            f"kills.report(pathlib.Path({str(folder)!r}))"])
        try: work(folder)
        except SystemExit as end: os._exit(int(end.code or 0))
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(99)
        os._exit(0)
    until = time.time() + (seconds if seconds is not None else 3600)
    while time.time() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done: return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.002)
    try: os.killpg(child, signal.SIGKILL)
    except ProcessLookupError: os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def command(args):
    def work(folder):
        from fashion_retail import cli
        sys.argv = ["fashion-retail", *map(str, args(folder))]
        cli.main()
    return work


def report(folder):
    from fashion_retail.report import run_report
    from fashion_retail.runner import in_process
    (folder/"small.yaml").write_text(PROFILE)
    def say(line): print(line, file=sys.__stderr__, flush=True)  # a stage's standard output is the runner's
    if not run_report(folder/"small.yaml", folder/"out", (), "", say, folder/"images.csv", execute=in_process): sys.exit(1)


def weights(path):
    from safetensors.numpy import load_file
    return {k: v.tobytes() for k, v in load_file(path).items()}


def left_by_training(name):
    def left(folder):
        history = pd.read_csv(folder/"out"/"history.csv")
        timeless = history.drop(columns=[o for o in history if "second" in o])
        return timeless.to_csv(), weights(folder/"out"/name)
    return left


def left_by_report(folder):
    found = json.loads((folder/"out"/"metrics.json").read_text())
    return json.dumps({k: [{n: v for n, v in o.items() if "second" not in n and n != "n_cached"} for o in found[k].values()]
                       for k in ("retrieval", "segmentation")}, sort_keys=True), (folder/"out"/"report.html").exists()


TWO = ("--set=training.epochs=4", "--set=training.patience=0")
COMMANDS = {  # the command, the command that goes on, what it leaves
    "label": (command(faults.label()), command(faults.label()), faults.left),
    "train": (command(faults.train(*TWO)), command(faults.train(*TWO, "--resume")), left_by_training("segmenter.safetensors")),
    "train-ranking": (command(faults.train_ranking("--set=deep_ranking.epochs=4")),
                      command(faults.train_ranking("--set=deep_ranking.epochs=4", "--resume")), left_by_training("ranking.safetensors")),
    "evaluate": (command(faults.measured("grabcut", "classical")), command(faults.measured("grabcut", "classical")), faults.left),
    "report": (report, report, left_by_report)}


SHARES = {"label": 0.24, "train": 0.22, "train-ranking": 0.22, "evaluate": 0.24, "report": 0.08}  # a report takes longest


def fresh(folder, name):
    "The photos of one run"
    folder.mkdir(parents=True)
    faults.tables(folder, 12)
    if name == "label": faults.no_masks(folder)
    return folder


def kept(folder):
    "What has been written whole: file -> content"
    return {o: o.read_bytes() for o in (folder/"out").rglob("*.png") if not o.name.startswith(".part-")} if (folder/"out").exists() else {}


def try_kills(name, count, seed=0):
    "A row a kill: when, whether the rerun gave the unbroken result, whether anything whole was lost"
    first, again, left = COMMANDS[name]
    rows, moments = [], random.Random(f"{name} {seed}")
    with tempfile.TemporaryDirectory() as top:
        top = Path(top)
        began = time.time()
        folder = fresh(top/"unbroken", name)
        assert in_child(first, folder), (folder/"said.txt").read_text()[-2000:]
        whole, expected = time.time() - began, left(folder)
        for i in range(count):
            folder = fresh(top/f"run{i}", name)
            after = moments.uniform(0.02, 1)*whole
            ended = in_child(first, folder, after)
            before = kept(folder)
            good = in_child(again, folder)
            try: same = good and left(folder) == expected
            except Exception as error:
                print(repr(error))
                same = False
            lost = sum(not o.exists() or o.read_bytes() != content for o, content in before.items())
            parts = len(list(folder.rglob(".part-*")))
            rows.append(dict(command=name, killed_after=round(after, 2), of_seconds=round(whole, 2), ended_before=ended, rerun=good, equal=same,
                             lost=lost, left_over=parts))
            if not same: print(f"{name}: killed after {after:.2f} of {whole:.2f} s: {(folder/'said.txt').read_text()[-1500:]}", flush=True)
    return rows


def main(args):
    count = int(args[args.index("--kills") + 1]) if "--kills" in args else 100
    names = [o for o in args if o in COMMANDS] or list(COMMANDS)
    import fashion_retail.cli, fashion_retail.cutout, fashion_retail.deep_ranking, fashion_retail.evaluation  # noqa: imported once, before the forks
    import fashion_retail.label_quality, fashion_retail.report, fashion_retail.runner, fashion_retail.training, fashion_retail.widget  # noqa
    share = sum(SHARES[name] for name in names)
    rows = []
    for name in names:
        rows += try_kills(name, max(1, round(count*SHARES[name]/share)))
        print(f"{name}: {sum(row['equal'] for row in rows)} of {len(rows)} equal so far", flush=True)
    table = pd.DataFrame(rows)
    print(table.groupby("command", sort=False).agg(kills=("equal", "size"), ended_before=("ended_before", "sum"), equal=("equal", "sum"), lost=("lost", "sum"),
                                                   seconds=("of_seconds", "first")).to_string())
    if len(names) == len(COMMANDS):
        from fashion_retail.core import atomic
        with atomic(ROOT/"data"/"results"/"kills.csv") as tmp: table.to_csv(tmp, index=False)
    return int(not table.equal.all() or table.lost.any())


if __name__ == "__main__": sys.exit(main(sys.argv[1:]))
