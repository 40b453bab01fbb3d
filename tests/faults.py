"""Inputs as people really have them: each is made, given to the product, and compared with what should happen.

    python tests/faults.py                     tries all of them and writes data/results/faults.csv
    python tests/faults.py --kind 6 --quick    only one kind, without processes and training
    python tests/faults.py --kills 100         kills running commands at random moments and repeats them: data/results/kills.csv

tests/test_inputs.py runs the quick ones. The table is shown in nbs/38_faults.ipynb.
"""
import contextlib, io, json, os, shutil, struct, subprocess, sys, tempfile, time, unicodedata, zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import pandas as pd
from PIL import Image, ImageCms, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
KINDS = {1: "ids", 2: "leaks", 3: "guesses", 4: "what counts as a photo", 5: "metadata and bit depth", 6: "masks",
         7: "one bad photo among many", 8: "reuse by content", 9: "settings and labels", 10: "tables", 11: "surroundings",
         12: "hostile files"}
ALL = []  # of Fault


@dataclass
class Fault:
    kind: int        # of `KINDS`
    name: str        # what the input is
    make: Callable   # folder -> list of arguments of the command, or a function without arguments
    code: int        # exit code that is right
    says: str = ""   # text that must be in the output
    kept: str = ""   # what must be there afterwards, as `kept_by` describes it
    slow: bool = False


def fault(kind, name, make, code=0, says="", kept="", slow=False): ALL.append(Fault(kind, name, make, code, says, kept, slow))


# Making inputs ------------------------------------------------------------------------------------------------------------

def picture(seed, width=64, height=48):
    "A garment of one color on a light ground, both with some grain; and its mask"
    draw = np.random.default_rng(seed)
    image = np.clip(215 + draw.normal(0, 6, (height, width, 3)), 0, 255)
    mask = np.zeros((height, width), bool)
    mask[height//6:height - height//6, width//5 + seed % 5:width - width//5] = True
    mask[:height//3, width//2 - width//16:width//2 + width//16] = False
    image[mask] = np.clip(draw.integers(20, 200, 3) + draw.normal(0, 12, (mask.sum(), 3)), 0, 255)
    return image.astype(np.uint8), mask


def toy(folder, n=4, split="valid"):
    "Catalogue photos c0…, snapshots s0… of the same garments, masks, and the rows of their table"
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(n):
        image, mask = picture(i)
        other = np.clip(np.roll(image, 3, 1).astype(int) + np.random.default_rng(100 + i).integers(-9, 9, image.shape), 0, 255)
        Image.fromarray(image).save(folder/f"c{i}.png")
        Image.fromarray(other.astype(np.uint8)).save(folder/f"s{i}.png")
        Image.fromarray(np.roll(mask, 3, 1)).save(folder/f"s{i}.m.png")
        rows += [dict(image_id=f"c{i}", item_id=f"i{i}", role="catalogue", path=f"c{i}.png", split=split, mask_path=""),
                 dict(image_id=f"s{i}", item_id=f"i{i}", role="snapshot", path=f"s{i}.png", split=split, mask_path=f"s{i}.m.png")]
    return pd.DataFrame(rows)


def evaluate(folder, *more, features="color_histogram", cutout="none"):
    return ["evaluate", "--images", folder/"images.csv", "--split", "valid", "--cutout", cutout, "--features", features,
            "--out", folder/"e.json", "--ranks", folder/"r.csv", *more]


def changed(change=None, text=None, more=(), **options):
    "A maker: the toy table after `change(table, folder)`, or its CSV text after `text(text)`, evaluated"
    def make(folder):
        table = toy(folder)
        if change is not None:
            found = change(table, folder)
            table = table if found is None else found
        written = table.to_csv(index=False)
        if text is not None: written = text(written)
        (folder/"images.csv").write_bytes(written if isinstance(written, bytes) else written.encode())
        return evaluate(folder, *more, **options)
    return make


def cells(**values):
    "A change: cells of rows by number, such as item_id={1: 'x'}"
    def change(table, folder):
        for column, cell in values.items():
            for row, value in cell.items(): table.loc[row, column] = value
    return change


def folders(shop, phone, *more, after=None):
    "A maker: two folders of photos with these names, joined by `table`"
    def make(folder):
        for role, names in (("shop", shop), ("phone", phone)):
            (folder/role).mkdir(parents=True)
            for i, name in enumerate(names):
                path = folder/role/name if isinstance(name, str) else Path(os.fsdecode(os.fsencode(folder/role) + b"/" + name))
                path.parent.mkdir(parents=True, exist_ok=True)
                image = Image.fromarray(picture(zlib.crc32(os.fsencode(role + str(name))))[0])
                image.save(path, format=None if path.suffix.lower() in Image.registered_extensions() else "JPEG")
        if after: after(folder)
        return ["table", "--catalogue", folder/"shop", "--snapshots", folder/"phone", "--out", folder/"images.csv", *more]
    return make


def segment(*names, method="otsu"):
    return lambda folder: ["segment", *[folder/o for o in names], "--out", folder/"out", "--method", method]


# Trying them --------------------------------------------------------------------------------------------------------------

def run(args):
    "Exit code and output of the command, in this process"
    from fashion_retail import cli, core
    core._said_before.clear()
    out, before = io.StringIO(), sys.argv
    sys.argv = ["fashion-retail", *map(str, args)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out): cli.main()
        code = 0
    except SystemExit as end: code = end.code or 0
    finally: sys.argv = before
    return code, out.getvalue()


def call(function):
    "The same for a function of the library"
    from fashion_retail import core
    core._said_before.clear()
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try: return 0, f"{function() or ''}\n{out.getvalue()}"
        except core.BadInput as error: return 2, f"{out.getvalue()}fashion-retail: {error}\n"


def kept_by(args, folder):
    "What a command has left, in a few words"
    from fashion_retail.data import BadInput, read_table
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError, BadInput):
        if args[0] == "evaluate":
            found = json.loads((folder/"e.json").read_text())
            return f"{found['n_queries']} queries, top-1 {found['top1']:.2f}"
        if args[0] == "table":
            with contextlib.redirect_stderr(io.StringIO()): table = read_table(folder/"images.csv")
            known = sorted({o for o in table.item_id if not o.startswith("not in")})
            return f"{(table.role == 'catalogue').sum()} + {(table.role == 'snapshot').sum()} photos of {' '.join(known)}"
        if args[0] == "segment": return f"{len(list((folder/'out').glob('*.mask.png')))} masks"
    return ""


def try_fault(found, folder):
    "One row of the table: what happened"
    folder = Path(folder)
    started = time.time()
    args = found.make(folder)
    if callable(args): code, text = call(args)
    else: code, text = run(args)
    lines = [o for o in text.splitlines() if o.strip()]
    sentences = [o for o in lines if o.startswith("fashion-retail: ")] or [o for o in lines if found.says and found.says in o]
    kept = lines[0] if callable(args) and code == 0 and lines else "" if callable(args) else kept_by(args, folder)
    right = (code == found.code and found.says in text and "Traceback" not in text and (not found.kept or kept == found.kept)
             and (code != 2 or len([o for o in lines if o.startswith("fashion-retail: ")]) >= 1))
    said = (sentences[-1] if sentences else "").replace(str(folder) + "/", "").replace(str(folder), ".").removeprefix("fashion-retail: ")
    said, name = (o.encode("utf-8", "backslashreplace").decode() for o in (said, found.name))
    return dict(kind=KINDS[found.kind], input=name, command=args[0] if not callable(args) else "library", code=code,
                sentence=said, kept=kept, right=right, seconds=round(time.time() - started, 2)), text


# 1. Ids ---------------------------------------------------------------------------------------------------------------------

FOUR = "4 queries, top-1 1.00"
for name in ("NA", "null", "nan", "None", "N/A", "", "007", "1e5", "True", "-", "=1+1", "a,b", "a;b", "a|b", 'a"b', "a/b", "../up", "👕 M", "x"*300):
    if name: fault(1, f"item called {name[:20]}", changed(cells(item_id={0: name, 1: name})), 0, kept=FOUR)
    if name: fault(1, f"photo called {name[:20]}", changed(cells(image_id={1: name})), 0, kept=FOUR)
fault(1, "item with a blank at its end in one row", changed(cells(item_id={1: "i0 "})), 0, kept=FOUR)
fault(1, "item with a no-break space", changed(cells(item_id={1: "\u00a0i0"})), 0, kept=FOUR)
fault(1, "item with a zero-width space", changed(cells(item_id={1: "i0\u200b"})), 0, kept=FOUR)
fault(1, "item in NFC and NFD", changed(cells(item_id={0: "Gr\u00fcn", 1: "Gru\u0308n"})), 0, kept=FOUR)
fault(1, "ids 1 and 01 are two items", changed(cells(item_id={0: "1", 1: "1", 2: "01", 3: "01"})), 0, kept=FOUR)
fault(1, "item with a line break", changed(cells(item_id={0: "a\nb", 1: "a\nb"})), 2, "row 2")
fault(1, "item with a tab", changed(cells(item_id={1: "i\t0"})), 2, "row 3")
fault(1, "item with an escape sequence", changed(cells(item_id={1: "\x1b[31mi0"})), 2, "row 3")
fault(1, "the same photo id after trimming", changed(cells(image_id={1: "c0 "})), 2, "image_id c0 stands more than once")
fault(1, "empty photo id", changed(cells(image_id={1: "  "})), 2, "image_id is empty in row 3")
fault(1, "empty item", changed(cells(item_id={1: ""})), 2, "item_id is empty in row 3")


def frame(change, use="select"):
    "A maker: a DataFrame after `change`, given to a function of the library"
    def make(folder):
        from fashion_retail import data
        table = toy(folder)
        for column in ("path", "mask_path"): table[column] = [str(folder/o) if o else np.nan for o in table[column]]
        found = change(table)
        table = table if found is None else found
        def select(): return f"{len(data.select(table, 'valid', 'snapshot'))} rows"
        def write():
            data.write_table(table, folder/"images.csv")
            back = data.read_table(folder/"images.csv")
            return f"{len(back)} rows, {(back.mask_path != '').sum()} masks"
        def check(): return f"{len(data.check_table(table))} rows"
        return dict(select=select, write=write, check=check)[use]
    return make


def changes(column, value):
    def change(table): table[column] = pd.Series(value, dtype=object) if isinstance(value, np.ndarray) else value
    return change


fault(1, "DataFrame with NaN for missing masks", frame(lambda table: None), 0, kept="4 rows")
fault(1, "DataFrame with NaN, written and read", frame(lambda table: None, "write"), 0, kept="8 rows, 4 masks")
fault(1, "DataFrame with None for missing masks", frame(lambda table: table.replace({np.nan: None}), "write"), 0, kept="8 rows, 4 masks")
fault(1, "DataFrame with numbers as items", frame(changes("item_id", [0, 0, 1, 1, 2, 2, 3, 3]), "write"), 0, kept="8 rows, 4 masks")
fault(1, "DataFrame with floats as items", frame(changes("item_id", [0., 0, 1, 1, 2, 2, 3, 3]), "write"), 0, kept="8 rows, 4 masks")
fault(1, "DataFrame with categories", frame(lambda table: table.astype({"role": "category", "split": "category"}), "write"), 0, kept="8 rows, 4 masks")
fault(1, "DataFrame with Path objects", frame(lambda table: table.assign(path=[Path(o) for o in table.path]), "write"), 0, kept="8 rows, 4 masks")
fault(1, "DataFrame with another index", frame(lambda table: table.set_index(pd.Index(list("stuvwxyz"))), "write"), 0, kept="8 rows, 4 masks")
fault(1, "DataFrame with a missing item", frame(changes("item_id", ["i0", None, *["i1"]*6]), "check"), 2, "item_id is empty in row 3")
fault(1, "DataFrame with half a character in an id", frame(changes("image_id", np.array(["\udce9", *"bcdefgh"], object)), "check"), 2, "row 2")
fault(1, "DataFrame with two columns of one name", frame(lambda table: pd.concat([table, table[["role"]]], axis=1), "check"), 2, "two columns called role")
fault(1, "DataFrame without rows", frame(lambda table: table[:0], "check"), 2, "no rows")
fault(1, "a list instead of a DataFrame", frame(lambda table: table.to_dict("records"), "check"), 2, "give a DataFrame")


# 2. Leaks -------------------------------------------------------------------------------------------------------------------

def linked(how, name="s0.png"):
    def change(table, folder):
        (folder/name).unlink()
        if how == "copy": shutil.copy(folder/"c0.png", folder/name)
        elif how == "link": (folder/name).symlink_to("c0.png")
        else: os.link(folder/"c0.png", folder/name)
    return change


SELF = "the very file of a catalogue photo"
fault(2, "one path as query and answer", changed(cells(path={1: "c0.png"})), 0, SELF)
fault(2, "one path, written in two ways", changed(cells(path={1: "./../t/c0.png"})), 0, SELF)
fault(2, "a copy under another name", changed(linked("copy")), 0, SELF)
fault(2, "a symbolic link", changed(linked("link")), 0, SELF)
fault(2, "a hard link", changed(linked("hard")), 0, SELF)
fault(2, "a copy of another item's photo", changed(linked("copy", "s3.png")), 0, SELF)
fault(2, "one file in two splits", changed(lambda table, folder: table.assign(
    split=["train"]*2 + ["valid"]*6, path=["s1.png" if o == 1 else p for o, p in enumerate(table.path)])), 2, "same file in two splits")
fault(2, "an item in two splits", changed(cells(split={0: "train"})), 2, "in two splits")
fault(2, "a photographer in two splits", changed(lambda table, folder: table.assign(split=["train"]*2 + ["valid"]*6, group="ann")), 2, "in two splits")
fault(2, "an item in two splits, with a blank", changed(cells(split={0: "train"}, item_id={1: "i0 "})), 2, "in two splits")


def copy_of(source, target, **save):
    def after(folder):
        image = Image.open(folder/source)
        (folder/target).parent.mkdir(parents=True, exist_ok=True)
        if save: image.convert("RGB").save(folder/target, **save)
        else: shutil.copy(folder/source, folder/target)
    return after


fault(2, "a catalogue photo among the snapshots", folders(["a.jpg", "b.jpg"], ["a_1.jpg"], after=copy_of("shop/b.jpg", "phone/b_1.jpg")), 0,
      "same file as a catalogue photo, left out: 1", "2 + 1 photos of a b")
fault(2, "the catalogue's folder inside the snapshots'", lambda folder: [*folders(["a.jpg", "b.jpg"], ["a_1.jpg"], after=lambda f: shutil.move(
    f/"shop", f/"phone"/"shop"))(folder)[:2], folder/"phone"/"shop", "--snapshots", folder/"phone", "--out", folder/"images.csv"], 0,
    "not taken as snapshot photos: 2", "2 + 1 photos of a b")
fault(2, "the snapshots' folder inside the catalogue's", lambda folder: [*folders(["a.jpg", "b.jpg"], ["a_1.jpg"], after=lambda f: shutil.move(
    f/"phone", f/"shop"/"phone"))(folder)[:3], "--snapshots", folder/"shop"/"phone", "--out", folder/"images.csv"], 0,
    "not taken as catalogue photos: 1", "2 + 1 photos of a b")
fault(2, "one folder for both", lambda folder: [*folders(["a.jpg"], ["a_1.jpg"])(folder)[:3], "--snapshots", folder/"shop"/".", "--out", folder/"images.csv"],
      2, "both folders")
fault(2, "a link to the catalogue in the snapshots' folder", folders(["a.jpg", "b.jpg"], ["a_1.jpg"], after=lambda f: (f/"phone"/"x").symlink_to(
    f/"shop")), 0, "same file as a catalogue photo, left out: 2", "2 + 1 photos of a b")
for what, save in {"another quality": dict(quality=70), "PNG": dict(format="PNG"), "WebP": dict(format="WEBP", quality=80)}.items():
    ending = save.get("format", "jpg").lower()
    fault(2, f"a catalogue photo saved again as {what}", folders(["a.jpg", "b.jpg"], ["a_1.jpg"], after=copy_of("shop/b.jpg", f"phone/b_1.{ending}", **save)),
          0, "saved twice (suspects, kept): 1", "2 + 2 photos of a b")
def resaved(table, folder):
    Image.open(folder/"c2.png").save(folder/"s2.jpg", quality=85)
    return table.assign(path=table.path.replace("s2.png", "s2.jpg"), mask_path="")


fault(2, "evaluate: a catalogue photo saved again as a query", changed(resaved), 0, "saved again (suspects, counted), such as s2 = c2", "4 queries, top-1 1.00")
fault(2, "one snapshot under two items", folders(["a.jpg", "b.jpg"], ["a_1.jpg"], after=copy_of("phone/a_1.jpg", "phone/b_1.jpg")), 0,
      "same file as one of another item, kept: 1", "2 + 2 photos of a b")


# 3. Guesses -----------------------------------------------------------------------------------------------------------------

SHIRTS = ["shirt.jpg", "shirt-red.jpg", "shirt-blue.jpg"]
fault(3, "names that begin with another one", folders(SHIRTS, ["shirt_1.jpg", "shirt-red_1.jpg", "shirt-blue_1.jpg"]), 0,
      "name and number: 3", "3 + 3 photos of shirt shirt-blue shirt-red")
fault(3, "the same, --strict", folders(SHIRTS, ["shirt_1.jpg", "shirt-red_1.jpg", "shirt-blue_1.jpg"], "--strict"), 0,
      kept="3 + 3 photos of shirt shirt-blue shirt-red")
fault(3, "a color that the catalogue lacks", folders(SHIRTS, ["shirt-green_1.jpg", "shirt-red_1.jpg"]), 0, "name and words (a guess): 1")
fault(3, "the same, --strict", folders(SHIRTS, ["shirt-green_1.jpg", "shirt-red_1.jpg"], "--strict"), 2, "guesses are needed")
fault(3, "a view of the back", folders(["A17.jpg", "A17_back.jpg", "B2.jpg"], ["A17 (2).jpg", "B2-1.jpg"]), 0, "merged into one item (a guess): 1", "3 + 2 photos of A17 B2")
fault(3, "the same, --strict", folders(["A17.jpg", "A17_back.jpg", "B2.jpg"], ["A17 (2).jpg", "B2-1.jpg"], "--strict"), 2, "guesses are needed")
fault(3, "numbered catalogue names with snapshots of their own", folders(["coat.jpg", "coat-2.jpg"], ["coat_1.jpg", "coat-2_1.jpg"]), 0,
      kept="2 + 2 photos of coat coat-2")
fault(3, "numbered catalogue photos of one item", folders(["coat.jpg", "coat-2.jpg", "hat.jpg"], ["coat_1.jpg", "hat_1.jpg"]), 0,
      "merged into one item (a guess): 1", "3 + 2 photos of coat hat")
fault(3, "A170 is not A17", folders(["A17.jpg", "A170.jpg"], ["A17_1.jpg", "A170_1.jpg"]), 0, kept="2 + 2 photos of A17 A170")
fault(3, "capitals", folders(["A17.jpg", "B2.jpg"], ["a17_1.JPG", "B2_1.jpg"]), 0, "ignoring capitals (a guess): 1", "2 + 2 photos of A17 B2")
fault(3, "capitals that would be two items", folders(["A17.jpg", "a17.jpg", "b.jpg"], ["a17_1.jpg", "b_1.jpg"]), 0, kept="3 + 2 photos of A17 a17 b")
fault(3, "letters in NFD", folders(["Gr\u00fcn.jpg"], ["Gru\u0308n_1.jpg"]), 0, kept="1 + 1 photos of Gr\u00fcn")
fault(3, "a blank before the ending", folders(["A17 .jpg"], ["A17_1.jpg"]), 0, kept="1 + 1 photos of A17")
fault(3, "a snapshot of an unknown item", folders(["A17.jpg"], ["A17_1.jpg", "C9.jpg"]), 0, "not in the catalogue: 1", "1 + 2 photos of A17")
fault(3, "no name in common", folders(["A17.jpg"], ["IMG_2001.jpg"]), 2, "no snapshot shares an id")
fault(3, "ids by an expression", folders(["x/A17.jpg", "y/B2.jpg"], ["x/IMG_1.jpg", "y/IMG_1.jpg"], "--id", "^([xy])/", "--strict"), 0, "matched by --id: 4",
      "2 + 2 photos of x y")
fault(3, "an expression without group", folders(["A17.jpg"], ["A17_1.jpg"], "--id", "A17"), 2, "has no group")
fault(3, "a broken expression", folders(["A17.jpg"], ["A17_1.jpg"], "--id", "("), 2, "no regular expression")
fault(3, "an expression that fits nothing", folders(["A17.jpg"], ["A17_1.jpg"], "--id", "(zz)"), 2, "no snapshot shares an id")
fault(3, "a share of 1.5 for valid", folders(["A17.jpg"], ["A17_1.jpg"], "--valid", "1.5"), 2, "at most 1")
fault(3, "one item split in two", folders(["A17.jpg"], ["A17_1.jpg"], "--valid", "0.5"), 2, "no row can be split off")


# 4. What counts as a photo ---------------------------------------------------------------------------------------------------

PAIR, TWO = (["a.jpg", "b.jpg"], ["a_1.jpg", "b_1.jpg"]), "2 + 2 photos of a b"
for hidden in ("._a.jpg", ".ipynb_checkpoints/a_1.jpg", "__MACOSX/a_1.jpg", "@eaDir/a_1.jpg", ".trash/a_1.jpg", ".a_1.jpg"):
    fault(4, f"hidden: {hidden}", folders(PAIR[0], [*PAIR[1], hidden]), 0, "hidden files and folders, passed over: 1", TWO)
for ending in "JPG jpeg JPE jfif PNG webp TIF tiff BMP gif".split():
    fault(4, f"ending .{ending}", folders(PAIR[0], ["a_1.jpg", f"b_1.{ending}"]), 0, kept=TWO)
for ending in ("heic", "HEIF", "avif"):
    fault(4, f"ending .{ending}", folders(PAIR[0], [*PAIR[1], f"b_2.{ending}"]), 0, kept="2 + 3 photos of a b")
for made in ("a_1.mask.png", "a_1.MASK.PNG", "a_1.cutout.png"):
    fault(4, f"{made} beside a photo", folders(PAIR[0], [*PAIR[1], made]), 0, kept=TWO)
for other in ("film.MOV", "notes.txt", "raw.dng", "table.csv", "noending"):
    fault(4, f"{other} beside photos", folders(*PAIR, after=lambda f, o=other: (f/"phone"/o).write_bytes(b"no photo")), 0, "left out; no format of photos", TWO)
fault(4, "a folder called x.jpg", folders(*PAIR, after=lambda f: (f/"phone"/"x.jpg").mkdir()), 0, kept=TWO)
fault(4, "photos in a folder called x.jpg", folders(PAIR[0], ["a_1.jpg", "x.jpg/b_1.jpg"]), 0, kept=TWO)
fault(4, "a linked folder", folders(PAIR[0], ["a_1.jpg"], after=lambda f: (toy(f/"t", 1), shutil.copy(f/"t"/"s0.png", f/"t"/"b_1.png"), (f/"t"/"c0.png").unlink(),
                                    (f/"t"/"s0.png").unlink(), (f/"t"/"s0.m.png").unlink(), (f/"phone"/"l").symlink_to(f/"t"))), 0, kept=TWO)
fault(4, "a link to the folder above", folders(*PAIR, after=lambda f: (f/"phone"/"l").symlink_to("..")), 0, kept=TWO)
fault(4, "a link that leads nowhere", folders(*PAIR, after=lambda f: (f/"phone"/"c.jpg").symlink_to("gone.jpg")), 0, "lead nowhere", TWO)
fault(4, "a pipe called x.jpg", folders(*PAIR, after=lambda f: os.mkfifo(f/"phone"/"x.jpg")), 0, "no files, left out: 1", TWO)
fault(4, "a name that is not UTF-8", folders(PAIR[0], [*PAIR[1], b"b_caf\xe9.jpg"]), 0, "not UTF-8, left out; rename them: 1", TWO)
fault(4, "a name with a line break", folders(PAIR[0], [*PAIR[1], "b_\n2.jpg"]), 0, "control character, left out; rename them: 1", TWO)
fault(4, "a HEIC file with nothing behind its head", folders(*PAIR, after=lambda f: (f/"phone"/"b_2.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(80))), 0, "", TWO)
fault(4, "half a photo", folders(*PAIR, after=lambda f: (f/"phone"/"b_2.jpg").write_bytes(jpeg_with(b"Exif\0\0")[:900])), 0, "cannot be read, left out: 1", TWO)
fault(4, "an ending .mpo", folders(PAIR[0], ["a_1.jpg", "b_1.mpo"]), 0, kept=TWO)
fault(4, "an empty folder", folders(PAIR[0], []), 2, "holds no photos")
fault(4, "only films", folders(PAIR[0], [], after=lambda f: (f/"phone"/"a.mov").write_bytes(b"x")), 2, "1 .mov files")
fault(4, "a folder that is missing", lambda folder: ["table", "--catalogue", folder/"x", "--snapshots", folder/"y", "--out", folder/"o.csv"], 2, "is no folder")


# 5. Metadata and bit depth ---------------------------------------------------------------------------------------------------

def chunk(name, data, good=True):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data) if good else 1)


def encoded(image, **options):
    out = io.BytesIO()
    image.save(out, **options)
    return out.getvalue()


def png_with(*chunks):
    data = encoded(Image.fromarray(picture(1)[0]), format="PNG")
    return data[:33] + b"".join(chunks) + data[33:]


def jpeg_with(segment, marker=b"\xff\xe1", image=None):
    data = encoded(image or Image.fromarray(picture(1)[0]), format="JPEG", quality=98, subsampling=0)
    return data[:2] + marker + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def field(tag, kind, count, value): return struct.pack("<HHI", tag, kind, count) + value


def exif(*fields, order=b"II*\0", extra=b""):
    return b"Exif\0\0" + order + struct.pack("<I", 8) + struct.pack("<H", len(fields)) + b"".join(fields) + bytes(4) + extra


def swapped_profile():
    "A color profile called sRGB that exchanges red and green"
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.find(b"rXYZ"), profile.find(b"gXYZ")
    profile[red:red+4], profile[green:green+4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def reads(data, name="x.jpg", like=1, tolerance=6, channels=None):
    "A maker: a file with these bytes must be read as the toy picture `like`"
    def make(folder):
        from fashion_retail.data import load_image
        folder.mkdir(parents=True, exist_ok=True)
        (folder/name).write_bytes(data() if callable(data) else data)
        def read():
            image, truth = load_image(folder/name), picture(like)[0]
            if channels == "gray": truth = np.asarray(Image.fromarray(truth).convert("L").convert("RGB"))
            elif channels: truth = truth[..., channels]
            if image.shape != truth.shape: return f"{image.shape[1]}×{image.shape[0]} pixels"
            difference = np.abs(image.astype(int) - truth).mean()
            return "the picture" if difference < tolerance else f"another picture ({difference:.0f})"
        return read
    return make


SAME = "the picture"
GRAY = picture(1)[0].mean(2)
TURN = field(274, 3, 1, b"\6\0\0\0")
LYING = Image.fromarray(picture(1)[0]).transpose(Image.Transpose.ROTATE_90)
damaged = {
    "EXIF that is no EXIF (JPEG)": jpeg_with(b"Exif\0\0junkjunk"),
    "EXIF that is no EXIF (PNG)": png_with(chunk(b"eXIf", b"junkjunk")),
    "EXIF cut off after its header": jpeg_with(b"Exif\0\0II*\0\x08\0\0\0"),
    "EXIF that points beyond its end": jpeg_with(b"Exif\0\0II*\0\xff\xff\0\0"),
    "EXIF with a field longer than the file": jpeg_with(exif(field(700, 7, 2**31 - 1, b"\x40\0\0\0"))),
    "EXIF with an unknown type": jpeg_with(exif(field(271, 99, 1, bytes(4)))),
    "EXIF orientation 0": jpeg_with(exif(field(274, 3, 1, bytes(4)))),
    "EXIF orientation 9": jpeg_with(exif(field(274, 3, 1, b"\x09\0\0\0"))),
    "EXIF orientation as text": jpeg_with(exif(field(274, 2, 4, b"six\0"))),
    "EXIF raw profile that is not hexadecimal": png_with(chunk(b"tEXt", b"Raw profile type exif\0\nexif\n20\nzz-not-hex")),
    "text chunk with a wrong check sum": png_with(chunk(b"tEXt", b"Comment\0abc", good=False)),
    "text chunk of 90 MB in 90 kB": lambda: png_with(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(90_000_000), 9))),
    "text chunk that does not unpack": png_with(chunk(b"zTXt", b"Comment\0\0not packed")),
    "iTXt chunk without separators": png_with(chunk(b"iTXt", b"xxxxxxx")),
    "color profile cut off": png_with(chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(b"half of a profile")[:9])),
    "color profile of zero bytes": png_with(chunk(b"iCCP", b"x\0\0" + zlib.compress(b""))),
    "color profile of a printer in an RGB photo": lambda: encoded(Image.fromarray(picture(1)[0]), format="PNG", icc_profile=b"prtrCMYK"*40),
    "pHYs chunk of the wrong length": png_with(chunk(b"pHYs", b"\0")),
    "MPF block that is damaged": jpeg_with(b"MPF\0junk", b"\xff\xe2"),
    "Photoshop block that is damaged": jpeg_with(b"Photoshop 3.0\x008BIM\x04\x04\0\0\xff\xff\xff\xff", b"\xff\xed"),
    "XMP that is no XML": jpeg_with(b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta"),
    "WebP with junk as EXIF": lambda: encoded(Image.fromarray(picture(1)[0]), format="WEBP", lossless=True, exif=b"junkjunk"),
}
for what, data in damaged.items(): fault(5, what, reads(data), 0, kept=SAME)
for what, extra in {"a rational out of range": field(282, 10, 1, struct.pack("<I", 60)), "an endless field": field(700, 9, 999_999, b"\1\0\0\0"),
                    "a field of an unknown type": field(271, 99, 1, bytes(4))}.items():
    fault(5, f"orientation beside {what}", reads(jpeg_with(exif(TURN, extra, extra=struct.pack("<iI", -2**31, 0)), image=LYING)), 0, kept=SAME)
fault(5, "orientation in XMP only", reads(jpeg_with(b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description '
                                                    b'tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>', image=LYING)), 0, kept=SAME)
for value in range(2, 9):
    from PIL.ImageOps import exif_transpose
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[value]  # the transposition that the orientation undoes
    fault(5, f"orientation {value}", reads(jpeg_with(exif(field(274, 3, 1, struct.pack("<I", value))),
                                                     image=Image.fromarray(picture(1)[0]).transpose(Image.Transpose(undo)))), 0, kept=SAME)
exchanged = [1, 0, 2]
fault(5, "a profile called sRGB that is none", reads(lambda: encoded(Image.fromarray(picture(1)[0]), format="PNG", icc_profile=swapped_profile()),
                                                     channels=exchanged, tolerance=12), 0, kept=SAME)
fault(5, "a profile on a palette image", reads(lambda: encoded(Image.fromarray(picture(1)[0]).quantize(256), format="PNG", icc_profile=swapped_profile()),
                                               channels=exchanged, tolerance=14), 0, kept=SAME)
fault(5, "the profile of sRGB", reads(lambda: encoded(Image.fromarray(picture(1)[0]), format="PNG", icc_profile=ImageCms.ImageCmsProfile(
    ImageCms.createProfile("sRGB")).tobytes())), 0, kept=SAME)
fault(5, "CMYK", reads(lambda: encoded(Image.fromarray(picture(1)[0]).convert("CMYK"), format="JPEG", quality=98, subsampling=0)), 0, kept=SAME)
fault(5, "Lab in TIFF", reads(lambda: encoded(ImageCms.profileToProfile(Image.fromarray(picture(1)[0]), ImageCms.createProfile("sRGB"), ImageCms.createProfile(
    "LAB"), outputMode="LAB"), format="TIFF"), tolerance=9), 0, kept=SAME)
fault(5, "transparent everywhere", reads(lambda: encoded(Image.fromarray(np.dstack([picture(1)[0], np.zeros((48, 64), np.uint8)])), format="PNG")), 0,
      "transparent everywhere", SAME)
for bits in (8, 10, 12, 14, 16):
    deep = (GRAY/255*(2**bits - 1)).round().astype(np.uint16)
    fault(5, f"gray of {bits} bits in 16", reads(lambda d=deep: encoded(Image.fromarray(d), format="PNG"), channels="gray", tolerance=9), 0, kept=SAME)
fault(5, "gray of 12 bits in TIFF", reads(lambda: encoded(Image.fromarray((GRAY/255*4095).round().astype(np.uint16)), format="TIFF"), channels="gray",
                                          tolerance=9), 0, "12 bits", SAME)
for what, scale in {"0 to 1": 1/255, "0 to 255": 1, "HDR of 0 to 20": 20/255}.items():
    fault(5, f"float gray, {what}", reads(lambda s=scale: encoded(Image.fromarray((GRAY*s).astype(np.float32)), format="TIFF"), channels="gray", tolerance=40), 0, kept=SAME)


def with_cv2(pixels, ending):
    import cv2
    return cv2.imencode(ending, pixels[..., ::-1])[1].tobytes()


fault(5, "three floats a pixel, HDR", reads(lambda: with_cv2(picture(1)[0].astype(np.float32)/255*8, ".tiff"), tolerance=40), 0, "HDR", SAME)
fault(5, "three channels of 12 bits in PNG", reads(lambda: with_cv2(picture(1)[0].astype(np.uint16)*16, ".png")), 0, "12 bits", SAME)
fault(5, "three channels of 16 bits in TIFF", reads(lambda: with_cv2(picture(1)[0].astype(np.uint16)*257, ".tiff")), 0, kept=SAME)
fault(5, "NaN in a float picture", reads(lambda: encoded(Image.fromarray(np.where(np.arange(64) < 2, np.nan, GRAY/255).astype(np.float32)), format="TIFF"),
                                         channels="gray", tolerance=20), 0, kept=SAME)


# 6. Masks -------------------------------------------------------------------------------------------------------------------

def mask_file(draw, name="m.png", exif_turn=None, square=False, **save):
    "A maker: a mask drawn by `draw(image, mask)` must be read as the toy mask"
    def make(folder):
        from fashion_retail.masks import load_pair
        folder.mkdir(parents=True, exist_ok=True)
        image, mask = picture(1, 64, 64 if square else 48)
        photo = Image.fromarray(image)
        if exif_turn:
            undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[exif_turn]
            tag = Image.Exif()
            tag[274] = exif_turn
            photo.transpose(undo).save(folder/"p.jpg", quality=98, exif=tag)
            drawn = draw(image, mask, undo)
        else:
            photo.save(folder/"p.jpg", quality=98)
            drawn = draw(image, mask)
        drawn.save(folder/name, **save)
        def read():
            found = load_pair(folder/"p.jpg", folder/name)[1]
            both = (found & mask).sum()/max(1, (found | mask).sum())
            return f"IoU {both:.2f}"
        return read
    return make


def L(mask, high=255, low=0): return Image.fromarray(np.where(mask, high, low).astype(np.uint8))
def colors(mask, garment, ground): return Image.fromarray(np.where(mask[..., None], garment, ground).astype(np.uint8))
def with_alpha(image, alpha): return Image.fromarray(np.dstack([image, np.asarray(alpha, np.uint8)]))


GOOD = "IoU 1.00"
for what, draw in {
    "0 and 255": lambda image, mask: L(mask), "one bit": lambda image, mask: Image.fromarray(mask), "three equal channels": lambda image, mask: L(mask).convert("RGB"),
    "four channels, opaque": lambda image, mask: L(mask).convert("RGBA"), "a palette of black and white": lambda image, mask: L(mask).convert("P"),
    "16 bits": lambda image, mask: Image.fromarray(mask.astype(np.uint16)*65535), "0 and 254": lambda image, mask: L(mask, 254), "2 and 250": lambda image, mask: L(mask, 250, 2),
    "0 and 200": lambda image, mask: L(mask, 200), "a cut-out with transparency": lambda image, mask: with_alpha(image*mask[..., None], mask*255),
    "the photo with transparency": lambda image, mask: with_alpha(image, mask*255), "white with transparency": lambda image, mask: with_alpha(image*0 + 255, mask*255),
    "black with transparency": lambda image, mask: with_alpha(image*0, mask*255), "gray and transparency": lambda image, mask: L(mask*0 + 128).convert("LA").copy() if False
    else Image.merge("LA", [L(mask*0, 0, 128), L(mask)])}.items():
    fault(6, what, mask_file(draw), 0, kept=GOOD)
fault(6, "a palette with a transparent color", mask_file(lambda image, mask: L(mask).convert("P"), "m.gif", transparency=0), 0, kept=GOOD)
fault(6, "JPEG", mask_file(lambda image, mask: L(mask), "m.jpg", quality=75), 0, kept=GOOD)
fault(6, "smoothed edges", mask_file(lambda image, mask: L(mask).resize((128, 96), Image.Resampling.BICUBIC).resize((64, 48), Image.Resampling.BILINEAR)), 0)
fault(6, "empty", mask_file(lambda image, mask: L(mask*0)), 0, kept="IoU 0.00")
for what, (draw, says) in {
    "0 and 1": (lambda image, mask: L(mask, 1), "from 0 to 1"), "0 and 1 in 16 bits": (lambda image, mask: Image.fromarray(mask.astype(np.uint16)), "from 0 to 1"),
    "0 and 100": (lambda image, mask: L(mask, 100), "from 0 to 100"), "100 and 200": (lambda image, mask: L(mask, 200, 100), "the values 100, 200"),
    "three levels": (lambda image, mask: Image.fromarray((np.where(mask, 255, 0) + 128*(np.arange(64) < 9)).clip(0, 255).astype(np.uint8)), "the values 0, 128, 255"),
    "red and green": (lambda image, mask: colors(mask, (0, 255, 0), (255, 0, 0)), "the colors"), "red on black": (lambda image, mask: colors(mask, (255, 0, 0), 0), "the colors"),
    "yellow on white": (lambda image, mask: colors(mask, (255, 255, 0), 255), "the colors"),
    "a palette of black and dark red": (lambda image, mask: colors(mask, (128, 0, 0), 0).quantize(2), "the colors"),
    "the photo itself": (lambda image, mask: Image.fromarray(image), "a color picture"), "the photo in gray": (lambda image, mask: Image.fromarray(image).convert("L"), "values"),
    "the cut-out on white": (lambda image, mask: Image.fromarray(np.where(mask[..., None], image, 255)), "a color picture"),
    "a soft heat map": (lambda image, mask: L(mask).resize((4, 3), Image.Resampling.BOX).resize((64, 48), Image.Resampling.BICUBIC), "values"),
    "another size": (lambda image, mask: L(mask).resize((32, 24)), "32×24 pixels"), "height and width exchanged": (lambda image, mask: L(mask.T), "48×64 pixels")}.items():
    fault(6, what, mask_file(draw), 2, says)
for turn in (3, 6, 8):
    fault(6, f"upright mask of a square photo with orientation {turn}", mask_file(lambda image, mask, undo: L(mask), exif_turn=turn, square=True), 0, kept=GOOD)
    fault(6, f"mask of the photo before the turn, square, orientation {turn}", mask_file(lambda image, mask, undo: L(mask).transpose(undo), exif_turn=turn, square=True),
          2, "before the turn")
fault(6, "mask of the photo before the turn, upside down", mask_file(lambda image, mask, undo: L(mask).transpose(undo), exif_turn=3), 2, "before the turn")
fault(6, "mask of the photo before the turn", mask_file(lambda image, mask, undo: L(mask).transpose(undo), exif_turn=6), 2, "48×64 pixels")
for what, draw in {"a page": lambda f: (f/"m.png").write_text("<html>"), "nothing": lambda f: (f/"m.png").write_bytes(b""), "a folder": lambda f: (f/"m.png").mkdir()}.items():
    def make(folder, draw=draw):
        from fashion_retail.masks import load_mask
        folder.mkdir(parents=True, exist_ok=True)
        draw(folder)
        return lambda: load_mask(folder/"m.png")
    fault(6, f"{what} in place of a mask", make, 2)


# 9. Labels (settings of commands: below) --------------------------------------------------------------------------------------

for what, text in {"no JSON": '["bg",', "a dictionary": '{"0": "bg"}', "one class": '["bg"]', "two classes of one name": '["a", "a"]', "a number": '["a", 1]',
                   "an empty list": "[]", "an empty file": "", "an empty name": '["bg", " "]', "not UTF-8": b'["bg", "caf\xe9"]', "only void beside background": '["bg", "void"]'}.items():
    def make(folder, text=text):
        from fashion_retail.masks import read_classes
        folder.mkdir(parents=True, exist_ok=True)
        (folder/"labels.json").write_bytes(text if isinstance(text, bytes) else text.encode())
        return lambda: read_classes(folder/"labels.json")
    fault(9, f"labels.json: {what}", make, 2, "labels.json")


def labelled(names, numbers, mode=None):
    def make(folder):
        from fashion_retail.masks import load_labels, read_classes
        folder.mkdir(parents=True, exist_ok=True)
        (folder/"labels.json").write_text(json.dumps(names))
        array = np.zeros((8, 8), np.uint8)
        array.flat[:len(numbers)] = numbers
        image = Image.fromarray(array)
        (image.convert(mode) if mode else image).save(folder/"l.png")
        return lambda: " ".join(map(str, sorted(set(load_labels(folder/"l.png", read_classes(folder/"labels.json")).flat))))
    return make


fault(9, "labels with 255 as void", labelled(["bg", "shirt"], [1, 255]), 0, kept="0 1 255")
fault(9, "labels with a class called void", labelled(["bg", "void", "shirt"], [1, 2]), 0, kept="0 1 255")
fault(9, "labels with a class called Ignore, last", labelled(["bg", "shirt", "Ignore"], [1, 2]), 0, kept="0 1 255")
fault(9, "labels in a palette image", labelled(["bg", "shirt"], [1], "P"), 0, kept="0 1")
fault(9, "labels with a class too many", labelled(["bg", "shirt"], [2]), 2, "class 2")
fault(9, "labels with colors", labelled(["bg", "shirt"], [1], "RGB"), 2, "hold colors")


# 10. Tables -----------------------------------------------------------------------------------------------------------------

table_texts = {
    "as it should be": (lambda t: t, ""), "semicolons": (lambda t: t.replace(",", ";"), "separated by semicolons"), "tabs": (lambda t: t.replace(",", "\t"), "separated by tabs"),
    "bars": (lambda t: t.replace(",", "|"), "separated by bars"), "sep= and commas": (lambda t: "sep=,\n" + t, ""), "sep= and semicolons": (lambda t: "sep=;\r\n" + t.replace(",", ";"), "semicolons"),
    "a byte-order mark": (lambda t: t.encode("utf-8-sig"), ""), "UTF-16": (lambda t: t.replace(",", "\t").encode("utf-16"), "UTF-16"), "CRLF": (lambda t: t.replace("\n", "\r\n"), ""),
    "CR only": (lambda t: t.replace("\n", "\r"), ""), "capitals in the header": (lambda t: t.replace("image_id,item_id,role", "Image_ID,ITEM_ID,Role"), "image_id (Image_ID)"),
    "blanks in the header": (lambda t: t.replace("image_id,item_id", " image id , item-id"), "column names"), "quoted": (lambda t: "\n".join(",".join(f'"{c}"' for c in r.split(",")) for r in t.splitlines()), ""),
    "roles with capitals": (lambda t: t.replace("catalogue", "Catalogue"), ""), "catalog": (lambda t: t.replace("catalogue", "catalog"), "catalog is read as catalogue"),
    "val": (lambda t: t.replace("valid", "val"), "val is read as valid"), "blanks behind values": (lambda t: t.replace(",catalogue,", ",catalogue ,").replace("valid", "valid "), ""),
    "empty columns": (lambda t: t.replace("\n", ",,\n"), ""), "surplus separators in one row": (lambda t: t.replace("c0.png,valid,\n", "c0.png,valid,,,,\n"), "more fields"),
    "empty lines": (lambda t: t.replace("\n", "\n\n"), ""), "empty rows at the end": (lambda t: t + ",,,,,\n,,,,,\n", ""), "row numbers of pandas": (lambda t: "\n".join(f"{i - 1 if i else ''},{r}" for i, r in enumerate(t.splitlines())), "no name"),
    "formulas of Excel": (lambda t: t.replace(",i0,", ',="i0",'), "formulas"), "backslashes": (lambda t: t.replace(",c0.png", ",.\\c0.png"), ""),
    "no last line break": (lambda t: t.rstrip("\n"), ""), "an extra column": (lambda t: "\n".join(f"{r},{'fabric' if not i else 'a;b'}" for i, r in enumerate(t.splitlines())), "")}
for what, (text, says) in table_texts.items(): fault(10, what, changed(text=text), 0, says, FOUR)
refused_texts = {
    "an unquoted comma": (lambda t: t.replace("c0.png,valid,", "c0.png,valid,,a,b"), "row 2 has"), "a missing quotation mark": (lambda t: t.replace("c1,i1", '"c1,i1'), "row 4"),
    "no header": (lambda t: t.split("\n", 1)[1], "lacks the column"), "colons": (lambda t: t.replace(",", ":"), "lacks the column"), "only a header": (lambda t: t.split("\n")[0], "no rows"),
    "nothing": (lambda t: "", "is empty"), "zero bytes": (lambda t: "\0"*100, "zero bytes"), "two columns of one name": (lambda t: t.replace("split", "Role"), "two columns called role"),
    "Latin-1": (lambda t: t.replace("i0", "caf\u00e9").encode("latin-1"), "not UTF-8 (row 2"), "a workbook": (lambda t: b"PK\3\4junk", "Excel workbook"),
    "a web page": (lambda t: "<html><body>404</body></html>", "lacks the column"), "an unknown role": (lambda t: t.replace("s0,i0,snapshot", "s0,i0,phone"), "role is 'phone' in row 3"),
    "an unknown split": (lambda t: t.replace("s0.png,valid", "s0.png,dev"), "split is 'dev' in row 3"), "a row cut off": (lambda t: t.replace("s0,i0,snapshot,s0.png,valid", "s0,i0,snapshot"), "split is empty in row 3"),
    "a field of 200,000 characters": (lambda t: t.replace("c0,", "c0" + "x"*200_000 + ",", 1), "row 2"), "a photo that is missing": (lambda t: t.replace(",c0.png", ",gone.png"), "does not exist"),
    "no snapshots": (lambda t: t.replace("snapshot", "catalogue"), "no rows with"), "a missing column": (lambda t: t.replace("split", "fold"), "lacks the column split")}
for what, (text, says) in refused_texts.items(): fault(10, what, changed(text=text), 2, says)
fault(10, "a folder in place of a table", lambda folder: (folder.mkdir(parents=True), evaluate(folder))[1], 2, "no images table")
fault(10, "a path name in another Unicode form", changed(lambda table, folder: (os.rename(folder/"s0.png", folder/"gru\u0308n.png"),
                                                         table.assign(path=["gr\u00fcn.png" if o == "s0.png" else o for o in table.path]))[1]), 0, kept=FOUR)


# 12. Hostile files ------------------------------------------------------------------------------------------------------------

def bomb(width, height, mode=2): # a PNG of zeros, whose pixels are not all there
    header = struct.pack(">IIBBBBB", width, height, 8, mode, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


def gif_bomb(): return b"GIF89a" + struct.pack("<HH", 65000, 65000) + b"\0\0\0" + b",\0\0\0\0" + struct.pack("<HH", 65000, 65000) + b"\0\x02\x02L\x01\0;"


hostile = {"a bomb of 900 megapixels (PNG)": (bomb(30000, 30000), "megapixels"), "a bomb of 4 gigapixels (GIF)": (gif_bomb(), "megapixels"),
           "a panorama of 300 megapixels": (bomb(30000, 10000), "300 megapixels"), "a web page": (b"<!DOCTYPE html><html>404", "is a web page"),
           "a drawing in SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is an SVG drawing"), "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is PostScript"),
           "PDF": (b"%PDF-1.7\n", "is a PDF"), "a film": (b"\0\0\0\x18ftypmp42" + bytes(50), "is a video"), "JSON": (b'{"error": 404}', "is JSON"),
           "a pointer of Git LFS": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"), "an archive": (b"PK\3\4" + bytes(60), "is a ZIP archive"),
           "half a JPEG": (jpeg_with(b"Exif\0\0")[:900], "cannot be read"), "only the start of a JPEG": (b"\xff\xd8\xff", "cannot be read"),
           "noise": (np.random.default_rng(0).integers(0, 255, 5000, np.uint8).tobytes(), "cannot be read"), "nothing": (b"", "is empty"),
           "a PNG without pixels": (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)) + chunk(b"IEND", b""), "cannot be read"),
           "a picture of 0 × 0": (bomb(0, 0), "cannot be read"), "one pixel": (encoded(Image.new("RGB", (1, 1)), format="PNG"), "too small"),
           "1 × 400 pixels": (encoded(Image.new("RGB", (1, 400)), format="PNG"), "too small")}
for what, (data, says) in hostile.items():
    def make(folder, data=data):
        toy(folder, 1)
        (folder/"x.jpg").write_bytes(data)
        return segment("x.jpg", "s0.png")(folder)
    fault(12, f"{what}, called .jpg", make, 2, says, "1 masks")


def animated(kind, **save):
    def data():
        frames = [Image.fromarray(picture(i)[0]) for i in (1, 2, 3)]
        if kind == "GIF": frames = [o.quantize(255) for o in frames]
        return encoded(frames[0], format=kind, save_all=True, append_images=frames[1:], **save)
    return data


for kind in ("GIF", "PNG", "WEBP", "TIFF"):
    save = dict(lossless=True) if kind == "WEBP" else {}
    fault(12, f"three pictures in one {kind}", reads(animated(kind, **save), f"x.{kind.lower()}", tolerance=9), 0, "the first is taken", SAME)
fault(12, "two pictures of a phone in one file (MPO)", reads(animated("MPO", quality=98), "x.jpg"), 0, kept=SAME)
for width, height in ((20, 4000), (4000, 20), (4, 4)):
    fault(12, f"a photo of {width} × {height} pixels", lambda folder, w=width, h=height: (folder.mkdir(parents=True, exist_ok=True), Image.fromarray(
        picture(1, w, h)[0]).save(folder/"x.png"), segment("x.png")(folder))[2], 0, kept="1 masks")


# 7. One bad photo among many ------------------------------------------------------------------------------------------------

HALF = jpeg_with(b"Exif\0\0")[:900]
BAD = {"half a file": HALF, "nothing": b"", "a web page": b"<html>", "1 pixel wide": encoded(Image.new("RGB", (1, 40)), format="PNG"), "missing": None}
SKIP = "--skip-unreadable"


def spoil(folder, name, data):
    if data is None: (folder/name).unlink()
    else: (folder/name).write_bytes(data)


def tables(folder, n=8):
    "A table with train and valid rows; the first snapshot of each split is to be spoiled"
    table = toy(folder, n)
    table["split"] = ["train"]*(n) + ["valid"]*n
    table.to_csv(folder/"images.csv", index=False)
    return table


def with_bad(args, data=HALF, names=("s0.png",)):
    "A maker: the table of `tables` with spoiled photos, and the arguments `args(folder)`"
    def make(folder):
        tables(folder)
        for name in names: spoil(folder, name, data)
        return args(folder)
    return make


for what, data in BAD.items():
    gone = data is None
    fault(7, f"segment: {what} among three", with_bad(segment("s0.png", "s1.png", "s2.png"), data), 2, "photos without a mask: 1 of 3", "2 masks")
    fault(7, f"segment {SKIP}: {what} among three", with_bad(lambda f: [*segment("s0.png", "s1.png", "s2.png")(f), SKIP], data), 0, "photos without a mask: 1 of 3", "2 masks")
    fault(7, f"evaluate: {what}", changed(lambda table, folder, d=data: spoil(folder, "s0.png", d)), 2, "s0.png")
    fault(7, f"evaluate {SKIP}: {what}", changed(lambda table, folder, d=data: spoil(folder, "s0.png", d), more=[SKIP]), 0, "left out: 1", "3 queries, top-1 1.00")
    fault(7, f"evaluate {SKIP}: {what}, in the catalogue", changed(lambda table, folder, d=data: spoil(folder, "c0.png", d), more=[SKIP]), 0, "left out: 1",
          "3 queries, top-1 1.00")


def label(*more): return lambda folder: ["label", folder/"images.csv", "--out", folder/"out", "--start", "otsu", *more]
def score(*more): return lambda folder: ["score", "--images", folder/"images.csv", "--split", "valid", "--method", "otsu", "--out", folder/"s.json", *more]


fault(7, "a photo whose name is too long for the output", lambda folder: (toy(folder), shutil.copy(folder/"s1.png", folder/("x"*250 + ".png")), segment(
    "x"*250 + ".png", "s0.png")(folder))[2], 2, "photos without a mask: 1 of 2", "1 masks")
fault(7, "evaluate: a blank photo and HOG", changed(lambda table, folder: Image.new("RGB", (64, 48), "white").save(folder/"s0.png"), features="hog"), 2, "s0")
fault(7, f"evaluate {SKIP}: a blank photo and HOG", changed(lambda table, folder: Image.new("RGB", (64, 48), "white").save(folder/"s0.png"), more=[SKIP], features="hog"), 0,
      "left out: 1")
fault(7, "evaluate: all photos are bad", changed(lambda table, folder: [spoil(folder, f"s{i}.png", HALF) for i in range(4)] and None, more=[SKIP]), 2, "can be read")
for shape in ((20, 4000), (4000, 20), (5, 5)):
    fault(7, f"evaluate: a photo of {shape[0]} × {shape[1]} pixels", changed(lambda table, folder, s=shape: Image.fromarray(picture(9, *s)[0]).save(folder/"s0.png"),
                                                                             cutout="otsu", features="hog"), 0)
fault(7, "score: a bad photo", with_bad(score(), names=("s4.png",)), 2, "s4.png")
fault(7, f"score {SKIP}: a bad photo", with_bad(score(SKIP), names=("s4.png",)), 0, "left out: 1")
fault(7, f"score {SKIP}: a bad mask", with_bad(score(SKIP), data=b"no mask", names=("s4.m.png",)), 0, "left out: 1")

SMALL = [f"--set=training.{o}" for o in ("epochs=1", "size=32", "batch_size=2", "n_filters_first_conv=8", "growth_rate=4", "n_layers_per_block=[1,1,1]", "encoder=''")]
RANK = [f"--set=deep_ranking.{o}" for o in ("epochs=1", "size=32", "batch_size=4", "cutout=none")]


def train(*more): return lambda folder: ["train", "--images", folder/"images.csv", "--out", folder/"out", "--device", "cpu", *SMALL, *more]
def train_ranking(*more): return lambda folder: ["train-ranking", "--images", folder/"images.csv", "--out", folder/"out", "--device", "cpu", *RANK, *more]


fault(7, "train: a bad photo", with_bad(train()), 2, "s0.png")
fault(7, f"train {SKIP}: a bad photo", with_bad(train(SKIP)), 0, "left out: 1", slow=True)
fault(7, f"train {SKIP}: a bad mask", with_bad(train(SKIP), data=b"no mask", names=("s0.m.png",)), 0, "left out: 1", slow=True)
fault(7, "train-ranking: a bad photo", with_bad(train_ranking()), 2, "s0.png")
fault(7, f"train-ranking {SKIP}: a bad photo", with_bad(train_ranking(SKIP)), 0, "left out: 1", slow=True)


# 8. Reuse by content ---------------------------------------------------------------------------------------------------------

def twice(first, change, second, same_as=None):
    "A maker: a command, a change, the command again; the result must be the one of a fresh folder"
    def make(folder):
        tables(folder)
        def both():
            code, text = run(first(folder))
            assert not code, text
            change(folder)
            code, text = run(second(folder))
            assert not code, text
            kept = left(folder)
            fresh = folder.with_name("fresh")
            shutil.copytree(folder, fresh, ignore=shutil.ignore_patterns("out", "*.json"))
            before = os.environ.get("FASHION_RETAIL_CACHE")
            os.environ["FASHION_RETAIL_CACHE"] = str(folder.with_name("cache"))
            code, text = run(second(fresh))
            if before is None: del os.environ["FASHION_RETAIL_CACHE"]
            else: os.environ["FASHION_RETAIL_CACHE"] = before
            assert not code, text
            return "as made afresh" if left(fresh) == kept else "something else"
        return both
    return make


def left(folder):
    "What the command wrote, but times and places"
    found = {}
    for path in sorted([*(folder/"out").rglob("*"), *folder.glob("*.json")]):
        if path.name.startswith(".part-"): continue  # what a kill left of a file
        if path.suffix == ".png": found[path.name] = path.read_bytes()
        if path.suffix == ".json":
            values = json.loads(path.read_text())
            found[path.name] = {k: v for k, v in values.items() if "second" not in k and k not in ("n_cached", "environment", "refine_ms_median")}
        if path.name == "images.csv": found[path.name] = pd.read_csv(path, dtype=str)[["image_id", "mask_source", "certainty"]].sort_values("image_id").to_csv()
    return found


def retake(folder):
    for i in (0, 4):
        image = np.asarray(Image.open(folder/f"s{i}.png"))
        Image.fromarray(np.roll(image, 9, 1)).save(folder/f"s{i}.png")


def touch(folder):
    for path in folder.glob("*.png"): os.utime(path, (1e9, 1e9))


def no_masks(folder):
    table = pd.read_csv(folder/"images.csv", dtype=str, keep_default_na=False)
    table.assign(mask_path="").to_csv(folder/"images.csv", index=False)


def unlabeled(args): return lambda folder: (no_masks(folder), args(folder))[1]
def measured(cut="otsu", features="color_histogram"):
    return lambda folder: ["evaluate", "--images", folder/"images.csv", "--split", "valid", "--cutout", cut, "--features", features, "--out", folder/"e.json"]


AFRESH = "as made afresh"
fault(7, "label: a bad photo", with_bad(unlabeled(label())), 2, "s0")
fault(7, f"label {SKIP}: a bad photo", with_bad(unlabeled(label(SKIP))), 0, "left out: 1")
fault(8, "label, photos taken again, label", twice(unlabeled(label()), retake, label()), 0, kept=AFRESH)
fault(8, "label, photos with another date, label", twice(unlabeled(label()), touch, label()), 0, kept=AFRESH)
fault(8, "label with Otsu, then with GrabCut", twice(unlabeled(label()), lambda f: None, lambda f: [*label()(f)[:-1], "grabcut"]), 0)
fault(8, "label, a mask thrown away, label", twice(unlabeled(label()), lambda f: next((f/"out").rglob("s0.png")).unlink(), label()), 0, kept=AFRESH)
fault(8, "evaluate, photos taken again, evaluate", twice(measured(), retake, measured()), 0, kept=AFRESH)
fault(8, "evaluate, masks drawn again, evaluate", twice(measured("mask"), lambda f: Image.fromarray(np.roll(np.asarray(Image.open(f/"s4.m.png")), 9, 0)).save(
    f/"s4.m.png"), measured("mask")), 0, kept=AFRESH)
fault(8, "evaluate with another cut-out", twice(measured("none"), lambda f: None, measured("grabcut")), 0, kept=AFRESH)
fault(8, "evaluate, two photos exchanged, evaluate", twice(measured(), lambda f: (os.rename(f/"s4.png", f/"x"), os.rename(f/"s5.png", f/"s4.png"), os.rename(f/"x", f/"s5.png")),
                                                           measured()), 0, kept=AFRESH)
fault(8, "evaluate with a store that is damaged", twice(measured(), lambda f: [o.write_bytes(b"x"*5000) for o in Path(os.environ["FASHION_RETAIL_CACHE"]).glob("*.sqlite")],
                                                        measured()), 0, kept=AFRESH)


# 9. Settings -----------------------------------------------------------------------------------------------------------------

for setting, says in {"batch_size=0": "batch_size", "batch_size=-1": "batch_size", "size=0": "size", "dropout=1.5": "dropout", "dropout=-0.1": "dropout", "growth_rate=0": "growth_rate",
                      "seed=-1": "seed", "max_train=-1": "max_train", "learning_rate=0": "learning_rate", "learning_rate=.nan": "learning_rate", "learning_rate=-1e-3": "learning_rate",
                      "learning_rate=fast": "learning_rate", "epochs=0": "epochs", "epochs=1.5": "epochs", "epochs=": "epochs", "n_layers_per_block=[]": "n_layers_per_block",
                      "n_layers_per_block=[0,0,0]": "n_layers_per_block", "n_filters_first_conv=0": "n_filters_first_conv", "patience=-1": "patience", "average=2": "average",
                      "encoder=resnet": "encoder", "nonsense=1": "nonsense", "split=nowhere": "split"}.items():
    fault(9, f"train: {setting}", with_bad(train(f"--set=training.{setting}"), names=()), 2, says)
fault(9, "train: --device tpu", with_bad(train("--device", "tpu"), names=()), 2, "device")
for text in ("learning_rate", "=1", "training.=1", "a.b.c=1", "training=1", "training.size=[", "training.size: 32"):
    fault(9, f"train: --set {text}", with_bad(train(f"--set={text}"), names=()), 2)


def number(text, setting="training.learning_rate"):
    def make(folder):
        from fashion_retail.profiles import override, plan_run
        return lambda: repr(plan_run(override({}, [f"{setting}={text}"]))["03_training"][setting.split(".")[1]])
    return make


for text, value in {"1e-3": "0.001", "5E-4": "0.0005", "1": "1", ".5": "0.5", "0.01": "0.01"}.items(): fault(9, f"learning_rate={text}", number(text), 0, kept=value)
for text, value in {"010": "10", "1e2": "100", "64.0": "64", "1_00": "100", "+8": "8"}.items(): fault(9, f"size={text}", number(text, "training.size"), 0, kept=value)
for text in ("0,5", "1e", "10%", "ten", "[1]", "true", "2026-01-01"): fault(9, f"learning_rate={text}", number(text), 2, "learning_rate")
for what, text in {"no YAML": "a: [", "a list": "- 1", "a text": "hello", "nothing": "", "not UTF-8": b"a: \xe9", "an unknown section": "x:\n  y: 1", "an unknown value": "y: 1"}.items():
    def make(folder, text=text):
        tables(folder)
        (folder/"p.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return train("--profile", folder/"p.yaml")(folder)
    fault(9, f"a profile that is {what}" if " " in what or what == "nothing" else what, make, 2)


# 11. Surroundings --------------------------------------------------------------------------------------------------------------

SCRIPT = "import sys; from fashion_retail.cli import main; main()"


def process(args, before="", **environment):
    "A maker: the command in a process of its own, with other surroundings; `before` is Python to run first"
    def make(folder):
        toy(folder).to_csv(folder/"images.csv", index=False)
        def start():
            changed = {k: v.format(folder=folder) for k, v in environment.items() if v is not None}
            kept = {k: v for k, v in os.environ.items() if environment.get(k, "") is not None}
            known = kept | dict(PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])) | changed
            done = subprocess.run([sys.executable, "-c", before.format(folder=folder) + "\n" + SCRIPT, *map(str, args(folder))], env=known, cwd=folder, capture_output=True, timeout=300)
            text = (done.stdout + done.stderr).decode("utf-8", "replace")
            if "Traceback" in text or done.returncode not in (0, 2): raise RuntimeError(text)
            if done.returncode == 2: from_product(text)
            return f"exit code 0"
        return start
    return make


def from_product(text):
    from fashion_retail.core import BadInput
    raise BadInput(next(o for o in text.splitlines() if o.startswith("fashion-retail: ")).removeprefix("fashion-retail: "))


def named(folder):
    shutil.copy(folder/"s0.png", folder/"gr\u00fcn \U0001f455.png")
    shutil.copy(folder/"s1.png", os.fsencode(folder) + b"/caf\xe9.png")
    return ["segment", folder/"gr\u00fcn \U0001f455.png", folder/os.fsdecode(b"caf\xe9.png"), "--out", folder/"out", "--method", "otsu"]


OK = "exit code 0"
histogram = lambda folder: evaluate(folder)
fault(11, "standard output in ASCII, names in UTF-8 and Latin-1", process(named, PYTHONIOENCODING="ascii"), 0, kept=OK, slow=True)
fault(11, "LC_ALL=C, names in UTF-8 and Latin-1", process(named, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"), 0, kept=OK, slow=True)
fault(11, "TMPDIR that is missing", process(histogram, TMPDIR="/nowhere/at/all"), 0, kept=OK, slow=True)
fault(11, "TMPDIR with a long name", process(histogram, before="import os; os.makedirs(os.environ['TMPDIR'], exist_ok=True)", TMPDIR="{folder}/" + "x"*200), 0, kept=OK, slow=True)
fault(11, "HOME and cache that cannot be written", process(histogram, HOME="/proc/nowhere", FASHION_RETAIL_CACHE="/proc/nowhere/cache", XDG_CACHE_HOME="/proc/nowhere"), 0, kept=OK, slow=True)
fault(11, "no HOME", process(histogram, HOME=None), 0, kept=OK, slow=True)
fault(11, "no git, empty PATH", process(histogram, PATH="/nowhere"), 0, kept=OK, slow=True)
fault(11, "relative paths from another folder", process(lambda folder: ["evaluate", "--images", "images.csv", "--split", "valid", "--cutout", "none", "--features", "color_histogram",
                                                                        "--out", "e.json"]), 0, kept=OK, slow=True)
fault(11, "a disk that is full (label)", process(lambda folder: ["label", folder/"images.csv", "--out", folder/"out", "--start", "otsu"], before="import resource, signal; signal.signal("
      "signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"), 2, "cannot write", slow=True)
fault(11, "a disk that is full (segment)", process(segment("s0.png", "s1.png"), before="import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit("
      "resource.RLIMIT_FSIZE, (100, 100))"), 2, "cannot write", slow=True)
fault(11, "a disk that is full (evaluate)", process(histogram, before="import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, "
      "(100, 100))"), 2, "cannot write", slow=True)
fault(11, "an output folder below a file", lambda folder: (toy(folder), [*segment("s0.png")(folder)[:2], "--out", folder/"s1.png"/"x", "--method", "otsu"])[1], 2, "cannot write")
fault(11, "an output file in a folder below a file", changed(more=["--out", "/dev/null/x.json"]), 2, "cannot write")
fault(11, "an output file that is a folder", lambda folder: [*changed()(folder), "--out", folder], 2, "is a folder")
fault(11, "the same output from two runs at once", process(histogram, before="import subprocess, sys, os; other = subprocess.Popen([sys.executable, '-c', 'from fashion_retail.cli import main; "
      "main()', *sys.argv[1:]]) if not os.environ.get('SECOND') else None; os.environ['SECOND'] = '1'"), 0, kept=OK, slow=True)
fault(11, "a table in a folder whose name is not UTF-8", lambda folder: (toy(folder/os.fsdecode(b"caf\xe9")).to_csv(folder/os.fsdecode(b"caf\xe9")/"images.csv", index=False), evaluate(
    folder/os.fsdecode(b"caf\xe9")))[1], 2, "not UTF-8")


# Trying all of them --------------------------------------------------------------------------------------------------------------

def main(args):
    kinds = [int(args[args.index("--kind") + 1])] if "--kind" in args else list(KINDS)
    rows, show = [], "-v" in args
    quick = "--quick" in args
    for found in [o for o in ALL if o.kind in kinds and not (quick and o.slow)]:
        with tempfile.TemporaryDirectory() as folder: row, text = try_fault(found, Path(folder)/"t")
        rows.append(row)
        if not row["right"] or show:
            print(f"{'right' if row['right'] else 'WRONG'}: {row['kind']}: {row['input']}: code {row['code']} (right: {found.code}), kept {row['kept']!r} (right: {found.kept!r}), "
                  f"{row['seconds']} s\n    {row['sentence'] or text[-300:]}", flush=True)
    table = pd.DataFrame(rows)
    print(table.groupby("kind", sort=False).agg(inputs=("input", "size"), right=("right", "sum"), seconds=("seconds", "sum")).to_string())
    if "--kind" not in args and not quick:
        from fashion_retail.core import atomic
        with atomic(ROOT/"data"/"results"/"faults.csv") as tmp: table.drop(columns="seconds").to_csv(tmp, index=False)
    return int(not table.right.all())


if __name__ == "__main__":
    os.environ["FASHION_RETAIL_CACHE"] = tempfile.mkdtemp()
    sys.exit(main(sys.argv[1:]))
