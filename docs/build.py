"""The documentation site, from the executed notebooks and the library's own comments: runs/docs/site.

    python docs/build.py [--pages]     --pages: write the Markdown only

Needs the extra `docs` (mkdocs-material) and no network. Links between the pages are checked: a broken one is an error.
"""
import argparse
import ast
import base64
import html
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT/"runs"/"docs"
PAGES = OUT/"pages"
CHAPTERS = {"From photo to mask": ("00", "10_wardrobe", "01", "02", "03"), "From mask to answer": ("04", "05"),
            "The report": ("06",), "In operation": ("20", "21", "22", "23", "25"),
            "Going deeper": ("10", "11", "12", "13", "14", "15", "16"), "Evidence": ("30", "31", "32", "33", "34", "35", "36", "37", "38", "39")}
KINDS = {"image/png": "png", "image/jpeg": "jpg"}
CARDS = """The weights that come with the package, and what they were made from. Each card is the JSON file beside its weights, with rounded numbers.

| card | what the weights do |
|---|---|
| decision | turn the distances of a search into a probability ([05_decision](notebooks/05_decision.md)) |
| duplicates | turn the comparison of two photos into probabilities ([23_duplicates](notebooks/23_duplicates.md)) |
| first_tags | predict sleeve and pattern for a shop without tags ([13_first_tags](notebooks/13_first_tags.md)) |
| garments | cut out the garment that is meant; the default ([14_garments](notebooks/14_garments.md)) |
| ranking | describe a garment for the search; the default ([12_deep_ranking](notebooks/12_deep_ranking.md)) |
| segmenter | cut out single garments without people, the cut-out `tiramisu` ([03_cutout](notebooks/03_cutout.md)) |

`iou_mean`, `iou_p10` and `top_10` are mean IoU, 10th percentile of IoU and top-10 accuracy, higher is better ([glossary](glossary.md)). \
`tables` are the images tables that were learned from, `valid` has the measurements, `minutes` is the time of the training.
"""


def text_of(cell): return "".join(cell["source"])


def figure(file, caption): # as seen from the page; what it shows
    "HTML of a figure with its caption"
    said = html.escape(caption)
    return f'<figure>\n<img src="{file}" alt="{said}" loading="lazy">\n<figcaption>{said}</figcaption>\n</figure>\n'


def caption_of(before): # the text before a figure
    "What its line `Figure: …` says, otherwise its last sentence"
    found = re.findall(r"^Figure: (.+)$", before, re.M)
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", found[-1]).strip() if found else ""
    return plain[:1].upper() + plain[1:] if plain else sentence(before)


def write(name, text): # a page
    path = PAGES/name
    path.parent.mkdir(parents=True, exist_ok=True)
    boost = {"how-to": 20, "api": 0.1}.get(name.split("/")[0])  # what the site's search shows first
    head = f"---\nsearch:\n  boost: {boost}\n---\n\n" if boost else ""
    path.write_text(head + text.strip() + "\n", encoding="utf-8")


def reading_order():
    "Names of the notebooks in the order of index"
    cells = json.loads((ROOT/"nbs"/"index.ipynb").read_text(encoding="utf-8"))["cells"]
    text = "\n".join(text_of(o) for o in cells)
    names = re.findall(r"\((\w+)\.ipynb\)", text[text.index("| notebook | module"):])
    return [o for o in dict.fromkeys(names) if (ROOT/"nbs"/f"{o}.ipynb").exists()]


def linked(text, here): # Markdown of a notebook; the folder of its page, as seen from the top
    "Links to notebooks become links to pages, links to other files of the repository become plain text"
    up = "../"*here.count("/")
    text = re.sub(r"\]\((?:nbs/)?(\w+)\.ipynb(#[^)]*)?\)", lambda m: f"]({up}index.md)" if m[1] == "index" else f"]({up}notebooks/{m[1]}.md)", text)
    text = re.sub(r"\]\((?:\.\./)?docs/([\w/-]+\.md)\)", rf"]({up}\1)", text)
    text = re.sub(r"(\]\(|src=\")images/", rf"\1{up}notebooks/images/", text)
    text = re.sub(r"^!\[([^\]]*)\]\(([^)]*)\)$", lambda m: figure(m[2], m[1]), text, flags=re.M)
    return re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|[^)]*\.md)[^)]*\)", r"\1", text)


def shown(output, name, number, caption): # an output of a cell; the notebook; which figure; what it shows
    "Markdown, and whether it is a figure"
    data = output.get("data", {})
    for kind, ending in KINDS.items():
        if kind in data:
            file = f"notebooks/{name}-{number}.{ending}"
            (PAGES/file).parent.mkdir(parents=True, exist_ok=True)
            (PAGES/file).write_bytes(base64.b64decode("".join(data[kind])))
            return figure(Path(file).name, caption), file
    if "text/html" in data:
        table = re.sub(r"<style scoped>.*?</style>", "", "".join(data["text/html"]), flags=re.S)
        return re.sub(r"\n\s*", "\n", table).replace(' border="1" class="dataframe"', "").strip() + "\n", None
    text = "".join(data.get("text/plain", output.get("text", "")))
    return (f"```text\n{text.rstrip()}\n```\n" if text.strip() else ""), None


def sentence(markdown): # the last one before a figure, as its caption
    lines = [o for o in markdown.strip().splitlines() if o and not o.startswith(("|", "!", "```", "-", ">"))]
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*#]", r"\1", lines[-1] if lines else "").strip()
    found = re.split(r"(?<=[.:!?])\s", plain)[-1]
    return found.rstrip(":")[:200].replace('"', "'").replace("[", "(").replace("]", ")") or "Figure"


def notebook_page(name): # of a notebook
    "Its page; and its figures, for the gallery"
    cells = json.loads((ROOT/"nbs"/f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    parts, figures, before = [], [], name
    for place, cell in enumerate(cells):
        text = text_of(cell)
        if cell["cell_type"] == "markdown":
            below = itertools.takewhile(lambda o: o["cell_type"] == "code", cells[place + 1:])
            draws = any(KINDS.keys() & o.get("data", {}).keys() for one in below for o in one["outputs"])
            said = re.sub(r"^Figure: .+\n?", "", text, flags=re.M) if draws else text  # it stands below the figure
            parts.append(linked(said, "notebooks/") + "\n")
            before = text
        elif cell["cell_type"] == "code" and not text.startswith("#| default_exp"):
            code = "\n".join(o for o in text.splitlines() if not o.startswith("#|")).strip()
            if code: parts.append(f"```python\n{code}\n```\n")
            for output in cell["outputs"]:
                made, file = shown(output, name, len(figures), caption_of(before))
                parts.append(made)
                if file: figures.append((file, caption_of(before)))
    write(f"notebooks/{name}.md", "\n".join(parts))
    return figures


def title_of(name):
    cells = json.loads((ROOT/"nbs"/f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return re.sub(r"^#[ #]*", "", next(text_of(o) for o in cells if o["cell_type"] == "markdown").splitlines()[0])


def signature(node, lines, owner=""): # a function
    "As it is written, with the comments that say what each parameter is"
    first, last = node.lineno, node.body[0].lineno - 1
    head = "\n".join(lines[first - 1:last]) if last >= first else lines[first - 1].split(":  ")[0]
    head = "\n".join(o[node.col_offset:] if o[:node.col_offset].isspace() else o for o in head.splitlines())
    said = ast.get_docstring(node) or ""
    name = f"{owner}.{node.name}" if owner else node.name
    return f"### `{name}`\n\n{said}\n\n```python\n{head}\n```\n"


def api_page(path): # of a module
    "Its functions, classes and methods that are for use"
    source = path.read_text(encoding="utf-8")
    tree, lines, parts = ast.parse(source), source.splitlines(), []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
            patched = any("patch" in ast.unparse(o) for o in node.decorator_list)
            owner = ast.unparse(node.args.args[0].annotation) if patched and node.args.args and node.args.args[0].annotation else ""
            if not owner.startswith("_"): parts.append(signature(node, lines, owner))
        elif isinstance(node, ast.ClassDef):
            fields = [ast.unparse(o.target) for o in node.body if isinstance(o, ast.AnnAssign)]
            parts.append(f"### `{node.name}`\n\n{ast.get_docstring(node) or ''}\n")
            if fields: parts.append("Fields: " + ", ".join(f"`{o}`" for o in fields) + ".\n")
            for one in node.body:
                if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) and (one.name == "__init__" or not one.name.startswith("_")):
                    parts.append(signature(one, lines, node.name).replace("### ", "#### "))
    made_from = re.search(r"File to edit: \.\./nbs/(\w+)\.ipynb", source)
    intro = f"Made from the notebook [{made_from[1]}](../notebooks/{made_from[1]}.md).\n\n" if made_from else ""
    said = (ast.get_docstring(tree) or "").rstrip(".")
    said += "" if said.endswith("?") else "."
    write(f"api/{path.stem}.md", f"# {path.stem}\n\n{said}\n\n{intro}" + "\n".join(parts))


def flat(value, name=""): # plain values
    "(name, value) of everything in a card"
    if isinstance(value, dict):
        for key, one in value.items(): yield from flat(one, f"{name} / {key}" if name else key)
    elif isinstance(value, list) and any(isinstance(o, dict) for o in value):
        for number, one in enumerate(value): yield from flat(one, f"{name} {number + 1}")
    else: yield name, ", ".join(map(digits, value)) if isinstance(value, list) else digits(value)


def digits(value): return f"{value:.4g}" if isinstance(value, float) else str(value)


def card_table(card): # plain values
    "Markdown of what a card says; numbers with four significant digits"
    return "\n".join(["| what | value |", "|---|---|", *(f"| {name} | {value.replace('|', '/')} |" for name, value in flat(card))])


def cards():
    "What ships, as its JSON says: how it was trained, and on which machine, last and folded"
    text = ["# Model cards\n", CARDS]
    for path in sorted((ROOT/"fashion_retail"/"weights").glob("*.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        more = {name: card.pop(name) for name in ("settings", "environment") if name in card}
        text.append(f"## {path.stem}\n\n{card_table(card)}\n")
        folded = card_table(more).replace("\n", "\n    ")
        if more: text.append(f"??? note \"{' and '.join(more)} of {path.stem}\"\n\n    {folded}\n")
    write("models.md", "\n".join(text))


def front():
    "The text of index, with the tables that its cells make"
    parts = []
    for cell in json.loads((ROOT/"nbs"/"index.ipynb").read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown": parts.append(text_of(cell))
        else: parts += ["".join(o["data"]["text/markdown"]) for o in cell["outputs"] if "text/markdown" in o.get("data", {})]
    return "\n\n".join(parts)


def make_pages():
    "All Markdown; gives the navigation"
    shutil.rmtree(PAGES, ignore_errors=True)
    for path in (ROOT/"docs").rglob("*"):
        if path.suffix in (".md", ".css", ".svg"): write(str(path.relative_to(ROOT/"docs")), path.read_text(encoding="utf-8"))
    write("changelog.md", (ROOT/"CHANGELOG.md").read_text(encoding="utf-8"))
    shutil.copytree(ROOT/"nbs"/"images", PAGES/"notebooks"/"images")
    write("index.md", linked(front(), ""))
    gallery, order = ["# Gallery\n", "Figures of the notebooks, each with the page it comes from.\n"], reading_order()
    for name in order:
        figures = notebook_page(name)
        if figures: gallery.append(f"## [{title_of(name)}](notebooks/{name}.md)\n\n" + "\n".join(figure(file, text) for file, text in figures))
    write("gallery.md", "\n".join(gallery))
    modules = [o for o in sorted((ROOT/"fashion_retail").glob("*.py")) if o.stem not in ("__init__", "_modidx")]
    for path in modules: api_page(path)
    cards()
    placed, chapters = set(), []
    for chapter, starts in CHAPTERS.items():
        names = [o for o in order if o not in placed and o.startswith(starts)]
        placed |= set(names)
        chapters.append({chapter: [{f"{o.split('_')[0]} {title_of(o)}": f"notebooks/{o}.md"} for o in names]})
    how = {"My own photos": "photos", "A descriptor of my own": "descriptor", "With a GPU": "gpu", "In CI": "ci", "A catalogue in operation": "catalogue"}
    return [{"Start": "index.md"}, {"How to": [{k: f"how-to/{v}.md"} for k, v in how.items()]}, {"Walkthrough": chapters}, {"Gallery": "gallery.md"},
            {"Reference": [{"Glossary": "glossary.md"}, {"Model cards": "models.md"}, {"Changelog": "changelog.md"},
                           {"API": [{o.stem: f"api/{o.stem}.md"} for o in modules]}]}]


def bring_in():
    "The one script that the theme loads from elsewhere, for the search without a server, comes from docs/ instead"
    site = OUT/"site"
    shutil.copy(ROOT/"docs"/"iframe-worker.js", site/"assets"/"iframe-worker.js")
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        own = "../"*(len(page.relative_to(site).parts) - 1) + "assets/iframe-worker.js"
        page.write_text(text.replace("https://unpkg.com/iframe-worker/shim", own), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", action="store_true", help="write the Markdown only")
    pages_only = parser.parse_args().pages
    settings = yaml.safe_load((ROOT/"docs"/"mkdocs.yml").read_text(encoding="utf-8"))
    settings |= dict(nav=make_pages(), docs_dir=str(PAGES), site_dir=str(OUT/"site"))
    (OUT/"mkdocs.yml").write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), encoding="utf-8")
    if pages_only: return 0
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", str(OUT/"mkdocs.yml")]
    made = subprocess.run(command, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})
    if made.returncode == 0: bring_in()
    if made.returncode == 0: print(f"open {(OUT/'site'/'index.html').relative_to(ROOT)}")
    return made.returncode


if __name__ == "__main__": sys.exit(main())
