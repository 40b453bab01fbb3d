"The commands that learn and label: train, train-ranking, label, label-benchmark, label-quality"

from pathlib import Path
from typing import Annotated, Optional

import typer

from .cli_options import (NAME, TABLE, Device, Images, OutFile, Settings, Skip, Split, app, not_folders, read_images,
                          save_csv, write_json)

TrainOut = Annotated[Path, typer.Option(help="Folder for the weights, history.csv and card.json.")]
TrainImages = Annotated[Optional[str], typer.Option("--images", help="Images tables, separated by blanks; by default "
                                                    "the profile's. wardrobe is drawn, and worn:COUNT are drawn "
                                                    "garments laid flat and worn.")]
Profile = Annotated[str, typer.Option(help="A name in nbs/profiles, or a YAML file: its values for the training are "
                                      "used.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last whole epoch in --out.")]
TRAINING = ("size batch_size epochs learning_rate encoder n_filters_first_conv growth_rate n_layers_per_block dropout "
            "average patience grad_checkpointing device seed").split()


def _plan_training(stage, profile, set_, images, out, device, skip):
    "The tables to train on, by name, and all settings of a training stage under a profile"
    from fashion_retail.core import BadInput
    from fashion_retail.fitting import check_settings
    from fashion_retail.runner import STAGES, override, plan_run, read_profile, stage_parameters
    values = override(read_profile(profile), set_ or [])
    images = images or values.get("images")
    if not images: raise BadInput("no photos to train on: give --images, or a profile with images")
    sources = [images] if Path(images).exists() else images.split()  # a path may hold blanks
    rendered = {"images": "wardrobe"} if "wardrobe" in sources else {}
    plan = plan_run({**values, **rendered}, tuple(dict.fromkeys((*STAGES, stage))))
    settings = {**stage_parameters(stage), **plan[stage], **({"device": device} if device != "auto" else {})}
    check_settings(settings)
    tables = {}
    for source in sources:
        if source == "wardrobe":
            from fashion_retail.wardrobe import make_wardrobe
            tables[source] = make_wardrobe(out/"wardrobe", **plan["10_wardrobe"])
        elif source.partition(":")[0] == "worn":  # worn, or worn:COUNT
            from fashion_retail.wearers import make_worn
            name, _, count = source.partition(":")
            if count and not count.isdecimal(): raise BadInput(f"{source} is no number of garments: write worn:2000")
            tables[name] = make_worn(out/name, **({"n_items": int(count)} if count else {}))
        else: tables[source] = read_images(source, skip)
    if len(tables) == 1: return tables, settings
    ids = {name: dict(image_id=name + "-" + rows.image_id, item_id=name + "-" + rows.item_id)
           for name, rows in tables.items()}  # two tables may use the same names
    return {name: rows.assign(**ids[name]) for name, rows in tables.items()}, settings


def _trained(out, weights, tables, settings, history, report, **more):
    "Write the model card of a training that is done, and say where its weights are"
    from fashion_retail.fitting import write_card
    write_card(out, weights, list(tables), settings, history, **more)
    print(f"weights: {out/weights}{report}")


def _train_garments(out, plan, resume, device, more):
    "A profile of `garments`: its sources and phases are settled, so that it makes the shipped file again"
    from fashion_retail.core import BadInput
    if more: raise BadInput("a profile with phases settles photos, labels, start and settings: change a copy of it")
    from fashion_retail.cutout import cutout, score_cutout
    from fashion_retail.data import checked, find_table, read_table, select
    from fashion_retail.garments import train_profile
    from fashion_retail.profiles import notebooks_dir
    folders = Path(plan.get("labels") or ""), notebooks_dir().parent/(plan.get("labels") or "")
    plan["labels"] = str(next((o for o in folders if (o/"labels.csv").is_file()), folders[0]))
    history, photos = train_profile(plan, out, device, resume)
    rows = checked(select(read_table(find_table("snapshots")), "valid", "snapshot", "mask_path"))
    valid = score_cutout(rows, cutout(f"garments@{out/'garments.safetensors'}", device))[0]
    report = f", IoU {valid['iou_mean']:.3f} on {len(rows)} valid photos of lying garments"
    settings = dict(sources=plan["sources"], phases=plan["phases"])
    _trained(out, "garments.safetensors", ["snapshots", "magento", "wearers"], settings, history, report, photos=photos,
             valid=dict(snapshots=valid))


@app.command()
def train(
    out: TrainOut,
    images: TrainImages = None,
    profile: Profile = "default",
    labels: Annotated[bool, typer.Option("--labels", help="Learn the classes of the tables' label_path instead of "
                                         "garment or not.")] = False,
    start: Annotated[Optional[str], typer.Option(metavar="FILE", help="Go on from the weights of a segmenter, or from "
                                                 "those that ship with the package: shipped.")] = None,
    set_: Settings = None,
    resume: Resume = False,
    skip_unreadable: Skip = False,
    device: Device = "auto",
):
    "Train a segmenter on the train snapshots of a table; the best epoch on valid is kept."
    import pandas as pd
    from fashion_retail.data import checked, select
    from fashion_retail.runner import read_profile
    if "phases" in (plan := read_profile(profile)):
        return _train_garments(out, plan, resume, device, images or labels or start or set_)
    tables, settings = _plan_training("03_training", profile, set_, images, out, device, skip_unreadable)
    from fashion_retail.cutout import cutout, score_cutout
    from fashion_retail.training import label_names, train_segmenter
    column = "label_path" if labels else "mask_path"
    rows = {split: pd.concat([select(table, split, "snapshot", column) for table in tables.values()], ignore_index=True)
            for split in ("train", "valid")}
    if settings["checked_only"]: rows["train"] = checked(rows["train"])
    if count := settings["max_train"]:
        rows["train"] = rows["train"].sample(min(count, len(rows["train"])), random_state=settings["seed"])
    rows["valid"] = checked(rows["valid"])
    options = {**{name: settings[name] for name in TRAINING}, "start": start}
    classes = label_names(rows["train"]) if labels else None
    history = train_segmenter(rows["train"], rows["valid"], out, **options, classes=classes, resume=resume)
    weights, report = "segmenter.safetensors", ""
    card = dict(photos={split: len(table) for split, table in rows.items()},
                groups={split: int(table.group.nunique()) for split, table in rows.items()},
                doubted=int(history.doubted.iloc[-1]))
    if not labels:
        card["valid"] = score_cutout(rows["valid"], cutout(f"tiramisu@{out/weights}", device))[0]
        report = f", IoU {card['valid']['iou_mean']:.3f} on {len(rows['valid'])} valid photos"
    _trained(out, weights, tables, options, history, report, **card)


@app.command()
def train_ranking(out: TrainOut, images: TrainImages = None, profile: Profile = "ranking", set_: Settings = None,
                  resume: Resume = False, skip_unreadable: Skip = False, device: Device = "auto"):
    "Train the ranking network so that photos of one item are near each other, on the train rows of a table."
    import pandas as pd
    tables, settings = _plan_training("12_deep_ranking", profile, set_, images, out, device, skip_unreadable)
    from fashion_retail.deep_ranking import train_ranking
    rows = pd.concat(tables.values(), ignore_index=True)
    train, valid = (rows[rows.split == split].reset_index(drop=True) for split in ("train", "valid"))
    history = train_ranking(train, valid, out, **settings, resume=resume)
    last = dict(history.iloc[-1][["valid_top_1", "valid_top_10"]])
    _trained(out, "ranking.safetensors", tables, settings, history, f", top-10 {last['valid_top_10']:.3f} on valid",
             photos=len(train), items=int(train.item_id.nunique()), valid=last)


def _folder_table(folder, out): # its path
    "An images table of a plain folder: every photo a snapshot, every fifth item for validation"
    from fashion_retail.catalogue_rows import photos_of
    from fashion_retail.data import write_table
    rows = photos_of(folder)
    number = rows.item_id.map({item: i for i, item in enumerate(sorted(rows.item_id.unique()))})
    split = (number % 5 == 4).map({True: "valid", False: "train"})
    write_table(rows.assign(role="snapshot", split=split, mask_path="", label_path=""), out)
    return out


@app.command()
def label(
    images: Annotated[str, typer.Argument(metavar="TABLE", help=f"{TABLE[:-1]}; or a folder of photos.")],
    out: Annotated[Path, typer.Option(help="Folder for masks/ and images.csv; for pairs and tags, next.csv.")],
    start: Annotated[str, typer.Option(help=f"The cut-out that proposes: {NAME}")] = "garments",
    order: Annotated[Optional[str], typer.Option(help="Plan a batch: random, least_certain, disagreement, dropout, "
                                                 "diverse or mixed. By default all photos, the least certain "
                                                 "first.")] = None,
    budget: Annotated[int, typer.Option(help="Photos, pairs or tags in the batch.")] = 20,
    task: Annotated[str, typer.Option(help="What is labeled: masks, pairs (a snapshot and a catalogue photo) or "
                                      "tags.")] = "masks",
    column: Annotated[str, typer.Option(help="For tags: the column.")] = "",
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    skip_unreadable: Skip = False,
    device: Device = "auto",
):
    """Propose masks for all photos without one, the least certain first; goes on where it stopped. With --order, plan
    what to label next, with a reason and the expected gain."""
    from fashion_retail.active_learning import known_order
    from fashion_retail.core import BadInput
    if task not in ("masks", "pairs", "tags"): raise BadInput(f"--task {task} is unknown: use masks, pairs or tags")
    if order: known_order(order)
    if budget < 1: raise BadInput(f"--budget {budget} leaves nothing to label: give at least 1")
    if task != "masks":
        from fashion_retail.next_label import DEFAULT_ORDER
        plan = dict(order=order or DEFAULT_ORDER[task], budget=budget, seed=seed)
        return _plan_answers(read_images(images, skip_unreadable), out, task, column, start, device, **plan)
    from fashion_retail.label_quality import propose_masks
    from fashion_retail.cutout import cutout
    if Path(images).is_dir() and not (Path(images)/"images.csv").is_file():
        images = _folder_table(images, out/"photos.csv")
    cut = cutout(start, device)
    found = propose_masks(read_images(images, skip_unreadable), out, cut)
    if order and (found.certainty != "").any(): found = _plan_masks(found, out, cut, order, budget, seed, device)
    todo, written = found[found.certainty != ""], out/"images.csv"
    print(f"{len(todo)} masks proposed, the table is {written}")
    if not len(todo): return
    print(("next: " if order else "least certain first: ") + ", ".join(todo.image_id[:5]))
    from fashion_retail.widget import label_notebook
    print(f"to correct them: jupyter lab {label_notebook(written, out)}")


def _say_batch(batch, names):
    "One line for each of the first few"
    for name, one in list(zip(names, batch.itertuples()))[:5]:
        gain = f", gain {one.gain:.2f}" if one.gain == one.gain else ""
        print(f"  {name}: {one.reason}{gain}")


def _plan_masks(found, out, cut, order, budget, seed, device):
    "The proposed table with the batch written into it"
    from fashion_retail.active_learning import next_batch
    from fashion_retail.data import write_table
    from fashion_retail.features import Store
    from fashion_retail.next_label import mask_doubts, mask_pool, with_next
    doubts = mask_doubts(found, cut) if order == "dropout" else None
    batch = next_batch(mask_pool(found, Store(), doubts, device), order, budget, seed)
    print(f"batch of {len(batch)}, order {order}")
    _say_batch(batch, found.image_id.iloc[batch.position])
    planned = with_next(found, batch)
    write_table(planned, out/"images.csv")
    return planned


def _plan_answers(rows, out, task, column, cut, device, order, budget, seed):
    "Pairs to confirm or tags to give, in next.csv"
    from fashion_retail.active_learning import next_batch
    from fashion_retail.core import BadInput
    from fashion_retail.features import Store
    from fashion_retail.next_label import pair_pool, tag_pool
    if task == "pairs":
        table, pool = pair_pool(rows, cut, Store(), device)
        names = table["query"] + " and " + table["photo"]
    else:
        if not column: raise BadInput("tags need --column NAME: name the column to tag")
        from fashion_retail.attributes import blocks_of
        said, pool = tag_pool(rows, column, blocks_of(rows, cut, Store(), device=device)[0])
        table, names = rows[["image_id"]].assign(column=column, suggested=said), rows.image_id
    batch = next_batch(pool, order, budget, seed)
    chosen = table.iloc[batch.position].reset_index(drop=True).assign(gain=batch.gain.round(3), reason=batch.reason)
    save_csv(chosen, out/"next.csv")
    print(f"{out/'next.csv'}: {len(chosen)} {task} to label, order {order}")
    _say_batch(batch, names.iloc[batch.position])


@app.command()
def label_benchmark(
    images: Images,
    split: Split,
    out: OutFile,
    start: Annotated[str, typer.Option(help=f"Where the person starts: rectangle, or a cut-out: {NAME}")] = "rectangle",
    limit: Annotated[Optional[int], typer.Option(help="Take only the first N photos.")] = None,
    device: Device = "auto",
):
    """Strokes that a simulated person needs to reach IoU 0.90 and 0.95 on the snapshots of a split; FILE.csv beside
    --out has a row a photo."""
    not_folders(out)
    from fashion_retail.core import BadInput, safe_name
    from fashion_retail.cutout import cutout
    from fashion_retail.data import checked, find_table, read_table, select
    from fashion_retail.label_quality import label_benchmark
    if limit is not None and limit < 1: raise BadInput(f"--limit {limit} leaves no photo: give at least 1")
    rows = checked(select(read_table(find_table(images)), split, "snapshot", "mask_path"))[:limit]
    cut = start if start == "rectangle" else cutout(start, device)
    part = out.with_suffix(f".{safe_name(start)}.part.csv")
    result, photos = label_benchmark(rows, cut, part=part)
    save_csv(photos, out.with_suffix(".csv"))
    part.unlink()
    write_json(dict(start=start, **result), out)


@app.command()
def label_quality(
    images: Images,
    split: Split,
    out: OutFile,
    model: Annotated[Optional[str], typer.Option(help=f"A second opinion, a cut-out: {NAME}")] = None,
    device: Device = "auto",
):
    """Rank the masks of a split, the most suspicious first, in FILE.csv beside --out; checked rows with a
    model_mask_path measure the ranking."""
    not_folders(out)
    from fashion_retail.core import safe_name
    from fashion_retail.data import checked, find_table, read_table, select
    from fashion_retail.label_quality import rank_masks, ranking_quality
    from fashion_retail.labeling import score_masks
    source = find_table(images)
    rows = select(read_table(source), split, "snapshot", "mask_path")
    machine = "model_mask_path" in rows and (checked(rows).model_mask_path != "").all()
    if machine:  # the machine's masks are judged by the checked ones
        rows = checked(rows)
        rows = rows.assign(truth_path=rows.mask_path, mask_path=[str(source.parent/o) for o in rows.model_mask_path])
    cut = None
    if model:
        from fashion_retail.cutout import cutout
        cut = cutout(model, device)
    part = out.with_suffix(f".{safe_name(model or 'alone')}.part.csv")
    ranked, result = rank_masks(rows, cut, part), dict(n=len(rows))
    if machine:
        ranked["iou"] = score_masks(ranked.assign(mask_path=ranked.truth_path), ranked.mask_path).iou
        result = ranking_quality(ranked.suspicion, ranked.iou < 0.9)
    paths = ["path", "mask_path", "label_path", "truth_path"]
    save_csv(ranked.drop(columns=paths, errors="ignore"), out.with_suffix(".csv"))
    part.unlink()
    write_json(result, out)
