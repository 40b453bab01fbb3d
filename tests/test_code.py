"The library's own form: imports go down only, nothing private crosses a module, functions, lines and modules stay short"
import ast
import re
from pathlib import Path

import pytest

import fashion_retail

PACKAGE = Path(fashion_retail.__file__).parent
# Lowest first: a module imports only modules to the left of it. A new module gets its place here.
ORDER = """core photos masks data folders public_data wardrobe
           labeling otsu superimpose encoder tiramisu inference processes fitting training photo_labels dressing wearers choosing garments cutout
           search accuracy decision open_set colors
           descriptors ranking parts pretrained features
           evaluation deep_ranking
           profiles runner gate summary report
           label_quality label_session widget attributes tag_check first_tags zero_shot active_learning next_label campaigns
           index approximate contract milvus catalogue_rows answers catalogue_folder catalogue
           alignment duplicates duplicate_review feedback uploads workers service serve page_widget serve_load scale
           camvid benchmarks catalogue_size duplicate_scores
           cli_options cli_report cli_training cli_attributes cli_catalogue cli_duplicates cli_benchmark cli_scale cli""".split()
EXTERNAL = "_modidx", "__init__"  # made by nbdev, and the version
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.glob("*.py")) if path.stem not in EXTERNAL}
TYPED = {name: re.sub(r"# %% auto.*?(?=\n# %%)", "", source, flags=re.S) for name, source in SOURCES.items()}  # no `__all__`
TREES = {name: ast.parse(source) for name, source in SOURCES.items()}

# What is still too long. These lists may only shrink: correct the code, then take the entry away.
LONG_FUNCTIONS = {}
LONG_LINES = {}
LONG_MODULES = {}
PRIVATE_NAMES = set()


def imported(tree):
    "(module, names) of each import from this package, wherever it is written"
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            inside = node.module or ""
            if node.level or inside.split(".")[0] == "fashion_retail":
                inside = inside.removeprefix("fashion_retail").strip(".")
                names = [alias.name for alias in node.names]
                if inside: yield inside, names
                else: yield from ((name, []) for name in names if name in SOURCES)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("fashion_retail."): yield alias.name.split(".")[1], []


def functions(tree, before=""):
    "(name, lines) of each function that is not inside another one"
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef): yield from functions(node, f"{node.name}.")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)): yield before + node.name, node.end_lineno - node.lineno + 1


def test_every_module_has_its_place():
    assert set(SOURCES) <= set(ORDER), "give the new module its place in ORDER"


@pytest.mark.parametrize("name", SOURCES)
def test_imports_go_down_only(name):
    "No arrow up, so no circle either"
    below = ORDER[:ORDER.index(name)]
    assert not {other for other, _ in imported(TREES[name])} - set(below)


def test_no_private_name_crosses_a_module():
    found = set()
    for name, tree in TREES.items():
        found |= {f"{name}: {other}.{one}" for other, names in imported(tree) for one in names if one.startswith("_")}
        modules = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
                   and (node.module or "fashion_retail") == "fashion_retail" for alias in node.names if alias.name in SOURCES}
        found |= {f"{name}: {node.value.id}.{node.attr}" for node in ast.walk(tree) if isinstance(node, ast.Attribute)
                  and isinstance(node.value, ast.Name) and node.value.id in modules
                  and node.attr.startswith("_") and not node.attr.startswith("__")}
    assert found <= PRIVATE_NAMES, found - PRIVATE_NAMES


def too_long(found, allowed): # both: name -> number
    return {name: number for name, number in found.items() if number > allowed.get(name, 0)}


def test_functions_have_at_most_60_lines():
    found = {f"{name}.{function}": lines for name, tree in TREES.items() for function, lines in functions(tree) if lines > 60}
    assert not too_long(found, LONG_FUNCTIONS)


def test_lines_have_at_most_120_characters():
    found = {name: sum(len(line) > 120 for line in source.splitlines()) for name, source in TYPED.items()}
    assert not too_long({name: count for name, count in found.items() if count}, LONG_LINES)


def test_modules_have_at_most_450_lines():
    "Without the lines with which nbdev marks the cells, so that short cells are not punished"
    found = {name: sum(not line.startswith("# %%") for line in source.splitlines())
             for name, source in SOURCES.items() if name != "wardrobe"}
    assert not too_long({name: count for name, count in found.items() if count > 450}, LONG_MODULES)
