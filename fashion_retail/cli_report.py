"The commands that measure: report, table, import, names, segment, score, evaluate, cache"

from errno import ENAMETOOLONG
from pathlib import Path
from typing import Annotated, Optional

import typer

from .cli_options import (NAME, Box, Device, Images, Method, OutFile, OutTable, Point, Settings, Skip, Split, Worn, app,
                          not_folders, numbers, read_images, save_csv, say_problems, warn, write_json)


@app.command()
def report(
    profile: Annotated[str, typer.Option(help="A name in nbs/profiles, or a YAML file.")] = "default",
    images: Annotated[Optional[str], typer.Option("--images", help="Your own images table, in place of the "
                                                  "profile's.")] = None,
    out: Annotated[Optional[Path], typer.Option(help="The run folder; by default runs/PROFILE, or runs/TABLE with "
                                                "--images.")] = None,
    set_: Settings = None,
    force: Annotated[bool, typer.Option("--force", help="Redo stages whose inputs have not changed.")] = False,
    update_baseline: Annotated[str, typer.Option("--update-baseline", metavar="REASON", help="Accept this run as the "
                                                 "new baseline, for this reason (a line).")] = "",
    skip_unreadable: Skip = False,
):
    """Run the report's stages under a profile and write report.html; exit 1 when accuracy has dropped since the
    baseline."""
    from fashion_retail.report import run_report
    settings = [*(set_ or []), *(["skip_unreadable=true"] if skip_unreadable else [])]
    good = run_report(profile, out, settings, update_baseline, lambda line: print(line, flush=True), images, force)
    if skip_unreadable and images: read_images(images, skip=True)  # the list, once more, at the end
    if not good: raise typer.Exit(1)


@app.command()
def table(
    catalogue: Annotated[Path, typer.Option(help="Folder of catalogue photos.")],
    snapshots: Annotated[Path, typer.Option(help="Folder of phone photos.")],
    out: OutTable,
    pattern: Annotated[Optional[str], typer.Option("--id", metavar="REGEX", help="Where a file's path holds the "
                       "item's id: the expression's first group, such as '([a-z]+)_' for tshirt_1.jpg. By default the "
                       "longest catalogue file name that a name begins with.")] = None,
    valid: Annotated[float, typer.Option(help="Share of the items to measure on; the others are for training, which "
                                         "needs masks.")] = 1.0,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse guesses: merged catalogue photos, names with extra "
                                         "words, capitals.")] = False,
):
    "An images table from two folders whose file names share ids; NAME.mask.png beside a photo is its mask."
    not_folders(out)
    from fashion_retail.core import some
    from fashion_retail.data import near_copies, write_table
    from fashion_retail.folders import table_from_folders
    rows, notes = table_from_folders(catalogue, snapshots, pattern, valid, strict)
    suspects = near_copies(rows)
    notes["photos that cannot be read, left out"] = unread = suspects.attrs["unreadable"]
    write_table(rows := rows[~rows.image_id.isin(unread)], out)
    count, items = rows.role.value_counts(), rows.item_id.nunique()
    print(f"{out}: {count.get('catalogue', 0)} catalogue photos and {count.get('snapshot', 0)} snapshots "
          f"of {items} items")
    for rule, number in rows.matched_by[rows.matched_by != ""].value_counts().items():
        print(f"matched by {rule}: {number} (column matched_by)")
    pairs = [f"{o.image_id} = {o.copy}" for o in suspects.itertuples()]
    notes["pairs that look like one picture saved twice (suspects, kept)"] = pairs
    for what, names in notes.items():
        if names: print(f"{what}: {len(names)} ({some(names, 10)})")


@app.command("import")
def import_(
    name: Annotated[Optional[str], typer.Argument(help="A public data set; --list names them.")] = None,
    source: Annotated[Optional[Path], typer.Argument(help="Its folder, as its authors publish it.")] = None,
    out: Annotated[Optional[Path], typer.Option("--out", metavar="DIR", help="Folder for images.csv, and for masks and "
                                                "labels that are made.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="The data sets, their sources and rights.")] = False,
):
    "The images table of a public data set that you have downloaded, with its authors' splits; no photo is copied."
    from fashion_retail.core import BadInput
    from fashion_retail.public_data import PUBLIC, import_data
    if list_:
        for key, one in PUBLIC.items():
            print(f"{key}: {one.rows.__doc__}\n  {one.link}")
            print(f"  rights: {one.license}; size: {one.size}\n  for: {one.measures}")
        return
    if not (name and source and out): raise BadInput("say what to import: fashion-retail import NAME SOURCE --out DIR")
    rows = import_data(name, source, out)
    count = rows.groupby(["split", "role"]).size()
    said = ", ".join(f"{number} {role} rows in {split}" for (split, role), number in count.items())
    print(f"{out/'images.csv'}: {said}")


@app.command()
def names():
    "The names of cut-outs (--cutout, --method, --start) and of descriptors (--features)."
    from fashion_retail.cutout import CUTOUTS
    from fashion_retail.features import FAMILIES, FEATURES
    families = {f"{name}:NAME": kind for name, kind in FAMILIES.items()}
    with_pca = "features (any of them with +pca: the talk's scaling and PCA, fitted on the catalogue photos)"
    lists = {"cut-outs": CUTOUTS, with_pca: {**FEATURES, **families}}
    for title, kinds in lists.items():
        print(title)
        for name, kind in kinds.items():
            takes = "@FILE" if getattr(kind, "takes_weights", False) or kind.shipped else ""
            print(f"  {name + takes:26} {kind.__doc__.partition('; raises')[0]}")


@app.command()
def segment(
    photos: Annotated[list[Path], typer.Argument(help="Photos.")],
    out: Annotated[Path, typer.Option(help="Folder for NAME.mask.png and NAME.cutout.png.")],
    method: Method = "garments",
    box: Box = None,
    point: Point = None,
    category: Worn = None,
    skip_unreadable: Skip = False,
    device: Device = "auto",
):
    """Cut the garment out of photos: a mask (0/255) and a transparent cut-out, both of the photo's own size; exit 2 if
    some failed."""
    from fashion_retail.core import BadInput, some
    from fashion_retail.cutout import cutout
    from fashion_retail.data import load_image, save_image, save_mask
    import numpy as np
    stems = [photo.stem for photo in photos]
    if again := sorted({stem for stem in stems if stems.count(stem) > 1}):
        raise BadInput(f"two photos are called {again[0]}: their masks would overwrite each other; "
                       "rename one or give them separately")
    meant = dict(box=numbers(box, 4, "--box"), point=numbers(point, 2, "--point"), category=category)
    cut, failed = cutout(method, device), []
    for photo in photos:
        try:
            image = load_image(photo)
            mask, confidence, *_, also = cut.cut(image, **meant)
            if not mask.any(): raise BadInput(f"{photo}: no garment was found, say where it is with --box or --point")
            save_mask(mask, out/f"{photo.stem}.mask.png")
            save_image(np.dstack([image*mask[..., None], mask.astype(np.uint8)*255]), out/f"{photo.stem}.cutout.png")
        except BadInput as error:  # one bad photo among many costs only itself
            if len(photos) == 1 or getattr(error, "errno", ENAMETOOLONG) != ENAMETOOLONG: raise
            warn(f"fashion-retail: {error}")
            failed.append(photo.name)
            continue
        sure = f", confidence {confidence:.2f}" if confidence is not None else ""
        print(f"{photo.name}: {cut.name} finds a garment on {mask.mean():.0%} of the photo{sure}")
        if also: print(f"  {also}")
    if failed:
        warn(f"photos without a mask: {len(failed)} of {len(photos)} ({some(failed, 10)})")
        if not skip_unreadable: raise typer.Exit(2)


@app.command()
def score(images: Images, split: Split, out: OutFile, method: Method, skip_unreadable: Skip = False,
          device: Device = "auto"):
    "Segmentation quality of a method on the snapshots of a split that have a true mask."
    not_folders(out)
    from fashion_retail.cutout import cutout, score_cutout
    from fashion_retail.data import select
    rows = select(read_images(images, skip_unreadable), split, "snapshot", "mask_path")
    write_json(dict(method=method, **score_cutout(rows, cutout(method, device))[0]), out)


@app.command()
def evaluate(
    images: Images,
    split: Split,
    out: OutFile,
    cutout: Annotated[str, typer.Option(help=f"How the snapshots are cut out: {NAME}")],
    features: Annotated[str, typer.Option(help=f"The descriptor: {NAME} NAME@hub downloads what timm and OpenCLIP have "
                                          "there.")],
    gallery_split: Annotated[Optional[list[str]], typer.Option(help="Splits of the catalogue photos; by default "
                                                               "--split. Repeatable.")] = None,
    ranks: Annotated[Optional[Path], typer.Option(help="CSV file to write: a row a query with its rank and ten "
                                                  "answers.")] = None,
    open_set: Annotated[bool, typer.Option("--open-set", help="Measure too whether an item is known to be in the "
                        "catalogue at all: half of the items taken out of the gallery, then the other half.")] = False,
    skip_unreadable: Skip = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Make all masks and vectors anew and keep none; see "
                                           "`fashion-retail cache`.")] = False,
    device: Device = "auto",
):
    "Retrieval accuracy: the snapshots of a split searched among the catalogue photos."
    not_folders(out, ranks)
    from fashion_retail.data import find_table, read_table
    rows = read_table(find_table(images))
    from fashion_retail.evaluation import evaluate
    from fashion_retail.features import Store
    store = None if no_cache else Store()
    found = evaluate(rows, split, cutout, features, gallery_split, device, skip_unreadable, store)
    _say_what_was_left_out(found)
    if open_set: found.metrics.update(found.open_set()[0])
    if ranks: save_csv(found.to_frame(), ranks)
    write_json(found.metrics, out)


def _say_what_was_left_out(found): # an `Evaluation`
    say_problems(found.problems)
    if said := found.too_few(): warn(said)
    if count := found.metrics["n_empty_masks"]: warn(f"empty masks: {count}, those photos were taken whole")
    if count := found.metrics["n_same_photo"]:
        warn(f"{count} queries are the very file of a catalogue photo: such a photo is neither answer nor rival for "
             "its own query")
    unread = found.ranks.image_id.isin(list(found.problems))
    if lost := found.ranks.image_id[(found.ranks["rank"] == 0) & ~unread].tolist():
        warn(f"{len(lost)} of {len(found.ranks)} queries show an item that is not in the catalogue, such as {lost[0]}: "
             "they are counted as n_without_answer and no accuracy divides by them")
    if found.suspects:
        query, answer = found.suspects[0]
        warn(f"{len(found.suspects)} queries look like their first answer saved again (suspects, counted), such as "
             f"{query} = {answer}")


@app.command("cache")
def show_cache(
    name: Annotated[Optional[str], typer.Argument(help="Only what this cut-out or descriptor made.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Throw it away.")] = False,
):
    """Show, or throw away, the masks and vectors that are kept from one run to the next (in FASHION_RETAIL_CACHE, or
    the user's cache folder)."""
    from fashion_retail.features import Store
    store = Store()
    if clear:
        print(f"{store.path}: {store.clear(name)} masks and vectors thrown away")
        return
    found = store.contents()
    if name: found = found[found["name"] == name]
    count = {kind: int(found.photos[found.kind == kind].sum()) for kind in ("masks", "vectors")}
    print(f"{store.path}: {count['masks']} masks, {count['vectors']} vectors, {found.MB.sum():.1f} MB")
    for row in found.itertuples():
        print(f"{row.kind} of {row.name}, version {row.version}: {row.photos} photos, {row.MB:.1f} MB")
    for path in store.strangers():
        print(f"{path}: written by another version of fashion_retail, ignored; --clear throws it away")
