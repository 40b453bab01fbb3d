"The commands about attributes and what to label next: tag, tag-check, tag-benchmark, label-campaign"

from pathlib import Path
from typing import Annotated, Optional

import typer

from .cli_options import (NAME, TABLE, Device, Images, Skip, app, not_folders, read_images, save_csv, say_counts,
                          say_problems, warn)

Columns = Annotated[str, typer.Option(help="Columns of the table, separated by commas, such as pattern,sleeve.")]
Csv = Annotated[Path, typer.Option("--out", help="CSV file to write.")]
Separator = Annotated[str, typer.Option(help="Between several values of a row; a column without it has one value a "
                                        "row.")]
Least = Annotated[int, typer.Option(help="Examples that a value needs to be learned.")]
Cut = Annotated[str, typer.Option("--cutout", help=f"How snapshots are cut out: {NAME}")]


def _names(columns):
    "Column names from a text with commas"
    from fashion_retail.core import BadInput
    found = [name for part in columns.split(",") if (name := part.strip())]
    if not found: raise BadInput("--columns is empty: name at least one column, such as pattern,sleeve")
    return found


def _described(rows, cut, skip, device):
    "The rows whose photos can be read, and their blocks"
    from fashion_retail.attributes import blocks_of
    from fashion_retail.core import BadInput
    from fashion_retail.features import Store
    blocks, problems = blocks_of(rows, cut, Store(), skip, device)
    there = (~rows.image_id.isin(problems)).to_numpy()
    say_problems(problems)
    if not there.any(): raise BadInput("no photo of the table can be read: bring the files")
    return rows[there].reset_index(drop=True), {name: numbers[there] for name, numbers in blocks.items()}


def _learned(rows, columns, cut, skip, device, **settings):
    "A tagger of the shop's own tags; what cannot be learned is said before the photos are read"
    from fashion_retail.attributes import Tagger, known_columns, own_tags, separators_of
    from fashion_retail.core import BadInput
    if settings["least"] < 2: raise BadInput(f"--least {settings['least']} is too few: a value needs 2 examples")
    if not 0 < settings["coverage"] <= 1: raise BadInput(f"--coverage {settings['coverage']} is not within 0 and 1")
    known_columns(rows, columns)
    rows = rows.assign(**{name: own_tags(rows, name) for name in columns})
    separators_of(rows, columns, settings["separator"], settings["least"])
    rows = rows[(rows[columns] != "").any(axis=1)].reset_index(drop=True)
    tagger = Tagger()
    tagger.cut = cut
    rows, blocks = _described(rows, cut, skip, device)
    tagger.fit(rows, columns, blocks, **settings)
    for name, column in tagger.columns.items():
        figures = column.figures
        print(f"{name}: {figures['values']} values from {figures['n']} photos, looks at {figures['choice']}; "
              f"out of fold accuracy {figures['accuracy']:.3f}, macro-F1 {figures['macro_f1']:.3f}, calibration error "
              f"{figures['ece']:.3f}; abstains below {column.threshold:.2f}")
    return tagger


def _apart(train, rows):
    "Raise `BadInput` where rows to be tagged are among those that are learned from; say where their photos are"
    from fashion_retail.core import BadInput, some
    from fashion_retail.data import same_files
    again = rows.image_id[rows.image_id.isin(train.image_id)]
    if len(again):
        raise BadInput(f"{len(again)} photos are in --images and in --predict ({some(again)}): "
                       "take them out of one, or the answers repeat the tags")
    names = same_files([*train.path, *rows.path])
    same = [i for i, name in zip(rows.image_id, names[len(train):]) if name and name in names[:len(train)]]
    if same: warn(f"{len(same)} photos of --predict are in --images under other ids ({some(same)}): tags were seen")


@app.command()
def tag(
    source: Annotated[Optional[str], typer.Argument(metavar="TABLE|CATALOGUE", help="Whose missing values are filled: "
                                                    "an images table, or a catalogue's folder.")] = None,
    columns: Columns = "",
    out: Csv = ...,
    images: Annotated[Optional[str], typer.Option("--images", help=f"Learn from this one instead. {TABLE}")] = None,
    predict: Annotated[Optional[str], typer.Option(help="Answer for every photo of this table: value, probability, "
                                                   "abstained.")] = None,
    fit: Annotated[Optional[str], typer.Option(metavar="SPLIT", help="Learn from this split only.")] = None,
    tagger: Annotated[Optional[Path], typer.Option(metavar="FILE", help="Use what --save wrote instead of "
                                                   "learning; or shipped, which knows sleeve and pattern; or "
                                                   "openclip:NAME@FILE, a CLIP that takes values as words.")] = None,
    values: Annotated[Optional[list[str]], typer.Option(metavar="COLUMN=V1,V2", help="With openclip: the values to "
                                                        "choose from; by default those the column has. "
                                                        "Repeatable.")] = None,
    save: Annotated[Optional[Path], typer.Option(metavar="FILE", help="Keep what was learned (.safetensors).")] = None,
    separator: Separator = "|",
    least: Least = 15,
    coverage: Annotated[float, typer.Option(help="Share of the answers that are given; the least sure others are "
                                            "abstained from and filled nowhere.")] = 0.8,
    named_colors: Annotated[bool, typer.Option("--named-colors", help="Also main_color, second_color and colors, such "
                                               "as `navy with red`, without learning.")] = False,
    cutout: Cut = "tiramisu",
    skip_unreadable: Skip = False,
    device: Device = "auto",
):
    """Learn attributes from tags and fill the missing ones, never overwriting; NAME_source says shop or predicted.
    With --predict: image_id and, for each column, NAME, NAME_probability, NAME_abstained."""
    from fashion_retail.core import BadInput
    not_folders(out, save)
    if (source is None) == (predict is None):
        raise BadInput("give either a table or catalogue to fill, or --predict TABLE")
    if predict and not images and not tagger:
        raise BadInput("--predict needs --images TABLE to learn from, or --tagger FILE")
    settings = dict(separator=separator, least=least, coverage=coverage)
    catalogue, rows = _filled_rows(source or predict, skip_unreadable and not predict)
    names = [] if not columns and (named_colors or tagger) else _names(columns)
    if _by_words(tagger): learned = _zero_shot(tagger, images, rows, names, values, cutout, coverage, device, save)
    elif values: raise BadInput("--values is for --tagger openclip:NAME@FILE: leave it out")
    else: learned = _tagger(tagger, images, rows, names, fit, predict, cutout, skip_unreadable, device, settings)
    names = names or list(learned.columns if learned else [])
    if learned and save: learned.save(save)
    if predict:
        rows, answers = _answers(learned, rows, skip_unreadable, device)
        save_csv(answers, out)
        print(f"{out}: {len(rows)} photos, {', '.join(names)}")
        return
    _fill(rows, learned, names, named_colors, out, catalogue, cutout, skip_unreadable, device)


def _filled_rows(source, skip):
    "A catalogue or None, and the rows of what is to be tagged"
    from fashion_retail.core import BadInput
    from fashion_retail.catalogue_folder import is_catalogue
    if is_catalogue(source):
        from fashion_retail.catalogue import Catalogue
        catalogue = Catalogue.load(source)
        return catalogue, catalogue.photos().assign(role="catalogue", split="train", mask_path="")
    rows = read_images(source, skip)
    if not len(rows): raise BadInput(f"{source} has no rows: give at least one photo")
    return None, rows


def _by_words(tagger):
    return tagger is not None and str(tagger).startswith("openclip:")


def _zero_shot(spec, images, rows, names, values, cut, coverage, device, save):
    "A CLIP that chooses among words: those of --values, or those that the column has in the table"
    from fashion_retail.attributes import own_tags
    from fashion_retail.core import BadInput
    from fashion_retail.zero_shot import ZeroShot
    if save: raise BadInput("nothing is learned with openclip, so there is nothing to --save: leave it out")
    if not names: raise BadInput("--columns is empty: name at least one column, such as pattern,sleeve")
    given = dict(one.partition("=")[::2] for one in values or [])
    if unknown := [o for o in given if o not in names]:
        raise BadInput(f"--values names {unknown[0]}, which --columns lacks: write COLUMN=V1,V2 of one of them")
    table = read_images(images) if images else rows
    def words(name):
        if name in given: return [o for part in given[name].split(",") if (o := part.strip())]
        return sorted(set(own_tags(table, name)) - {""}) if name in table else []
    return ZeroShot(str(spec), {name: words(name) for name in names}, cut, coverage, device)


def _answers(learned, rows, skip, device):
    "The rows that can be read, and the answers of a tagger or of a CLIP"
    from fashion_retail.features import Store
    if hasattr(learned, "predict"):
        rows, blocks = _described(rows, learned.cut, skip, device)
        return rows, learned.predict(rows, blocks)
    answers, problems = learned.answers(rows, Store(), skip)
    say_problems(problems)
    return rows[~rows.image_id.isin(problems)].reset_index(drop=True), answers


def _tagger(file, images, rows, names, fit, predict, cut, skip, device, settings):
    "The tagger to use: a saved one, or one learned now; None where only named colors are wanted"
    from fashion_retail.attributes import Tagger
    from fashion_retail.core import BadInput, some
    if file:
        from fashion_retail.first_tags import SHIPPED_TAGS
        found = Tagger.load(SHIPPED_TAGS if str(file) == "shipped" else file)
        if unknown := [name for name in names if name not in found.columns]:
            raise BadInput(f"{file} has not learned {some(unknown)}: it knows {some(found.columns, 20)}")
        if names: found.columns = {name: found.columns[name] for name in names}
        return found
    if not names: return None
    train = read_images(images, skip) if images else rows
    if predict: _apart(train, rows)
    if fit:
        if "split" not in train or not (train.split == fit).any():
            raise BadInput(f"the table has no rows in split {fit}: choose another split")
        train = train[train.split == fit].reset_index(drop=True)
    return _learned(train, names, cut, skip, device, **settings)


def _fill(rows, learned, names, named_colors, out, catalogue, cut, skip, device):
    "Fill and write; in a catalogue too"
    from fashion_retail.attributes import filled
    from fashion_retail.data import write_table
    if learned:
        missing = [name for name in names if name not in rows]
        rows = rows.assign(**{name: "" for name in missing})
        rows, answers = _answers(learned, rows, skip, device)
        rows = filled(rows, answers, names)
        for name in names:
            counts = rows[f"{name}_source"].value_counts()
            print(f"{name}: {counts.get('shop', 0)} of the shop, {counts.get('predicted', 0)} predicted, "
                  f"{counts.get('', 0)} left empty")
    if named_colors: rows = _with_colors(rows, cut, skip)
    if catalogue: save_csv(rows.drop(columns=["role", "split", "mask_path"]), out)
    else: write_table(rows, out)
    print(f"written: {out}")
    if catalogue: say_counts(catalogue.path, catalogue.update(rows, skip=skip))


def _with_colors(rows, cut, skip):
    "The rows with main_color, second_color and colors"
    from fashion_retail.colors import color_shares, color_words, main_colors
    from fashion_retail.descriptors import Preparation
    from fashion_retail.features import Store, prepared
    found = []
    for done in prepared(rows, Preparation(256, background=None), cut, Store(), skip, desc="colors"):
        colors = main_colors(color_shares(done.square, done.inside)) if not done.problem else {}
        first, second = [*colors, "", ""][:2]
        found.append((first, second, color_words(colors) if colors else ""))
    first, second, words = zip(*found)
    return rows.assign(main_color=first, second_color=second, colors=words)


@app.command()
def tag_check(
    source: Annotated[str, typer.Argument(metavar="TABLE", help=TABLE)],
    columns: Columns,
    out: Csv,
    sheet: Annotated[Optional[Path], typer.Option(help="Contact sheet of the first suspects (.jpg or .png).")] = None,
    count: Annotated[int, typer.Option(help="Photos on the contact sheet.")] = 40,
    separator: Separator = "|",
    least: Least = 15,
    cutout: Cut = "tiramisu",
    skip_unreadable: Skip = False,
    device: Device = "auto",
):
    "Rank the shop's own tags, the most suspicious first: image_id, column, tag, suggested, suspicion."
    from fashion_retail.core import BadInput
    from fashion_retail.tag_check import suspects
    not_folders(out, sheet)
    if count < 1: raise BadInput(f"--count {count} leaves no photo: give at least 1")
    names = _names(columns)
    rows = _filled_rows(source, skip_unreadable)[1]
    tagger = _learned(rows, names, cutout, skip_unreadable, device, separator=separator, least=least, coverage=0.8)
    found = suspects(rows[rows.image_id.isin(tagger.examples.image_id)], names, {}, tagger)
    save_csv(found, out)
    print(f"{out}: {len(found)} tags, {(found.suspicion > 0.95).sum()} with a suspicion above 0.95")
    if sheet: _save_sheet(found, rows, count, sheet)


def _save_sheet(found, rows, count, sheet):
    from fashion_retail.core import atomic
    from fashion_retail.tag_check import suspect_sheet
    figure = suspect_sheet(found, rows, count)
    with atomic(sheet) as tmp: figure.savefig(tmp)
    print(f"contact sheet: {sheet}")


@app.command()
def tag_benchmark(
    images: Images,
    columns: Columns,
    out: Annotated[Path, typer.Option(help="Folder for tags.csv and tag_errors.csv.")],
    seeds: Annotated[int, typer.Option(help="Draws of the swapped tags; 0: no simulation.")] = 1,
    least: Least = 15,
    separator: Separator = "",
    device: Device = "auto",
):
    "Learn attributes from train and judge them on valid; swap 5 % of the tags and measure how early they are found."
    from fashion_retail.attributes import known_columns
    from fashion_retail.tag_check import error_benchmark, tag_benchmark
    names, rows = _names(columns), read_images(images)
    known_columns(rows, names)
    rows, blocks = _described(rows, "tiramisu", False, device)
    found = tag_benchmark(rows, names, blocks, least=least, separator=separator)
    save_csv(found.round(4), out/"tags.csv")
    print(found.round(3).to_string(index=False))
    if not seeds: return
    chosen = dict(zip(found.column, found.choice))
    errors = error_benchmark(rows, names, blocks, range(seeds), chosen=chosen, least=least)
    save_csv(errors.round(4), out/"tag_errors.csv")
    print(errors.round(3).to_string(index=False))


@app.command()
def tag_start(
    images: Images,
    out: Annotated[Path, typer.Option(help="Folder for first_tags.csv, and for the heads that are good enough.")],
    device: Device = "auto",
):
    "Learn tags from photos that may be given away (drawn, magento, fabric) and judge them on another shop (hm)."
    from tempfile import TemporaryDirectory
    from fashion_retail.attributes import groups_of
    from fashion_retail.features import Store
    from fashion_retail.first_tags import (SHIPPED_TAGS, first_benchmark, judge_ready, start_sources, start_tagger,
                                           worth_shipping)
    rows = read_images(images)
    judge_ready(rows)
    rows, blocks = _described(rows, "tiramisu", False, device)
    with TemporaryDirectory() as folder: sources = start_sources(f"{folder}/drawn", store=Store(), device=device)
    tagger = start_tagger(sources)
    found = first_benchmark(tagger, (rows, blocks, groups_of(rows)))
    save_csv(found.round(4), out/"first_tags.csv")
    print(found.round(3).to_string(index=False))
    if not (names := worth_shipping(found)): return print("no head is good enough to be used on another shop")
    tagger.columns = {name: tagger.columns[name] for name in names}
    tagger.examples = tagger.examples[["image_id", *names]]
    tagger.save(out/SHIPPED_TAGS.name)
    print(f"heads of {', '.join(names)}: {out/SHIPPED_TAGS.name}")


@app.command()
def label_campaign(
    images: Images,
    out: Annotated[Path, typer.Option(help="Folder for campaign.csv; the rows of other tasks in it are kept.")],
    task: Annotated[str, typer.Option(help="What is labeled: tags, masks or pairs.")] = "tags",
    columns: Annotated[str, typer.Option(help="For tags: columns of the table, separated by commas.")] = "",
    odd: Annotated[Optional[str], typer.Option(metavar="TABLE", help="For masks: photos of another kind, which become "
                                               "a fifth of the pool.")] = None,
    seeds: Annotated[int, typer.Option(help="Campaigns of each order.")] = 5,
    device: Device = "auto",
):
    "Simulate labeling train in several orders, judged on valid: how many labels does each order need?"
    from fashion_retail.active_learning import labels_needed
    from fashion_retail.core import BadInput
    if seeds < 2: raise BadInput(f"--seeds {seeds} gives no interval: give at least 2")
    if task not in CAMPAIGNS: raise BadInput(f"--task {task} is unknown: use one of {', '.join(CAMPAIGNS)}")
    if columns and task != "tags": raise BadInput("--columns is for tags: leave it out, or use --task tags")
    if odd and task != "masks": raise BadInput("--odd is for masks: leave it out, or use --task masks")
    rows = read_images(images)
    curves = CAMPAIGNS[task](rows, range(seeds), columns=columns, odd=odd, device=device)
    _save_curves(curves, out/"campaign.csv")
    print(labels_needed(curves).round(3).to_string(index=False))
    if task == "masks": print(labels_needed(curves, measure="mean").round(3).to_string(index=False))


def _tag_curves(rows, seeds, columns, device, **_):
    from fashion_retail.active_learning import tag_campaign
    from fashion_retail.attributes import known_columns
    names = _names(columns)
    known_columns(rows, names)
    rows, blocks = _described(rows, "tiramisu", False, device)
    return tag_campaign(rows, names, blocks, seeds)


def _mask_curves(rows, seeds, odd, **_):
    from fashion_retail.campaigns import mask_task, task_campaign
    from fashion_retail.data import checked, select
    rows = checked(select(rows, None, "snapshot", "mask_path"))
    more = select(read_images(odd), "train", "snapshot", "mask_path") if odd else None
    return task_campaign(mask_task(rows, more), "masks", seeds)


def _pair_curves(rows, seeds, **_):
    from fashion_retail.campaigns import pair_task, task_campaign
    from fashion_retail.features import Store
    return task_campaign(pair_task(rows, store=Store()), "pairs", seeds)


CAMPAIGNS = dict(tags=_tag_curves, masks=_mask_curves, pairs=_pair_curves)


def _save_curves(curves, file):
    "Write the curves in the place of the same task's"
    import pandas as pd
    from fashion_retail.campaigns import with_curves
    kept = pd.read_csv(file, keep_default_na=False) if file.is_file() else None
    save_csv(with_curves(kept, curves.round(4)), file)
