"""Nothing generated may be stale: `fashion_retail/*.py` comes from the notebooks, README.md from index.ipynb.

    python tests/check_generated.py          says what is stale and exits with 1
    python tests/check_generated.py --write  writes README.md (the modules are written by nbdev-export)
    python tests/check_generated.py --parse  says which exported cell is no Python; `make notebooks` then writes nothing
"""
import ast, json, re, subprocess, sys
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def readme():
    "README.md as index.ipynb says it: nbconvert's Markdown without code, links as seen from the top folder"
    import nbformat
    from nbconvert import MarkdownExporter
    notebook = nbformat.read(ROOT/"nbs"/"index.ipynb", 4)
    body, _ = MarkdownExporter(exclude_input=True).from_notebook_node(notebook)
    body = re.sub(r"\]\((?!https?:|#)(\.\./)?", lambda m: "](" if m[1] else "](nbs/", body)
    body = re.sub(r'src="(?!https?:)', 'src="nbs/', body)
    return "<!-- Made from nbs/index.ipynb by `make notebooks`; edit that. -->\n\n" + re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"


def slips(folder=ROOT/"nbs"):
    "Exported cells that are no Python; nbdev-export would name no notebook and write an invalid module"
    for path in sorted(Path(folder).glob("*.ipynb")):
        for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"], 1):
            source = "".join(cell["source"])
            if cell["cell_type"] != "code" or not re.search(r"^#\s*\|\s*export", source, re.M): continue
            try: ast.parse(source)
            except SyntaxError as error:
                begins = next((line for line in source.splitlines() if line and line[0] not in "#@ "), "")
                yield f"nbs/{path.name}, cell {number} of all (`{begins[:60]}`), line {error.lineno}: {error.msg}"


def modules(): return {o.name: sha256(o.read_bytes()).hexdigest() for o in (ROOT/"fashion_retail").glob("*.py")}


def leaks():
    "Stored outputs that show a traceback or a path of the machine they were made on"
    for path in sorted((ROOT/"nbs").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                text = json.dumps({k: v for k, v in output.get("data", output).items() if not k.startswith("image/")})
                if output["output_type"] == "error" or re.search(r"(?<![\w./])/(home|root|tmp|work|Users)/", text):
                    yield f"{path.name}: a stored output shows a traceback or a machine's path: {text[:120]}"


def main():
    if "--write" in sys.argv:
        (ROOT/"README.md").write_text(readme(), encoding="utf-8")
        return 0
    if wrong := list(slips()):
        print("\n".join([*wrong, "nothing was exported: correct the cell, then `make notebooks` again"]))
        return 1
    if "--parse" in sys.argv: return 0
    before = modules()
    subprocess.run([Path(sys.executable).parent/"nbdev-export"], cwd=ROOT, check=True)
    stale = [f"fashion_retail/{o}: differs from its notebook (now exported again: commit it)" for o, h in modules().items() if before.get(o) != h]
    if readme() != (ROOT/"README.md").read_text(encoding="utf-8"): stale.append("README.md: differs from nbs/index.ipynb (run `make notebooks`)")
    stale += leaks()
    print("\n".join(stale) or "nothing generated is stale")
    return bool(stale)


if __name__ == "__main__": sys.exit(main())
