"What the texts tell a reader to type: every command of README, docs and notebooks is one that exists"
import json
import re
import shlex
from pathlib import Path

import pytest
import typer

from fashion_retail.cli import _repeat, app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT/"README.md", ROOT/"CONTRIBUTING.md", *sorted((ROOT/"docs").rglob("*.md"))]
NOTEBOOKS = sorted((ROOT/"nbs").glob("*.ipynb"))


def texts():
    "(file name, text) of what a reader reads"
    for path in PAGES: yield path.name, path.read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        yield path.name, "\n".join("".join(o["source"]) for o in cells if o["cell_type"] == "markdown")


def blocks():
    "(file name, line) of the lines in blocks of commands"
    for name, text in texts():
        for block in re.findall(r"```(?:bash|sh|console)\n(.*?)```", text, re.S):
            yield from ((name, line.strip()) for line in block.replace("\\\n", " ").splitlines())


COMMANDS = sorted({(name, line) for name, line in blocks() if re.match(r"(\.venv/bin/)?fashion-retail ", line)})


def test_there_are_commands():
    assert len(COMMANDS) > 40, "the pattern finds the commands no longer"


@pytest.mark.parametrize("name, line", COMMANDS, ids=[f"{name} {line}"[:90] for name, line in COMMANDS])
def test_a_command_of_the_texts_can_be_typed(name, line):
    "Each option exists, and none that is required is missing; nothing is run"
    words = _repeat(shlex.split(line, comments=True)[1:])
    command, name = typer.main.get_command(app), "fashion-retail"
    while hasattr(command, "commands"):
        name, *words = words
        assert name in command.commands, f"no command {name}: {line}"
        command = command.commands[name]
    command.make_context(name, words)


def test_a_profile_of_the_texts_exists():
    there = {o.stem for o in (ROOT/"nbs"/"profiles").glob("*.yaml")}
    said = {(name, found) for name, text in texts() for found in re.findall(r"--profile ([\w-]+)", text)}
    assert not {o for o in said if o[1] not in there}


def test_a_target_of_make_exists():
    there = set(re.findall(r"^(\w+):", (ROOT/"Makefile").read_text(), re.M))
    said = {(name, found) for name, text in texts() for found in re.findall(r"(?:`|^)make (\w+)(?:`|$)", text, re.M)}
    assert not {o for o in said if o[1] not in there}


def test_the_example_of_a_descriptor_measures_something(tmp_path, monkeypatch):
    "What descriptor.md lets a reader type, and the figures that it states"
    monkeypatch.chdir(tmp_path)
    text, scope = (ROOT/"docs"/"how-to"/"descriptor.md").read_text(encoding="utf-8"), {}
    for block in re.findall(r"```python\n(.*?)```", text, re.S)[:2]: exec(block, scope)
    found, known = scope["found"], scope["known"]
    assert found.metrics["n_gallery"] > 10 and not found.too_few() and known.compare(found)["difference"] < 0
    for key in ("top1", "top10"): assert f"{found.metrics[key]:.2f}" in text
    assert f"searched among {found.metrics['n_gallery']} photos" in text


def test_a_file_of_the_texts_exists():
    "Links of the notebooks, and of README, to files of this repository"
    wrong = []
    for path in [*NOTEBOOKS, ROOT/"README.md", ROOT/"CONTRIBUTING.md"]:
        text = dict(texts())[path.name]
        for link in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
            if not (path.parent/link).exists(): wrong.append((path.name, link))
    assert not wrong


@pytest.mark.parametrize("command", [
    "fashion-retail evaluate --images a.csv --split valid --features ranking --out r.json",
    "fashion-retail search a.jpg --catalog b"])
def test_a_wrong_command_is_found(command):
    with pytest.raises(Exception, match="Missing|No such option"):
        test_a_command_of_the_texts_can_be_typed("", command)
