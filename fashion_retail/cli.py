"The `fashion-retail` command: exit 0 done, 1 accuracy dropped, 2 bad input (one sentence, no traceback)"
# A plain file, not a notebook: it only parses arguments and calls the rooms, which are imported where they are
# needed, so that `--help` does not wait for torch.

import json, sys, traceback
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Optional

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
                  help="From a phone photo of a garment to the ten most similar catalogue photos, with a measured accuracy.")

Images = Annotated[str, typer.Option("--images", help="An images table (images.csv), its folder, or a folder's name under the data root.")]
Split = Annotated[str, typer.Option(help="train, valid or test.")]
Weights = Annotated[Optional[Path], typer.Option(help="A segmenter.safetensors; without it the weights that ship with the package.")]
OutFile = Annotated[Path, typer.Option("--out", help="JSON file to write.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Settings = Annotated[Optional[list[str]], typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the profile; room.key=value for one room. Repeatable.")]


def _write_json(result, out):
    from fashion_retail.data import atomic
    text = json.dumps(result, indent=1)
    print(text)
    with atomic(out) as tmp: tmp.write_text(text + "\n")


def _no_folder(*files):
    "Find out before the work, not after it, that a result cannot be written"
    from fashion_retail.data import BadInput
    for file in files:
        if file and file.is_dir(): raise BadInput(f"{file} is a folder: name a file to write to")


@app.command()
def report(profile: Annotated[str, typer.Option(help="A name in nbs/profiles, or a YAML file.")] = "default",
           images: Annotated[Optional[str], typer.Option("--images", help="Your own images table, in place of the profile's.")] = None,
           out: Annotated[Optional[Path], typer.Option(help="The run folder; by default runs/PROFILE, or runs/TABLE with --images.")] = None,
           set_: Settings = None,
           force: Annotated[bool, typer.Option("--force", help="Redo stages whose inputs have not changed.")] = False,
           update_baseline: Annotated[str, typer.Option("--update-baseline", metavar="REASON",
                                                        help="Accept this run as the new baseline, for this reason (a line).")] = ""):
    "Run all notebooks under a profile and write report.html; exit 1 when accuracy has dropped since the baseline."
    from fashion_retail.report import run_report
    say = lambda line: print(line, flush=True)
    if not run_report(profile, out, set_ or [], update_baseline, say, images, force): raise typer.Exit(1)


@app.command()
def table(catalogue: Annotated[Path, typer.Option(help="Folder of catalogue photos.")],
          snapshots: Annotated[Path, typer.Option(help="Folder of phone photos.")],
          out: Annotated[Path, typer.Option("--out", help="The images table to write, such as images.csv.")],
          pattern: Annotated[Optional[str], typer.Option("--id", metavar="REGEX", help="Where a file's path holds the item's id: the "
                             "expression's first group. By default the longest catalogue file name that a name begins with.")] = None,
          valid: Annotated[float, typer.Option(help="Share of the items to measure on; the others are for training, which needs masks.")] = 1.0):
    "An images table from two folders whose file names share ids; NAME.mask.png beside a photo is its mask."
    _no_folder(out)
    from fashion_retail.data import table_from_folders, write_table
    rows, odd = table_from_folders(catalogue, snapshots, pattern, valid)
    write_table(rows, out)
    n = rows.groupby("role").item_id.agg(["size", "nunique"])
    print(f"{out}: {n['size'].get('catalogue', 0)} catalogue photos and {n['size'].get('snapshot', 0)} snapshots of {rows.item_id.nunique()} items")
    for what, names in odd.items():
        if names: print(f"{what}: {len(names)} ({', '.join(names[:10])}{' …' if len(names) > 10 else ''})")


@app.command()
def segment(photos: Annotated[list[Path], typer.Argument(help="Photos.")],
            out: Annotated[Path, typer.Option(help="Folder for NAME.mask.png and NAME.cutout.png.")],
            method: Annotated[str, typer.Option(help="tiramisu, grabcut, otsu or u2netp.")] = "tiramisu",
            weights: Weights = None, device: Device = "auto"):
    "Cut the garment out of photos: a mask (0/255) and a transparent cut-out, both of the photo's own size."
    import numpy as np
    from fashion_retail.data import BadInput, load_image, save_image, save_mask
    from fashion_retail.training import mask_method
    names = [o.stem for o in photos]
    if again := sorted({o for o in names if names.count(o) > 1}):
        raise BadInput(f"two photos are called {again[0]}: their masks would overwrite each other; rename one or give them separately")
    cut, failed = mask_method(method, weights, device), []
    for photo in photos:
        try: image = load_image(photo)
        except BadInput as e:  # one bad photo among many costs only itself
            print(f"fashion-retail: {e}", file=sys.stderr)
            failed.append(photo)
            continue
        mask, confidence = cut.with_confidence(image) if method == "tiramisu" else (cut(image), None)
        save_mask(mask, out/f"{photo.stem}.mask.png")
        save_image(np.dstack([image*mask[..., None], mask.astype(np.uint8)*255]), out/f"{photo.stem}.cutout.png")
        print(f"{photo.name}: {method} finds a garment on {mask.mean():.0%} of the photo" + (f", confidence {confidence:.2f}" if confidence is not None else ""))
    if failed: raise typer.Exit(2)


@app.command()
def score(images: Images, split: Split, out: OutFile,
          method: Annotated[str, typer.Option(help="tiramisu, grabcut, otsu or u2netp.")],
          weights: Weights = None, device: Device = "auto"):
    "Segmentation quality of a method on the snapshots of a split that have a true mask."
    _no_folder(out)
    from fashion_retail.data import find_table, read_table, select
    from fashion_retail.training import mask_method, score_method
    rows = select(read_table(find_table(images)), split, "snapshot", "mask_path")
    _write_json(dict(method=method, **score_method(rows, mask_method(method, weights, device))[0]), out)


@app.command()
def evaluate(images: Images, split: Split, out: OutFile,
             cutout: Annotated[str, typer.Option(help="none, mask, grabcut, tiramisu, u2netp or otsu.")],
             features: Annotated[str, typer.Option(help="ranking, stages, tiramisu, efficientnet_lite0, classical, color_histogram, gist, hog, bovw, timm:NAME or openclip:NAME; "
                                                        "NAME+pca adds the talk's scaling and PCA, fitted on the catalogue photos.")],
             gallery_split: Annotated[Optional[list[str]], typer.Option(help="Splits of the catalogue photos; by default --split. Repeatable.")] = None,
             weights: Annotated[Optional[list[Path]], typer.Option(help="A segmenter for --cutout tiramisu or a file for --features; which one it is, "
                                                                        "the file says; or hub, to download what timm and OpenCLIP have there. Repeatable. Without it what ships with the package.")] = None,
             ranks: Annotated[Optional[Path], typer.Option(help="CSV file to write: a row a query with its rank and ten answers.")] = None,
             skip_unreadable: Annotated[bool, typer.Option("--skip-unreadable", help="Leave out, name and count photos that cannot be read, instead of stopping.")] = False,
             no_cache: Annotated[bool, typer.Option("--no-cache", help="Make all vectors anew and keep none; see `fashion-retail cache`.")] = False,
             device: Device = "auto"):
    "Retrieval accuracy: the snapshots of a split searched among the catalogue photos."
    _no_folder(out, ranks)
    from fashion_retail.data import atomic, find_table, read_table
    from fashion_retail.similarity import evaluate_table
    table = read_table(find_table(images))
    from fashion_retail.features import VectorCache
    with TemporaryDirectory() as masks:
        result, table = evaluate_table(table, split, cutout, features, gallery_split, weights, device, masks, skip_unreadable, None if no_cache else VectorCache())
    if bad := result["unreadable"]: print(f"photos that cannot be read, left out: {len(bad)} ({', '.join(bad[:20])}{' …' if len(bad) > 20 else ''})", file=sys.stderr)
    if n := result["n_empty_masks"]: print(f"empty masks: {n}, those photos were taken whole", file=sys.stderr)
    if lost := table.image_id[(table["rank"] == 0) & ~table.image_id.isin(bad)].tolist():
        print(f"{len(lost)} of {len(table)} queries show an item that is not in the catalogue, such as {lost[0]}: they are counted as n_without_answer "
              "and no accuracy divides by them", file=sys.stderr)
    if ranks:
        with atomic(ranks) as tmp: table.to_csv(tmp, index=False)
    _write_json(result, out)


@app.command("cache")
def vector_cache(name: Annotated[Optional[str], typer.Argument(help="Only the vectors of these features.")] = None,
                 clear: Annotated[bool, typer.Option("--clear", help="Throw them away.")] = False):
    "Show, or throw away, the vectors that `evaluate` keeps from one run to the next (in FASHION_RETAIL_CACHE, or the user's cache folder)."
    from fashion_retail.features import VectorCache, outdated
    cache = VectorCache()
    if clear:
        print(f"{cache.path}: {cache.clear(name)} vectors thrown away")
        return
    found = cache.contents()
    if name: found = found[found["name"] == name]
    print(f"{cache.path}: {found.photos.sum()} vectors, {found.MB.sum():.1f} MB")
    for o in found.itertuples(): print(f"{o.name} version {o.version}: {o.photos} vectors, {o.MB:.1f} MB{', outdated: no longer used' if outdated(o.name, o.version) else ''}")
    for o in cache.strangers(): print(f"{o}: written by another version of fashion_retail, ignored; --clear throws it away")


def _plan_training(stage, profile, set_, images, out, device):
    "The tables to train on, by name, and all settings of a training stage under a profile"
    from fashion_retail.data import BadInput, find_table, read_table
    from fashion_retail.runner import STAGES, override, plan_run, read_profile, stage_parameters
    values = override(read_profile(profile), set_ or [])
    images = images or values.get("images")
    if not images: raise BadInput("no photos to train on: give --images, or a profile with images")
    names = [images] if Path(images).exists() else images.split()  # a path may hold blanks
    rendered = {"images": "wardrobe"} if "wardrobe" in names else {}
    plan = plan_run({**values, **rendered}, tuple(dict.fromkeys((*STAGES, stage))))
    settings = {**stage_parameters(stage), **plan[stage], **({"device": device} if device != "auto" else {})}
    tables = {}
    for o in names:
        if o == "wardrobe":
            from fashion_retail.wardrobe import make_wardrobe
            tables[o] = make_wardrobe(out/"wardrobe", **plan["10_wardrobe"])
        else: tables[o] = read_table(find_table(o))
    if len(tables) > 1: tables = {k: o.assign(image_id=k + "-" + o.image_id, item_id=k + "-" + o.item_id) for k, o in tables.items()}  # two tables may use the same names
    return tables, settings


@app.command()
def train(out: Annotated[Path, typer.Option(help="Folder for segmenter.safetensors, history.csv and card.json.")],
          images: Annotated[Optional[str], typer.Option("--images", help="Images tables, separated by blanks; by default the profile's.")] = None,
          profile: Annotated[str, typer.Option(help="A name in nbs/profiles, or a YAML file: its training values are used.")] = "default",
          labels: Annotated[bool, typer.Option("--labels", help="Learn the classes of the tables' label_path instead of garment or not.")] = False,
          set_: Settings = None,
          resume: Annotated[bool, typer.Option("--resume", help="Go on from the last whole epoch in --out.")] = False,
          device: Device = "auto"):
    "Train a segmenter on the train snapshots of a table; the best epoch on valid is kept."
    import pandas as pd
    from fashion_retail.data import atomic, checked, select
    from fashion_retail.runner import environment
    tables, settings = _plan_training("03_training", profile, set_, images, out, device)
    options = {k: settings[k] for k in TRAINING}
    from fashion_retail.training import Segmenter, label_names, score_method, train_segmenter
    column = "label_path" if labels else "mask_path"
    rows = {split: pd.concat([select(o, split, "snapshot", column) for o in tables.values()], ignore_index=True) for split in ("train", "valid")}
    if settings["checked_only"]: rows["train"] = checked(rows["train"])
    if n := settings["max_train"]: rows["train"] = rows["train"].sample(min(n, len(rows["train"])), random_state=settings["seed"])
    rows["valid"] = checked(rows["valid"])
    history = train_segmenter(rows["train"], rows["valid"], out, **options, classes=label_names(rows["train"]) if labels else None, resume=resume)
    card = dict(weights="segmenter.safetensors", tables=list(tables), photos={k: len(o) for k, o in rows.items()}, groups={k: int(o.group.nunique()) for k, o in rows.items()},
                settings=options, epochs=len(history), minutes=round(float(history.seconds.sum())/60, 1), doubted=int(history.doubted.iloc[-1]), environment=environment())
    if not labels: card["valid"] = score_method(rows["valid"], Segmenter(out/"segmenter.safetensors", device))[0]
    with atomic(out/"card.json") as tmp: tmp.write_text(json.dumps(card, indent=1) + "\n")
    print(f"weights: {out/'segmenter.safetensors'}" + (f", IoU {card['valid']['iou_mean']:.3f} on {len(rows['valid'])} valid photos" if not labels else ""))


@app.command()
def train_ranking(out: Annotated[Path, typer.Option(help="Folder for ranking.safetensors, history.csv and card.json.")],
                  images: Annotated[Optional[str], typer.Option("--images", help="Images tables, separated by blanks; by default the profile's.")] = None,
                  profile: Annotated[str, typer.Option(help="A name in nbs/profiles, or a YAML file: its ranking values are used.")] = "ranking",
                  set_: Settings = None,
                  resume: Annotated[bool, typer.Option("--resume", help="Go on from the last whole epoch in --out.")] = False,
                  device: Device = "auto"):
    "Train the ranking network so that photos of one item are near each other, on the train rows of a table."
    import pandas as pd
    from fashion_retail.data import atomic
    from fashion_retail.runner import environment
    tables, settings = _plan_training("12_deep_ranking", profile, set_, images, out, device)
    from fashion_retail.ranking import train_ranking
    rows = pd.concat(tables.values(), ignore_index=True)
    train, valid = (rows[rows.split == o].reset_index(drop=True) for o in ("train", "valid"))
    history = train_ranking(train, valid, out, **settings, resume=resume)
    card = dict(weights="ranking.safetensors", tables=list(tables), photos=len(train), items=int(train.item_id.nunique()), settings=settings,
                epochs=len(history), minutes=round(float(history.seconds.sum())/60, 1), valid=dict(history.iloc[-1][["valid_top_1", "valid_top_10"]]), environment=environment())
    with atomic(out/"card.json") as tmp: tmp.write_text(json.dumps(card, indent=1) + "\n")
    print(f"weights: {out/'ranking.safetensors'}, top-10 {card['valid']['valid_top_10']:.3f} on valid")


@app.command()
def label(images: Annotated[str, typer.Argument(metavar="TABLE", help="An images table (images.csv), its folder, or a folder's name under the data root.")],
          out: Annotated[Path, typer.Option(help="Folder for mask/NAME.png and images.csv.")],
          start: Annotated[str, typer.Option(help="tiramisu, grabcut, u2netp or otsu.")] = "tiramisu",
          weights: Weights = None, device: Device = "auto"):
    "Propose masks for all photos without one, the least certain first; goes on where it stopped."
    from fashion_retail.data import find_table, read_table
    from fashion_retail.label_quality import propose_masks
    from fashion_retail.training import mask_method
    source = find_table(images)
    table = propose_masks(read_table(source), out, mask_method(start, weights, device), start)
    todo, written = table[table.certainty != ""], out/"images.csv"
    print(f"{len(todo)} masks proposed, the table is {written}")
    if not len(todo): return
    print("least certain first: " + ", ".join(todo.image_id[:5]))
    from fashion_retail.widget import label_notebook
    print(f"to mend them: jupyter lab {label_notebook(written, out)}")


@app.command()
def label_benchmark(images: Images, split: Split, out: OutFile,
                    start: Annotated[str, typer.Option(help="rectangle, u2netp, tiramisu or grabcut.")] = "rectangle",
                    limit: Annotated[Optional[int], typer.Option(help="Take only the first N photos.")] = None,
                    weights: Weights = None, device: Device = "auto"):
    "Strokes that a simulated person needs to reach IoU 0.90 and 0.95 on the snapshots of a split; FILE.csv beside --out has a row a photo."
    _no_folder(out)
    from fashion_retail.data import BadInput, atomic, checked, find_table, read_table, select
    from fashion_retail.label_quality import label_benchmark
    from fashion_retail.training import mask_method
    if limit is not None and limit < 1: raise BadInput(f"--limit {limit} leaves no photo: give at least 1")
    rows = checked(select(read_table(find_table(images)), split, "snapshot", "mask_path"))[:limit]
    cut = start if start == "rectangle" else mask_method(start, weights, device)
    part = out.with_suffix(f".{start}.part.csv")
    result, photos = label_benchmark(rows, cut, part=part)
    with atomic(out.with_suffix(".csv")) as tmp: photos.to_csv(tmp, index=False)
    part.unlink()
    _write_json(dict(start=start, **result), out)


@app.command()
def label_quality(images: Images, split: Split, out: OutFile,
                  model: Annotated[Optional[str], typer.Option(help="A second opinion: tiramisu, grabcut, otsu or u2netp.")] = None,
                  weights: Weights = None, device: Device = "auto"):
    "Rank the masks of a split, the most suspicious first, in FILE.csv beside --out; checked rows with a model_mask_path measure the ranking."
    _no_folder(out)
    from fashion_retail.data import atomic, checked, find_table, read_table, select
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
        from fashion_retail.training import mask_method
        cut = mask_method(model, weights, device)
    part = out.with_suffix(f".{model}.part.csv")
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
    if failed: raise typer.Exit(2)


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
    try: app(args=_repeat(sys.argv[1:]))
    except KeyboardInterrupt:
        print("fashion-retail: interrupted", file=sys.stderr)
        sys.exit(130)
    except Exception as e:
        from fashion_retail.data import BadInput  # imported late: pandas takes half a second
        if not isinstance(e, (BadInput, OSError)):
            traceback.print_exc()
            sys.exit(3)  # our mistake; 1 would say that accuracy has dropped
        print(f"fashion-retail: {e}", file=sys.stderr)
        sys.exit(2)
