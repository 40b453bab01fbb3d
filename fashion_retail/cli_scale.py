"The commands for large catalogues: catalogue optimize, benchmark index, benchmark workers"

from typing import Annotated

import typer

from .cli_benchmark import benchmarks
from .cli_catalogue import catalogues
from .cli_options import Folder, OutFile, not_folders, warn, write_json


@catalogues.command()
def optimize(catalogue: Folder):
    "Tidy up, sort the vectors of a large catalogue into lists, and measure what a search misses."
    from fashion_retail.catalogue import Catalogue
    index = Catalogue.load(catalogue).index
    index.optimize(measure=True)
    state = index.state()
    print(f"{catalogue}: " + ", ".join(f"{name} {value}" for name, value in state.items()))
    if state.get("below"):
        warn(f"a search of {catalogue} finds {state['recall']:.3f} of the nearest ten, less than its target "
             f"{state['target']}: all lists are read already")


@benchmarks.command()
def index(
    out: OutFile,
    count: Annotated[int, typer.Option(help="Vectors.")] = 200_000,
    dim: Annotated[int, typer.Option(help="Numbers a vector.")] = 512,
    queries: Annotated[int, typer.Option(help="Vectors to search for.")] = 200,
    cycles: Annotated[int, typer.Option(help="Updates of 1,000 photos before the disk is measured.")] = 10,
):
    "The index of large catalogues beside exact search: recall, time, disk and memory, as ratios."
    not_folders(out)
    from fashion_retail.scale import benchmark_index
    write_json(benchmark_index(count, dim, queries, cycles), out)


@benchmarks.command()
def workers(
    out: OutFile,
    photos: Annotated[int, typer.Option(help="Drawn photos to describe.")] = 2000,
    size: Annotated[int, typer.Option(help="Pixels along a side.")] = 500,
):
    "Photos described by one process on one core and by two on two, in one run: the ratio of their times."
    not_folders(out)
    from fashion_retail.scale import benchmark_workers
    write_json(benchmark_workers(photos, size), out)
