"The `fashion-retail` command: exit 0 done, 1 accuracy dropped, 2 bad input (one sentence, no traceback)"
# A plain file, not a notebook: it only parses arguments and calls the modules, which are imported where they are
# needed, so that `--help` does not wait for torch.

import json
import sys
import traceback
from errno import ENAMETOOLONG
from pathlib import Path
from typing import Annotated, Optional

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
                  help="From a phone photo of a garment to the ten most similar catalogue photos, with a measured accuracy.")

Images = Annotated[str, typer.Option("--images", help="An images table (images.csv), its folder, or a folder's name under the data root.")]
Split = Annotated[str, typer.Option(help="train, valid or test.")]
NAME = "NAME or NAME@FILE, where FILE holds weights; `fashion-retail names` lists the names."
Method = Annotated[str, typer.Option(help=f"The cut-out: {NAME}")]
Skip = Annotated[bool, typer.Option("--skip-unreadable", help="Leave out, name and count photos that cannot be read or described, instead of stopping.")]
OutFile = Annotated[Path, typer.Option("--out", help="JSON file to write.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Settings = Annotated[Optional[list[str]], typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the profile; stage.key=value for one stage. Repeatable.")]


def _write_json(result, out):
    from fashion_retail.core import atomic
    text = json.dumps(result, indent=1)
    print(text)
    with atomic(out) as tmp: tmp.write_text(text + "\n")


def _no_folder(*files):
    "Find out before the work, not after it, that a result cannot be written"
    from fashion_retail.core import BadInput
    for file in files:
        if file and file.is_dir(): raise BadInput(f"{file} is a folder: name a file to write to")


def _read(images, skip=False):
    "An images table, without the photos that cannot be read where they are to be left out; says which"
    from fashion_retail.data import find_table, read_table, without_unreadable
    rows, problems = read_table(find_table(images)), {}
    if skip: rows, problems = without_unreadable(rows)
    _say_problems(problems)
    return rows


def _say_problems(problems): # image_id -> why
    say = lambda text: print(text, file=sys.stderr)
    if problems: say(f"photos that cannot be read, left out: {len(problems)}")
    for image_id, why in list(problems.items())[:20]: say(f"  {image_id}: {why}")
    if len(problems) > 20: say(f"  and {len(problems) - 20} more")


@app.command()
def report(profile: Annotated[str, typer.Option(help="A name in nbs/profiles, or a YAML file.")] = "default",
           images: Annotated[Optional[str], typer.Option("--images", help="Your own images table, in place of the profile's.")] = None,
           out: Annotated[Optional[Path], typer.Option(help="The run folder; by default runs/PROFILE, or runs/TABLE with --images.")] = None,
           set_: Settings = None,
           force: Annotated[bool, typer.Option("--force", help="Redo stages whose inputs have not changed.")] = False,
           update_baseline: Annotated[str, typer.Option("--update-baseline", metavar="REASON",
                                                        help="Accept this run as the new baseline, for this reason (a line).")] = "",
           skip_unreadable: Skip = False):
    "Run the report's stages under a profile and write report.html; exit 1 when accuracy has dropped since the baseline."
    from fashion_retail.report import run_report
    say = lambda line: print(line, flush=True)
    settings = [*(set_ or []), *(["skip_unreadable=true"] if skip_unreadable else [])]
    good = run_report(profile, out, settings, update_baseline, say, images, force)
    if skip_unreadable and images: _read(images, skip=True)  # the list, once more, at the end
    if not good: raise typer.Exit(1)


@app.command()
def table(catalogue: Annotated[Path, typer.Option(help="Folder of catalogue photos.")],
          snapshots: Annotated[Path, typer.Option(help="Folder of phone photos.")],
          out: Annotated[Path, typer.Option("--out", help="The images table to write, such as images.csv.")],
          pattern: Annotated[Optional[str], typer.Option("--id", metavar="REGEX", help="Where a file's path holds the item's id: the "
                             "expression's first group. By default the longest catalogue file name that a name begins with.")] = None,
          valid: Annotated[float, typer.Option(help="Share of the items to measure on; the others are for training, which needs masks.")] = 1.0,
          strict: Annotated[bool, typer.Option("--strict", help="Refuse guesses: merged catalogue photos, names with extra words, capitals.")] = False):
    "An images table from two folders whose file names share ids; NAME.mask.png beside a photo is its mask."
    _no_folder(out)
    from fashion_retail.core import some
    from fashion_retail.data import near_copies, write_table
    from fashion_retail.folders import table_from_folders
    rows, notes = table_from_folders(catalogue, snapshots, pattern, valid, strict)
    suspects = near_copies(rows)
    notes["photos that cannot be read, left out"] = unread = suspects.attrs["unreadable"]
    write_table(rows := rows[~rows.image_id.isin(unread)], out)
    n = rows.groupby("role").item_id.agg(["size", "nunique"])
    print(f"{out}: {n['size'].get('catalogue', 0)} catalogue photos and {n['size'].get('snapshot', 0)} snapshots of {rows.item_id.nunique()} items")
    for rule, count in rows.matched_by[rows.matched_by != ""].value_counts().items(): print(f"matched by {rule}: {count} (column matched_by)")
    notes["pairs that look like one picture saved twice (suspects, kept)"] = [f"{o.image_id} = {o.copy}" for o in suspects.itertuples()]
    for what, names in notes.items():
        if names: print(f"{what}: {len(names)} ({some(names, 10)})")


@app.command()
def names():
    "The names of cut-outs (--cutout, --method, --start) and of descriptors (--features)."
    from fashion_retail.cutout import CUTOUTS
    from fashion_retail.features import FAMILIES, FEATURES
    for title, kinds in (("cut-outs", CUTOUTS), ("features (any of them with +pca: the talk's scaling and PCA, fitted on the catalogue photos)",
                                                 {**FEATURES, **{f"{o}:NAME": kind for o, kind in FAMILIES.items()}})):
        print(title)
        for name, kind in kinds.items():
            takes = "@FILE" if getattr(kind, "takes_weights", False) or kind.shipped else ""
            print(f"  {name + takes:26} {kind.__doc__}")


@app.command()
def segment(photos: Annotated[list[Path], typer.Argument(help="Photos.")],
            out: Annotated[Path, typer.Option(help="Folder for NAME.mask.png and NAME.cutout.png.")],
            method: Method = "tiramisu", skip_unreadable: Skip = False, device: Device = "auto"):
    "Cut the garment out of photos: a mask (0/255) and a transparent cut-out, both of the photo's own size; exit 2 if some failed."
    from fashion_retail.core import BadInput, some
    from fashion_retail.cutout import cutout
    from fashion_retail.data import load_image, save_image, save_mask
    import numpy as np
    names = [o.stem for o in photos]
    if again := sorted({o for o in names if names.count(o) > 1}):
        raise BadInput(f"two photos are called {again[0]}: their masks would overwrite each other; rename one or give them separately")
    cut, failed = cutout(method, device), []
    for photo in photos:
        try:
            image = load_image(photo)
            mask, confidence = cut.with_confidence(image)
            save_mask(mask, out/f"{photo.stem}.mask.png")
            save_image(np.dstack([image*mask[..., None], mask.astype(np.uint8)*255]), out/f"{photo.stem}.cutout.png")
        except BadInput as error:  # one bad photo among many costs only itself
            if len(photos) == 1 or getattr(error, "errno", ENAMETOOLONG) != ENAMETOOLONG: raise
            print(f"fashion-retail: {error}", file=sys.stderr)
            failed.append(photo.name)
            continue
        sure = f", confidence {confidence:.2f}" if confidence is not None else ""
        print(f"{photo.name}: {cut.name} finds a garment on {mask.mean():.0%} of the photo{sure}")
    if failed:
        print(f"photos without a mask: {len(failed)} of {len(photos)} ({some(failed, 10)})", file=sys.stderr)
        if not skip_unreadable: raise typer.Exit(2)


@app.command()
def score(images: Images, split: Split, out: OutFile, method: Method, skip_unreadable: Skip = False, device: Device = "auto"):
    "Segmentation quality of a method on the snapshots of a split that have a true mask."
    _no_folder(out)
    from fashion_retail.cutout import cutout, score_cutout
    from fashion_retail.data import select
    rows = select(_read(images, skip_unreadable), split, "snapshot", "mask_path")
    _write_json(dict(method=method, **score_cutout(rows, cutout(method, device))[0]), out)


@app.command()
def evaluate(images: Images, split: Split, out: OutFile,
             cutout: Annotated[str, typer.Option(help=f"How the snapshots are cut out: {NAME}")],
             features: Annotated[str, typer.Option(help=f"The descriptor: {NAME} NAME@hub downloads what timm and OpenCLIP have there.")],
             gallery_split: Annotated[Optional[list[str]], typer.Option(help="Splits of the catalogue photos; by default --split. Repeatable.")] = None,
             ranks: Annotated[Optional[Path], typer.Option(help="CSV file to write: a row a query with its rank and ten answers.")] = None,
             open_set: Annotated[bool, typer.Option("--open-set", help="Measure too whether an item is known to be in the catalogue at all: "
                                                                       "half of the items taken out of the gallery, then the other half.")] = False,
             skip_unreadable: Skip = False,
             no_cache: Annotated[bool, typer.Option("--no-cache", help="Make all masks and vectors anew and keep none; see `fashion-retail cache`.")] = False,
             device: Device = "auto"):
    "Retrieval accuracy: the snapshots of a split searched among the catalogue photos."
    _no_folder(out, ranks)
    from fashion_retail.core import atomic
    from fashion_retail.data import find_table, read_table
    table = read_table(find_table(images))
    from fashion_retail.evaluation import evaluate
    from fashion_retail.features import Store
    store = None if no_cache else Store()
    found = evaluate(table, split, cutout, features, gallery_split, device, skip_unreadable, store)
    _say_what_was_left_out(found)
    _say_suspects(found)
    if open_set: found.metrics.update(found.open_set()[0])
    if ranks:
        with atomic(ranks) as part: found.to_frame().to_csv(part, index=False)
    _write_json(found.metrics, out)


def _say_suspects(found): # an `Evaluation`
    "Count the queries that look like their first answer saved again, and say so"
    from fashion_retail.data import look_alike
    path = found.table.set_index("image_id").path
    pairs = [(query, answers[0]) for query, answers in found.answers.items() if answers]
    alike = look_alike([path[query] for query, _ in pairs], [path[answer] for _, answer in pairs])
    suspects = [pair for pair, same in zip(pairs, alike) if same]
    found.metrics["n_suspects"] = len(suspects)
    if suspects:
        print(f"{len(suspects)} queries look like their first answer saved again (suspects, counted), such as "
              f"{suspects[0][0]} = {suspects[0][1]}", file=sys.stderr)


def _say_what_was_left_out(found): # an `Evaluation`
    say = lambda text: print(text, file=sys.stderr)
    _say_problems(found.problems)
    if count := found.metrics["n_empty_masks"]: say(f"empty masks: {count}, those photos were taken whole")
    if count := found.metrics["n_same_photo"]:
        say(f"{count} queries are the very file of a catalogue photo: such a photo is neither answer nor rival for its own query")
    unread = found.ranks.image_id.isin(list(found.problems))
    if lost := found.ranks.image_id[(found.ranks["rank"] == 0) & ~unread].tolist():
        say(f"{len(lost)} of {len(found.ranks)} queries show an item that is not in the catalogue, such as {lost[0]}: "
            "they are counted as n_without_answer and no accuracy divides by them")


@app.command("cache")
def show_cache(name: Annotated[Optional[str], typer.Argument(help="Only what this cut-out or descriptor made.")] = None,
               clear: Annotated[bool, typer.Option("--clear", help="Throw it away.")] = False):
    "Show, or throw away, the masks and vectors that are kept from one run to the next (in FASHION_RETAIL_CACHE, or the user's cache folder)."
    from fashion_retail.features import Store
    store = Store()
    if clear:
        print(f"{store.path}: {store.clear(name)} masks and vectors thrown away")
        return
    found = store.contents()
    if name: found = found[found["name"] == name]
    count = {kind: int(found.photos[found.kind == kind].sum()) for kind in ("masks", "vectors")}
    print(f"{store.path}: {count['masks']} masks, {count['vectors']} vectors, {found.MB.sum():.1f} MB")
    for row in found.itertuples(): print(f"{row.kind} of {row.name}, version {row.version}: {row.photos} photos, {row.MB:.1f} MB")
    for path in store.strangers(): print(f"{path}: written by another version of fashion_retail, ignored; --clear throws it away")


def _plan_training(stage, profile, set_, images, out, device, skip):
    "The tables to train on, by name, and all settings of a training stage under a profile"
    from fashion_retail.core import BadInput
    from fashion_retail.fitting import check_settings
    from fashion_retail.runner import STAGES, override, plan_run, read_profile, stage_parameters
    values = override(read_profile(profile), set_ or [])
    images = images or values.get("images")
    if not images: raise BadInput("no photos to train on: give --images, or a profile with images")
    names = [images] if Path(images).exists() else images.split()  # a path may hold blanks
    rendered = {"images": "wardrobe"} if "wardrobe" in names else {}
    plan = plan_run({**values, **rendered}, tuple(dict.fromkeys((*STAGES, stage))))
    settings = {**stage_parameters(stage), **plan[stage], **({"device": device} if device != "auto" else {})}
    check_settings(settings)
    tables = {}
    for o in names:
        if o == "wardrobe":
            from fashion_retail.wardrobe import make_wardrobe
            tables[o] = make_wardrobe(out/"wardrobe", **plan["10_wardrobe"])
        else: tables[o] = _read(o, skip)
    if len(tables) > 1: tables = {k: o.assign(image_id=k + "-" + o.image_id, item_id=k + "-" + o.item_id) for k, o in tables.items()}  # two tables may use the same names
    return tables, settings


TrainOut = Annotated[Path, typer.Option(help="Folder for the weights, history.csv and card.json.")]
TrainImages = Annotated[Optional[str], typer.Option("--images", help="Images tables, separated by blanks; by default the profile's.")]
Profile = Annotated[str, typer.Option(help="A name in nbs/profiles, or a YAML file: its values for the training are used.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last whole epoch in --out.")]


def _trained(out, weights, tables, settings, history, report, **more):
    "Write the model card of a training that is done, and say where its weights are"
    from fashion_retail.fitting import write_card
    write_card(out, weights, list(tables), settings, history, **more)
    print(f"weights: {out/weights}{report}")


@app.command()
def train(out: TrainOut, images: TrainImages = None, profile: Profile = "default",
          labels: Annotated[bool, typer.Option("--labels", help="Learn the classes of the tables' label_path instead of "
                                                                "garment or not.")] = False,
          start: Annotated[Optional[str], typer.Option(metavar="FILE", help="Go on from the weights of a segmenter, or from "
                                                       "those that ship with the package: shipped.")] = None,
          set_: Settings = None, resume: Resume = False, skip_unreadable: Skip = False, device: Device = "auto"):
    "Train a segmenter on the train snapshots of a table; the best epoch on valid is kept."
    import pandas as pd
    from fashion_retail.data import checked, select
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
def train_ranking(out: TrainOut, images: TrainImages = None, profile: Profile = "ranking",
                  set_: Settings = None, resume: Resume = False, skip_unreadable: Skip = False, device: Device = "auto"):
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


@app.command()
def label(images: Annotated[str, typer.Argument(metavar="TABLE", help="An images table (images.csv), its folder, or a folder's name under the data root.")],
          out: Annotated[Path, typer.Option(help="Folder for mask/NAME.png and images.csv.")],
          start: Annotated[str, typer.Option(help=f"The cut-out that proposes: {NAME}")] = "tiramisu",
          skip_unreadable: Skip = False, device: Device = "auto"):
    "Propose masks for all photos without one, the least certain first; goes on where it stopped."
    from fashion_retail.label_quality import propose_masks
    from fashion_retail.cutout import cutout
    table = propose_masks(_read(images, skip_unreadable), out, cutout(start, device))
    todo, written = table[table.certainty != ""], out/"images.csv"
    print(f"{len(todo)} masks proposed, the table is {written}")
    if not len(todo): return
    print("least certain first: " + ", ".join(todo.image_id[:5]))
    from fashion_retail.widget import label_notebook
    print(f"to correct them: jupyter lab {label_notebook(written, out)}")


@app.command()
def label_benchmark(images: Images, split: Split, out: OutFile,
                    start: Annotated[str, typer.Option(help=f"Where the person starts: rectangle, or a cut-out: {NAME}")] = "rectangle",
                    limit: Annotated[Optional[int], typer.Option(help="Take only the first N photos.")] = None,
                    device: Device = "auto"):
    "Strokes that a simulated person needs to reach IoU 0.90 and 0.95 on the snapshots of a split; FILE.csv beside --out has a row a photo."
    _no_folder(out)
    from fashion_retail.core import BadInput, atomic, safe_name
    from fashion_retail.cutout import cutout
    from fashion_retail.data import checked, find_table, read_table, select
    from fashion_retail.label_quality import label_benchmark
    if limit is not None and limit < 1: raise BadInput(f"--limit {limit} leaves no photo: give at least 1")
    rows = checked(select(read_table(find_table(images)), split, "snapshot", "mask_path"))[:limit]
    cut = start if start == "rectangle" else cutout(start, device)
    part = out.with_suffix(f".{safe_name(start)}.part.csv")
    result, photos = label_benchmark(rows, cut, part=part)
    with atomic(out.with_suffix(".csv")) as tmp: photos.to_csv(tmp, index=False)
    part.unlink()
    _write_json(dict(start=start, **result), out)


@app.command()
def label_quality(images: Images, split: Split, out: OutFile,
                  model: Annotated[Optional[str], typer.Option(help=f"A second opinion, a cut-out: {NAME}")] = None,
                  device: Device = "auto"):
    "Rank the masks of a split, the most suspicious first, in FILE.csv beside --out; checked rows with a model_mask_path measure the ranking."
    _no_folder(out)
    from fashion_retail.core import atomic, safe_name
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
    with atomic(out.with_suffix(".csv")) as tmp: ranked.drop(columns=["path", "mask_path", "label_path", "truth_path"], errors="ignore").to_csv(tmp, index=False)
    part.unlink()
    _write_json(result, out)


Where = Annotated[Optional[list[str]], typer.Option("--where", metavar="COLUMN=VALUE", help="Only items with this value; the same column again: or this one. Repeatable.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A catalogue's folder.")]
Source = Annotated[str, typer.Argument(help="A folder of photos (sub-folders are items), an images table, or a folder's name under the data root.")]
Pattern = Annotated[Optional[str], typer.Option("--id", metavar="REGEX", help="For a folder: where a file's path holds the item's id, the expression's first group. "
                                                "By default the sub-folder's name, or the file's.")]
SkipUnreadable = Annotated[bool, typer.Option("--skip-unreadable", help="Leave out, name and count photos that cannot be read, instead of stopping.")]


def _numbers(text, count, name):
    "Numbers separated by commas"
    from fashion_retail.core import BadInput
    if text is None: return None
    try: found = [float(o) for o in text.split(",")]
    except ValueError: found = []
    if len(found) != count: raise BadInput(f"{name} {text} is not {count} numbers separated by commas: give pixels of the photo")
    return found


def _conditions(where):
    "The filter that COLUMN=VALUE … stand for"
    from fashion_retail.core import BadInput
    found = {}
    for one in where or []:
        column, equals, value = one.partition("=")
        if not equals: raise BadInput(f"--where {one} has no =: write COLUMN=VALUE")
        found.setdefault(column, []).append(value)
    return found or None


def _print_counts(path, counts):
    "What a change of a catalogue did; photos left out are named"
    from fashion_retail.core import some
    words = dict(new="new", changed="changed", same="there already", removed="removed")
    print(f"{path}: " + ", ".join(f"{counts[o]} photos {word}" for o, word in words.items() if counts.get(o)) if any(counts.get(o) for o in words) else f"{path}: nothing to do")
    if counts["whole"]: print(f"no garment was found on {counts['whole']} of them: those were taken whole", file=sys.stderr)
    if counts["lost"]: print(f"left out: {len(counts['lost'])} photos that cannot be read ({some(counts['lost'])})", file=sys.stderr)


@app.command()
def search(photos: Annotated[list[Path], typer.Argument(help="Photos of garments.")],
           catalogue: Annotated[str, typer.Option(metavar="WHERE", help="A built catalogue; or a folder of photos or an images table, which is indexed on first use.")],
           k: Annotated[Optional[int], typer.Option("-k", help="Items wanted; by default ten.")] = None,
           where: Where = None,
           box: Annotated[Optional[str], typer.Option(metavar="X0,Y0,X1,Y1", help="Pixels: the garment that is meant is inside.")] = None,
           point: Annotated[Optional[str], typer.Option(metavar="X,Y", help="Pixels: on the garment that is meant.")] = None,
           together: Annotated[bool, typer.Option("--together", help="The photos show one garment.")] = False,
           json_: Annotated[Optional[Path], typer.Option("--json", help="JSON file to write: a list, one object a photo.")] = None,
           html: Annotated[Optional[Path], typer.Option("--html", help="HTML page to write: photo, outline, cut-out, answers.")] = None,
           device: Device = "auto"):
    "Is it in the catalogue? The most similar items of each photo, best first."
    _no_folder(json_, html)
    from fashion_retail.core import BadInput, atomic
    where, box, point = _conditions(where), _numbers(box, 4, "--box"), _numbers(point, 2, "--point")
    from fashion_retail.catalogue import NAME, Catalogue, to_html
    from fashion_retail.features import Store
    if (Path(catalogue)/NAME).is_file(): found = Catalogue.load(catalogue, device)
    else:
        found = Catalogue.build(catalogue, replace=True, skip=True, store=Store(), device=device)
        if any(found.counts[o] for o in ("new", "changed", "removed", "lost")): _print_counts(catalogue, found.counts)
    answers, failed = [], False
    for photo in [photos] if together else photos:
        try: answers.append(found.search(photo, k, where, box, point, together))
        except BadInput as error:
            if len(photos) == 1 or together: raise
            print(f"fashion-retail: {error}", file=sys.stderr)  # one bad photo among many costs only itself
            failed = True
    for one in answers: print(f"{' + '.join(o.photo for o in one.looks)}\n{one}\n")
    if json_:
        with atomic(json_) as tmp: tmp.write_text(json.dumps([o.to_json() for o in answers], indent=1) + "\n")
    if html:
        with atomic(html) as tmp: tmp.write_text(to_html(answers), encoding="utf-8")
        print(f"page: {html}")
    if failed:
        print(f"photos without a mask: {len(failed)} of {len(photos)} ({some(failed, 10)})", file=sys.stderr)
        if not skip_unreadable: raise typer.Exit(2)


catalogues = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make and change catalogues that `search` answers from.")
app.add_typer(catalogues, name="catalogue")


@catalogues.command()
def build(source: Source,
          out: Annotated[Path, typer.Option(help="The catalogue's folder; a build that was interrupted goes on.")],
          cutout: Annotated[str, typer.Option(metavar="NAME[@FILE]", help="How a searched photo is cut out; catalogue photos by otsu.")] = "tiramisu",
          features: Annotated[str, typer.Option(metavar="NAME[@FILE]", help="How photos are described.")] = "ranking",
          pattern: Pattern = None,
          replace: Annotated[bool, typer.Option("--replace", help="Remove photos that are not in the source, and vectors that were made otherwise.")] = False,
          skip_unreadable: SkipUnreadable = False, device: Device = "auto"):
    "A catalogue of a folder of photos, or of the catalogue photos of an images table."
    from fashion_retail.catalogue import Catalogue
    made = Catalogue.build(source, out, cutout, features, pattern, replace, skip_unreadable, device=device)
    _print_counts(out, made.counts)
    print(f"{len(made)} items, {len(made.index)} photos")


@catalogues.command()
def add(catalogue: Folder, source: Source, pattern: Pattern = None, skip_unreadable: SkipUnreadable = False, device: Device = "auto"):
    "Add new items; an id that is there with another photo is refused."
    from fashion_retail.catalogue import Catalogue
    _print_counts(catalogue, Catalogue.load(catalogue, device).add(source, pattern, skip_unreadable))


@catalogues.command()
def update(catalogue: Folder, source: Source, pattern: Pattern = None, skip_unreadable: SkipUnreadable = False, device: Device = "auto"):
    "Add what is new and replace what has changed."
    from fashion_retail.catalogue import Catalogue
    _print_counts(catalogue, Catalogue.load(catalogue, device).update(source, pattern, skip_unreadable))


@catalogues.command()
def remove(catalogue: Folder, items: Annotated[list[str], typer.Argument(help="Item ids.")]):
    "Remove items with all their photos."
    from fashion_retail.catalogue import Catalogue
    print(f"{catalogue}: {Catalogue.load(catalogue).remove(items)} photos removed")


@catalogues.command()
def rebuild(catalogue: Folder,
            cutout: Annotated[Optional[str], typer.Option(metavar="NAME[@FILE]", help="Another cut-out than until now.")] = None,
            features: Annotated[Optional[str], typer.Option(metavar="NAME[@FILE]", help="Other features than until now.")] = None,
            device: Device = "auto"):
    "Describe all photos again with the weights that are installed now; until the end searches use the old vectors."
    from fashion_retail.catalogue import Catalogue
    found = Catalogue.load(catalogue, device)
    calibrated = found.facts["calibration"]
    _print_counts(catalogue, found.rebuild(cutout, features))
    if calibrated: print(f"the calibration was for the old vectors: run fashion-retail catalogue calibrate {catalogue} again", file=sys.stderr)


@catalogues.command()
def info(catalogue: Folder, json_: Annotated[Optional[Path], typer.Option("--json", help="JSON file to write.")] = None):
    "What a catalogue holds and what it was made with."
    _no_folder(json_)
    from fashion_retail.catalogue import Catalogue
    from fashion_retail.core import atomic
    found = Catalogue.load(catalogue).info()
    for name, value in found.items(): print(f"{name}: {', '.join(f'{k} ({v})' for k, v in value.items()) if isinstance(value, dict) else value}")
    if json_:
        with atomic(json_) as tmp: tmp.write_text(json.dumps(found, indent=1) + "\n")


@catalogues.command()
def check(catalogue: Folder):
    "Read everything and compare the photos with what was stored; exit 2 when something is wrong."
    from fashion_retail.catalogue import Catalogue
    found = Catalogue.load(catalogue)
    wrong = found.check()
    for one in wrong: print(f"fashion-retail: {one}", file=sys.stderr)
    if wrong: raise typer.Exit(2)
    print(f"{catalogue}: {len(found)} items, {len(found.index)} photos, nothing is wrong")


@catalogues.command()
def calibrate(catalogue: Folder, images: Images, split: Split, device: Device = "auto"):
    "Fit the decision, and where it pays the vectors, on snapshots whose items are known."
    from fashion_retail.catalogue import Catalogue
    found = Catalogue.load(catalogue, device).calibrate(images, split)
    print(f"{catalogue}: calibrated on " + ", ".join(f"{k} {v}" for k, v in found.items()))


Host = Annotated[str, typer.Option(help="127.0.0.1: this machine only; 0.0.0.0: the whole network, phones too.")]
Port = Annotated[int, typer.Option(help="Where to listen; 0: a free port.")]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


def _serve(service, host, port, clients, browse):
    "Serve, with one line of JSON on standard error for each request"
    import logging
    from fashion_retail.serve import serve
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    for name, level in (("fashion_retail", logging.INFO), ("uvicorn", logging.WARNING)):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(level)
    def ready(address):
        print(f"search page: {address}   API: {address}/api   stop: Ctrl+C", flush=True)
        if not browse: return
        import webbrowser
        webbrowser.open(address)
    print("loading the networks …", flush=True)
    serve(service, host, port, clients, ready)


@app.command("serve")
def serve_(catalogue: Annotated[str, typer.Argument(metavar="WHERE", help="A built catalogue; or a folder of photos or an images table, which is indexed on first use.")],
           host: Host = "127.0.0.1", port: Port = 8000,
           token: Annotated[Optional[Path], typer.Option(metavar="FILE", help="A text file with the secret that allows changes of items over HTTP; without it there are none.")] = None,
           keep_photos: Annotated[bool, typer.Option("--keep-photos", help="Keep searched photos, without their metadata, so that feedback can be learned from.")] = False,
           feedback: Annotated[Optional[Path], typer.Option(metavar="DIR", help="Folder of the log; by default feedback/ in the catalogue's folder.")] = None,
           name: Annotated[Optional[list[str]], typer.Option(help="A host name under which the page is reached, besides localhost and numbers. Repeatable.")] = None,
           workers: Annotated[int, typer.Option(min=1, max=64, help="Searches at the same time.")] = 2,
           megabytes: Annotated[float, typer.Option(min=0.1, help="Largest request.")] = 40,
           megapixels: Annotated[float, typer.Option(min=0.1, max=178, help="Largest photo.")] = 50,
           waiting: Annotated[int, typer.Option(min=0, help="Searches that may wait; one more is refused with status 503.")] = 16,
           seconds: Annotated[float, typer.Option(min=1, help="Longest time of a request.")] = 30,
           log_clients: Annotated[bool, typer.Option("--log-clients", help="Write the addresses of clients into the log.")] = False,
           open_: Open = False, device: Device = "auto"):
    "The search page and the API for a catalogue."
    from fashion_retail.catalogue import NAME, Catalogue
    from fashion_retail.features import Store
    from fashion_retail.serve import read_token
    from fashion_retail.service import Service
    from fashion_retail.uploads import Limits
    secret = read_token(token) if token else ""
    if (Path(catalogue)/NAME).is_file(): found = Catalogue.load(catalogue, device)
    else:
        found = Catalogue.build(catalogue, replace=True, skip=True, store=Store(), device=device)
        _print_counts(catalogue, found.counts)
    limits = Limits(megabytes=megabytes, megapixels=megapixels, waiting=waiting, seconds=seconds)
    _serve(Service(found.path, workers, device, secret, keep_photos, feedback, name or (), limits=limits), host, port, log_clients, open_)


@app.command()
def demo(out: Annotated[Path, typer.Option(help="Folder for the drawn garments and their catalogue.")] = Path("runs/demo"),
         items: Annotated[int, typer.Option(min=10, help="Garments.")] = 60,
         host: Host = "127.0.0.1", port: Port = 8000, open_: Open = False, device: Device = "auto"):
    "The search page with a catalogue of drawn garments; searched photos are kept below --out."
    from fashion_retail.catalogue import Catalogue
    from fashion_retail.service import Service
    from fashion_retail.wardrobe import make_wardrobe
    table = make_wardrobe(out/"wardrobe", items, 1)
    Catalogue.build(out/"wardrobe", out/"catalogue", replace=True, device=device)
    photos = table[table.role == "snapshot"].path.tolist()
    _serve(Service(out/"catalogue", 2, device, keep_photos=True, examples=photos[1::max(1, len(photos)//4)][:4]), host, port, False, open_)


@app.command()
def feedback(catalogue: Folder,
             out: Annotated[Path, typer.Option("--out", help="The images table to write, such as images.csv.")],
             valid: Annotated[float, typer.Option(min=0, max=1, help="Share of the asked items to measure on; the others are for training.")] = 1.0,
             log: Annotated[Optional[Path], typer.Option(metavar="DIR", help="Folder of the log; by default feedback/ in the catalogue's folder.")] = None):
    "What people really asked and answered, as an images table: for evaluate, catalogue calibrate, train-ranking and the report."
    _no_folder(out)
    from fashion_retail.catalogue import Catalogue
    from fashion_retail.data import write_table
    from fashion_retail.feedback import feedback_table
    found, left_out = feedback_table(Catalogue.load(catalogue), log, valid)
    write_table(found, out)
    said = found.feedback.value_counts()
    print(f"{out}: {said.get('this', 0)} photos of known items, {said.get('none of these', 0)} of items that are not in the catalogue, "
          f"{(found.role == 'catalogue').sum()} catalogue photos")
    for what, count in left_out.items():
        if count: print(f"left out: {count} {what}", file=sys.stderr)


benchmarks = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Speed and memory beside other packages, as ratios taken in one run.")
app.add_typer(benchmarks, name="benchmark")


@benchmarks.command()
def tiramisu(out: OutFile,
             depth: Annotated[int, typer.Option(help="56, 67 or 103.")] = 56,
             size: Annotated[int, typer.Option(help="Pixels a side.")] = 224,
             batch: Annotated[int, typer.Option(help="Images a step.")] = 4):
    "The segmentation network beside tiramisu-brulee: training step, inference, ONNX, bytes kept for gradients."
    from fashion_retail.benchmarks import benchmark_tiramisu
    _write_json(benchmark_tiramisu(depth, size, batch), out)


@benchmarks.command("search")
def exact_search(out: OutFile,
                 queries: Annotated[int, typer.Option(help="Vectors to search for.")] = 10_000,
                 gallery: Annotated[int, typer.Option(help="Vectors to search in.")] = 100_000,
                 dim: Annotated[int, typer.Option(help="Numbers a vector.")] = 512):
    "Exact top-10 search beside FAISS's flat index (faiss-cpu, optional): time, memory, equal answers."
    _no_folder(out)
    from fashion_retail.benchmarks import benchmark_search
    _write_json(benchmark_search(queries, gallery, dim), out)


@benchmarks.command("features")
def feature_speed(out: OutFile,
                  photos: Annotated[int, typer.Option(help="JPEG files to describe.")] = 1000,
                  size: Annotated[int, typer.Option(help="Pixels a side.")] = 500,
                  repeats: Annotated[int, typer.Option(help="Timed rounds after a warm-up.")] = 3):
    "Vectors of photos, reading included, beside a plain batched loop in PyTorch: time, equal vectors."
    _no_folder(out)
    from fashion_retail.benchmarks import benchmark_features
    _write_json(benchmark_features(photos, size, repeats), out)


@benchmarks.command("serve")
def serve_load(out: OutFile,
               clients: Annotated[int, typer.Option(min=1, help="Clients at once.")] = 16,
               seconds: Annotated[float, typer.Option(min=1, help="How long they search.")] = 300,
               kills: Annotated[int, typer.Option(min=0, help="How often the server is killed.")] = 50):
    "The search page on a drawn catalogue: weight, one search beside one without HTTP, many clients, memory, kills."
    _no_folder(out)
    from fashion_retail.serve_load import benchmark_serve
    _write_json(benchmark_serve(clients, seconds, kills, say=lambda line: print(line, file=sys.stderr, flush=True)), out)


TRAINING = ("size batch_size epochs learning_rate encoder n_filters_first_conv growth_rate n_layers_per_block dropout average patience "
            "grad_checkpointing device seed").split()


def _repeat(args):
    "`--set a=1 b=2` and `--gallery-split train valid` as the repeated flags that click knows"
    out, flag = [], None
    for arg in args:
        if arg.startswith("-"): flag, fresh = arg if arg in ("--set", "--gallery-split") else None, True
        elif flag and not fresh: out.append(flag)
        else: fresh = False
        out.append(arg)
    return out


def main():
    "Entry point: `BadInput` and the system's file errors become one sentence and exit code 2"
    for stream in (sys.stdout, sys.stderr):  # a terminal, or a file name, that is not UTF-8 should not end the work
        if hasattr(stream, "reconfigure"): stream.reconfigure(errors="backslashreplace")
    try: app(args=_repeat(sys.argv[1:]))
    except KeyboardInterrupt:
        print("fashion-retail: interrupted", file=sys.stderr)
        sys.exit(130)
    except Exception as e:
        from fashion_retail.core import BadInput
        if not isinstance(e, (BadInput, OSError)):
            traceback.print_exc()
            sys.exit(3)  # our mistake; 1 would say that accuracy has dropped
        print(f"fashion-retail: {e}", file=sys.stderr)
        sys.exit(2)
