"The `fashion-retail` command: its options, and what several commands print and read"
# Plain files, not notebooks: the `cli` modules only parse arguments and call the library, which is imported where it
# is needed, so that `--help` does not wait for torch.

import json
import math
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
                  help="From a phone photo of a garment to the ten most similar catalogue photos, "
                       "with a measured accuracy.")

NAME = "NAME or NAME@FILE, where FILE holds weights; `fashion-retail names` lists the names."
TABLE = "An images table (images.csv), its folder, or a folder's name under the data root."
Images = Annotated[str, typer.Option("--images", help=TABLE)]
Split = Annotated[str, typer.Option(help="train, valid or test.")]
Method = Annotated[str, typer.Option(help=f"The cut-out: {NAME}")]
Skip = Annotated[bool, typer.Option("--skip-unreadable", help="Leave out, name and count photos that cannot be read "
                                    "or described, instead of stopping.")]
OutFile = Annotated[Path, typer.Option("--out", help="JSON file to write.")]
OutTable = Annotated[Path, typer.Option("--out", help="The images table to write, such as images.csv.")]
JsonFile = Annotated[Optional[Path], typer.Option("--json", help="JSON file to write.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Settings = Annotated[Optional[list[str]], typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the "
                                                       "profile; stage.key=value for one stage. Repeatable.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A catalogue's folder.")]
Log = Annotated[Optional[Path], typer.Option(metavar="DIR", help="Folder of the log; by default feedback/ in the "
                                             "catalogue's folder.")]


Box = Annotated[Optional[str], typer.Option("--box", metavar="X0,Y0,X1,Y1", help="The garment that is meant lies in "
                                            "this box, in pixels.")]
Point = Annotated[Optional[str], typer.Option("--point", metavar="X,Y", help="A pixel of the garment that is "
                                                "meant.")]
Worn = Annotated[Optional[str], typer.Option("--category", help="The garment that is meant: upper, lower, "
                                             "whole or other, or a category such as skirt.")]


def warn(text):
    "Print to standard error"
    print(text, file=sys.stderr)


def numbers(text, count, name):
    "Numbers separated by commas"
    from fashion_retail.core import BadInput
    if text is None: return None
    try: found = [float(one) for one in text.split(",")]
    except ValueError: found = []
    if len(found) != count or not all(map(math.isfinite, found)):
        raise BadInput(f"{name} {text} is not {count} numbers separated by commas: give pixels of the photo")
    return found


def save_json(result, out):
    "Write a result to a file"
    from fashion_retail.core import atomic
    with atomic(out) as tmp: tmp.write_text(json.dumps(result, indent=1) + "\n")


def write_json(result, out):
    "Print a result and write it to a file"
    print(json.dumps(result, indent=1))
    save_json(result, out)


def save_csv(table, out):
    "Write a table to a file"
    from fashion_retail.core import atomic
    with atomic(out) as tmp: table.to_csv(tmp, index=False)


def not_folders(*files):
    "Find out before the work, not after it, that a result cannot be written"
    from fashion_retail.core import BadInput
    for file in files:
        if file and file.is_dir(): raise BadInput(f"{file} is a folder: name a file to write to")


def read_images(images, skip=False):
    "An images table, without the photos that cannot be read where they are to be left out; says which"
    from fashion_retail.data import find_table, read_table, without_unreadable
    rows, problems = read_table(find_table(images)), {}
    if skip: rows, problems = without_unreadable(rows)
    say_problems(problems)
    return rows


def say_problems(problems): # image_id -> why
    if problems: warn(f"photos that cannot be read, left out: {len(problems)}")
    for image_id, why in list(problems.items())[:20]: warn(f"  {image_id}: {why}")
    if len(problems) > 20: warn(f"  and {len(problems) - 20} more")


def say_counts(path, counts):
    "What a change of a catalogue did; photos left out are named"
    from fashion_retail.core import some
    words = dict(new="new", changed="changed", same="there already", removed="removed")
    done = [f"{counts[name]} photos {word}" for name, word in words.items() if counts.get(name)]
    print(f"{path}: {', '.join(done) or 'nothing to do'}")
    if counts["whole"]: warn(f"no garment was found on {counts['whole']} of them: those were taken whole")
    if lost := counts["lost"]: warn(f"left out: {len(lost)} photos that cannot be read ({some(lost)})")
