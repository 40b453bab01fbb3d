"The commands that clean: duplicates, train-duplicates, catalogue merge"

import shutil
from pathlib import Path
from typing import Annotated, Optional

import typer

from .cli_catalogue import catalogues
from .cli_options import Device, Folder, Method, app, not_folders, save_csv, warn


@app.command()
def duplicates(
    source: Annotated[str, typer.Argument(metavar="CATALOGUE|TABLE", help="A catalogue's folder; or an images table, "
                                          "its folder, or a folder's name under the data root.")],
    out: Annotated[Path, typer.Option("--out", help="CSV file to write: image_a, image_b, class, probability, group, "
                                      "evidence; a row a pair.")],
    html: Annotated[Optional[Path], typer.Option("--html", help="HTML page to write: look at the groups, and decide "
                                                 "what is merged.")] = None,
    between_splits: Annotated[bool, typer.Option("--between-splits", help="Only pairs of one photo or one garment that "
                                                 "sit in two splits of a table; exit 1 if there are any.")] = False,
    neighbors: Annotated[int, typer.Option(help="Photos that each photo is compared with.")] = 20,
    method: Method = "tiramisu",
    device: Device = "auto",
):
    """Which photos are there twice; and, as suggestions to look at, which show one garment, and which one model in two
    colors."""
    not_folders(out, html)
    from fashion_retail.core import BadInput, atomic, some
    from fashion_retail.duplicate_review import review_page
    from fashion_retail.duplicates import CLASSES, leaks
    from fashion_retail.duplicates import duplicates as find
    from fashion_retail.features import Store
    folder = out.with_name(f"{out.name}.compared")
    pairs = find(source, neighbors, method, Store(), device, progress=True, folder=folder)
    if pairs.attrs["before"]: print(f"pairs that an earlier run had compared: {pairs.attrs['before']}")
    photos, problems = pairs.attrs["photos"], pairs.attrs["problems"]
    if between_splits:
        if "split" not in photos: raise BadInput(f"{source} has no splits: give an images table")
        pairs = leaks(pairs, photos)
    if problems: warn(f"photos that cannot be compared, left out: {len(problems)} ({some(problems, 10)})")
    save_csv(pairs, out)
    if html:
        with atomic(html) as tmp: tmp.write_text(review_page(pairs, photos), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    for kind in CLASSES[:3]:
        found = pairs[pairs["class"] == kind]
        print(f"{kind}: pairs {len(found)}, groups {found.group.nunique()}")
    print(f"{out}: {len(pairs)} pairs among {len(photos)} photos")
    if (pairs["class"] != CLASSES[0]).any():
        warn(f"{CLASSES[1]!r} and {CLASSES[2]!r} are suggestions: their probability was checked on shops that the rule "
             "had not seen, and says how many are right; look at them (--html) before you merge anything")
    if between_splits and len(pairs): raise typer.Exit(1)


@app.command()
def train_duplicates(
    out: Annotated[Path, typer.Option("--out", help="JSON file to write: the rule, such as "
                                      "fashion_retail/weights/duplicates.json.")],
    work: Annotated[Path, typer.Option("--work", help="Folder that keeps what was compared, so that a run that was "
                                       "stopped goes on.")],
    limit: Annotated[int, typer.Option(min=10, help="Pairs of each class and table, at most.")] = 1500,
    photos: Annotated[int, typer.Option(min=2, help="Photos of magento that copies are made of.")] = 150,
):
    "Fit the rule that `duplicates` decides with, from the photos that may be given away."
    not_folders(out)
    import json

    from fashion_retail.core import atomic
    from fashion_retail.duplicate_scores import fit_package_rule
    from fashion_retail.features import Store
    rule = fit_package_rule(work, limit, photos, Store())
    with atomic(out) as tmp: tmp.write_text(json.dumps(rule, indent=1) + "\n", encoding="utf-8")
    print(f"{out}: fitted on {rule['about'].split(': ', 1)[1]}")


@catalogues.command()
def merge(catalogue: Folder,
          decisions: Annotated[Path, typer.Argument(metavar="DECISIONS.csv", help="What the page of `fashion-retail "
                                                    "duplicates --html` saved.")]):
    "Apply the decisions on duplicates: items become one, second copies of a photo leave the catalogue."
    from fashion_retail.catalogue import Catalogue
    from fashion_retail.duplicate_review import read_decisions
    found = Catalogue.load(catalogue).merge(read_decisions(decisions))
    print(f"{catalogue}: {found['items']} items became part of another one, {found['moved']} photos changed their "
          f"item, {found['removed']} photos removed")
