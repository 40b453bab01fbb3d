"The commands that answer: search, catalogue …, serve, demo, feedback"

import shutil
from pathlib import Path
from typing import Annotated, Optional

import typer

from .cli_options import (Box, Device, Folder, Images, JsonFile, Log, OutTable, Point, Skip, Split, Worn, app,
                          not_folders, numbers, save_json, say_counts, warn)

Where = Annotated[Optional[list[str]], typer.Option("--where", metavar="COLUMN=VALUE", help="Only items with this "
                                                    "value. Repeatable; of one column, any of its values.")]
Source = Annotated[str, typer.Argument(help="A folder of photos (sub-folders are items), an images table, or a "
                                       "folder's name under the data root.")]
Pattern = Annotated[Optional[str], typer.Option("--id", metavar="REGEX", help="For a folder: where a file's path holds "
                                                "the item's id, the expression's first group, such as '([a-z]+)_'. "
                                                "By default the sub-folder's name, or the file's: then each photo "
                                                "of a flat folder is an item.")]
Anywhere = typer.Option(metavar="WHERE", help="A built catalogue; or a folder of photos or an images table, which is "
                        "indexed on first use.")
Host = Annotated[str, typer.Option(help="127.0.0.1: this machine only; 0.0.0.0: the whole network, phones too.")]
Port = Annotated[int, typer.Option(help="Where to listen; 0: a free port.")]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


def _conditions(where):
    "The filter that COLUMN=VALUE … stand for"
    from fashion_retail.core import BadInput
    found = {}
    for one in where or []:
        column, equals, value = one.partition("=")
        if not equals: raise BadInput(f"--where {one} has no =: write COLUMN=VALUE")
        found.setdefault(column, []).append(value)
    return found or None


def _catalogue(where, device):
    "A built catalogue, or the one of a folder or table, indexed on first use; says what that did"
    from fashion_retail.catalogue import Catalogue
    from fashion_retail.catalogue_folder import is_catalogue
    from fashion_retail.features import Store
    if is_catalogue(where): return Catalogue.load(where, device)
    found = Catalogue.build(where, replace=True, skip=True, store=Store(), device=device)
    if any(found.counts[name] for name in ("new", "changed", "removed", "lost")): say_counts(where, found.counts)
    return found


@app.command()
def search(
    catalogue: Annotated[str, Anywhere],
    photos: Annotated[Optional[list[Path]], typer.Argument(help="Photos of garments.")] = None,
    text: Annotated[Optional[str], typer.Option(help="Words instead of photos, such as \"red striped shirt\": for a "
                                                "catalogue built with --features openclip:NAME@FILE.")] = None,
    k: Annotated[Optional[int], typer.Option("-k", help="Items wanted; by default ten.")] = None,
    where: Where = None,
    box: Box = None,
    point: Point = None,
    category: Worn = None,
    together: Annotated[bool, typer.Option("--together", help="The photos show one garment.")] = False,
    json_: Annotated[Optional[Path], typer.Option("--json", help="JSON file to write: a list, one object a "
                                                  "photo.")] = None,
    html: Annotated[Optional[Path], typer.Option("--html", help="HTML page to write: photo, outline, cut-out, "
                                                 "answers.")] = None,
    device: Device = "auto",
):
    "Is it in the catalogue? The most similar items of each photo, best first; exit 2 if some could not be searched."
    not_folders(json_, html)
    from fashion_retail.core import BadInput, atomic, some
    where, box, point = _conditions(where), numbers(box, 4, "--box"), numbers(point, 2, "--point")
    from fashion_retail.answers import to_html
    if bool(photos) == (text is not None): raise BadInput("give photos, or --text with words")
    found = _catalogue(catalogue, device)
    if text is not None: return _search_words(found, text, k, where, json_, (html, box, point, category, together))
    answers, failed = [], []
    for photo in [photos] if together else photos:
        try: answers.append(found.search(photo, k, where, box, point, together, category))
        except BadInput as error:
            if len(photos) == 1 or together: raise
            warn(f"fashion-retail: {error}")  # one bad photo among many costs only itself
            failed.append(photo.name)
    for one in answers: print(f"{' + '.join(look.photo for look in one.looks)}\n{one}\n")
    if json_: save_json([one.to_json() for one in answers], json_)
    if html:
        with atomic(html) as tmp: tmp.write_text(to_html(answers), encoding="utf-8")
        print(f"page: {html}")
    if failed:
        warn(f"photos without an answer: {len(failed)} of {len(photos)} ({some(failed, 10)})")
        raise typer.Exit(2)


def _search_words(catalogue, text, k, where, json_, others):
    "The items that fit a sentence, printed and written"
    from fashion_retail.core import BadInput
    from fashion_retail.zero_shot import search_words
    if any(others): raise BadInput("--text goes with -k, --where and --json only: leave the other options out")
    items = search_words(catalogue, text, k or 10, where)
    print(items[["rank", "item_id", "distance"]].round(3).to_string(index=False))
    if json_: save_json(items.to_dict("records"), json_)


catalogues = typer.Typer(no_args_is_help=True, rich_markup_mode=None,
                         help="Make and change catalogues that `search` answers from.")
app.add_typer(catalogues, name="catalogue")


@catalogues.command()
def build(
    source: Source,
    out: Annotated[Path, typer.Option(help="The catalogue's folder; a build that was interrupted goes on.")],
    cutout: Annotated[str, typer.Option(metavar="NAME[@FILE]", help="How a searched photo is cut out; catalogue "
                                        "photos by otsu.")] = "garments",
    features: Annotated[str, typer.Option(metavar="NAME[@FILE]", help="How photos are described.")] = "ranking",
    pattern: Pattern = None,
    replace: Annotated[bool, typer.Option("--replace", help="Remove photos that are not in the source, and vectors "
                                          "that were made otherwise.")] = False,
    workers: Annotated[int, typer.Option(help="Processes that describe the photos; what they have finished is kept in "
                                         "OUT.shards until the end, and found again.")] = 1,
    dask: Annotated[Optional[str], typer.Option(metavar="ADDRESS", help="Describe on the workers of a Dask scheduler "
                                                "instead, such as tcp://10.0.0.1:8786; they need to see the photos "
                                                "under the same paths.")] = None,
    index: Annotated[Optional[str], typer.Option(metavar="milvus://HOST:PORT/COLLECTION", help="Keep the vectors on a "
                                                 "Milvus server; behind a ? shards, replicas and wait, such as "
                                                 "?shards=2&replicas=2. By default in the catalogue's folder.")] = None,
    skip_unreadable: Skip = False,
    device: Device = "auto",
):
    "A catalogue of a folder of photos, or of the catalogue photos of an images table."
    from fashion_retail.catalogue import Catalogue
    from fashion_retail.catalogue_rows import photos_of
    shards, store = out.with_name(out.name + ".shards"), None
    if workers != 1 or dask:
        if index:
            from fashion_retail.milvus import Milvus
            Milvus(out, address=index).reach()  # before the photos are described; `build` asks by itself
        from fashion_retail.scale import describe_in_processes
        rows = photos_of(source, pattern)
        store = describe_in_processes(rows, shards, workers, cutout, features, device, dask=dask)
    made = Catalogue.build(source, out, cutout, features, pattern, replace, skip_unreadable, store, device, index)
    if store: shutil.rmtree(shards, ignore_errors=True)
    say_counts(out, made.counts)
    print(f"{len(made)} items, {len(made.index)} photos")


@catalogues.command()
def add(catalogue: Folder, source: Source, pattern: Pattern = None, skip_unreadable: Skip = False,
        device: Device = "auto"):
    "Add new items; an id that is there with another photo is refused."
    from fashion_retail.catalogue import Catalogue
    say_counts(catalogue, Catalogue.load(catalogue, device).add(source, pattern, skip_unreadable))


@catalogues.command()
def update(catalogue: Folder, source: Source, pattern: Pattern = None, skip_unreadable: Skip = False,
           device: Device = "auto"):
    "Add what is new and replace what has changed."
    from fashion_retail.catalogue import Catalogue
    say_counts(catalogue, Catalogue.load(catalogue, device).update(source, pattern, skip_unreadable))


@catalogues.command()
def remove(catalogue: Folder, items: Annotated[list[str], typer.Argument(help="Item ids.")]):
    "Remove items with all their photos."
    from fashion_retail.catalogue import Catalogue
    print(f"{catalogue}: {Catalogue.load(catalogue).remove(items)} photos removed")


@catalogues.command()
def rebuild(
    catalogue: Folder,
    cutout: Annotated[Optional[str], typer.Option(metavar="NAME[@FILE]", help="Another cut-out than before.")] = None,
    features: Annotated[Optional[str], typer.Option(metavar="NAME[@FILE]", help="Other features than before.")] = None,
    device: Device = "auto",
):
    "Describe all photos again with the weights that are installed now; until the end searches use the old vectors."
    from fashion_retail.catalogue import Catalogue
    found = Catalogue.load(catalogue, device)
    calibrated = found.facts["calibration"]
    say_counts(catalogue, found.rebuild(cutout, features))
    if calibrated:
        warn(f"the calibration was for the old vectors: run fashion-retail catalogue calibrate {catalogue} again")


@catalogues.command()
def info(catalogue: Folder, json_: JsonFile = None):
    "What a catalogue holds and what it was made with."
    not_folders(json_)
    from fashion_retail.catalogue import Catalogue
    opened = Catalogue.load(catalogue)
    found = opened.info()
    for name, value in found.items():
        if isinstance(value, dict): value = ", ".join(f"{key} ({one})" for key, one in value.items())
        print(f"{name}: {value}")
    if json_: save_json(found, json_)
    if said := opened.missing(): warn(said)


@catalogues.command()
def check(catalogue: Folder):
    "Read everything and compare the photos with what was stored; exit 2 when something is wrong."
    from fashion_retail.catalogue import Catalogue
    found = Catalogue.load(catalogue)
    wrong = found.check()
    for one in wrong: warn(f"fashion-retail: {one}")
    if wrong: raise typer.Exit(2)
    print(f"{catalogue}: {len(found)} items, {len(found.index)} photos, nothing is wrong")


@catalogues.command()
def calibrate(catalogue: Folder, images: Images, split: Split, device: Device = "auto"):
    "Fit the decision, and the vectors where that helps, on snapshots whose items are known."
    from fashion_retail.catalogue import Catalogue
    found = Catalogue.load(catalogue, device).calibrate(images, split)
    print(f"{catalogue}: calibrated on " + ", ".join(f"{key} {value}" for key, value in found.items()))


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
def serve_(
    catalogue: Annotated[str, typer.Argument(metavar="WHERE", help=Anywhere.help)],
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token: Annotated[Optional[Path], typer.Option(metavar="FILE", help="A text file with the secret that allows "
                                                  "changes of items over HTTP; without it there are none.")] = None,
    keep_photos: Annotated[bool, typer.Option("--keep-photos", help="Keep searched photos, without their metadata, so "
                                              "that feedback can be learned from.")] = False,
    feedback: Log = None,
    name: Annotated[Optional[list[str]], typer.Option(help="A host name under which the page is reached, besides "
                                                      "localhost and numbers. Repeatable.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Searches at the same time.")] = 2,
    megabytes: Annotated[float, typer.Option(min=0.1, help="Largest request.")] = 40,
    megapixels: Annotated[float, typer.Option(min=0.1, max=178, help="Largest photo.")] = 50,
    waiting: Annotated[int, typer.Option(min=0, help="Searches that may wait; one more gets status 503.")] = 16,
    seconds: Annotated[float, typer.Option(min=1, help="Longest time of a request.")] = 30,
    log_clients: Annotated[bool, typer.Option("--log-clients", help="Write the addresses of clients into the "
                                              "log.")] = False,
    open_: Open = False,
    device: Device = "auto",
):
    "The search page and the API for a catalogue."
    from fashion_retail.serve import read_token
    from fashion_retail.service import Service
    from fashion_retail.uploads import Limits
    secret = read_token(token) if token else ""
    found = _catalogue(catalogue, device)
    folder = found.path
    if said := found.missing(): warn(said)
    limits = Limits(megabytes=megabytes, megapixels=megapixels, waiting=waiting, seconds=seconds)
    service = Service(folder, workers, device, secret, keep_photos, feedback, name or (), limits=limits)
    _serve(service, host, port, log_clients, open_)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the drawn garments and their catalogue.")] = Path("runs/demo"),
    items: Annotated[int, typer.Option(min=10, help="Garments.")] = 60,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    open_: Open = False,
    device: Device = "auto",
):
    "The search page with a catalogue of drawn garments; searched photos are kept below --out."
    from fashion_retail.catalogue import Catalogue
    from fashion_retail.service import Service
    from fashion_retail.wardrobe import make_wardrobe
    drawn = make_wardrobe(out/"wardrobe", items, 1)
    Catalogue.build(out/"wardrobe", out/"catalogue", replace=True, device=device)
    photos = drawn[drawn.role == "snapshot"].path.tolist()
    examples = photos[1::max(1, len(photos)//4)][:4]
    _serve(Service(out/"catalogue", 2, device, keep_photos=True, examples=examples), host, port, False, open_)


@app.command()
def feedback(
    catalogue: Folder,
    out: OutTable,
    valid: Annotated[float, typer.Option(min=0, max=1, help="Share of the asked items to measure on; the others are "
                                         "for training.")] = 1.0,
    log: Log = None,
):
    """What people asked and answered, as an images table: for evaluate, catalogue calibrate, train-ranking and the
    report."""
    not_folders(out)
    from fashion_retail.catalogue import Catalogue
    from fashion_retail.data import write_table
    from fashion_retail.feedback import feedback_table
    found, left_out = feedback_table(Catalogue.load(catalogue), log, valid)
    write_table(found, out)
    said = found.feedback.value_counts()
    print(f"{out}: {said.get('this', 0)} photos of known items, {said.get('none of these', 0)} of items that are not "
          f"in the catalogue, {(found.role == 'catalogue').sum()} catalogue photos")
    for what, count in left_out.items():
        if count: warn(f"left out: {count} {what}")
