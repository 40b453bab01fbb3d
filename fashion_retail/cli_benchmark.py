"The commands `benchmark …`"

from pathlib import Path
from typing import Annotated, Optional

import typer

from .cli_options import NAME, OutFile, app, not_folders, save_csv, warn, write_json

benchmarks = typer.Typer(no_args_is_help=True, rich_markup_mode=None,
                         help="Speed and memory beside other packages, as ratios taken in one run.")
app.add_typer(benchmarks, name="benchmark")


@benchmarks.command()
def tiramisu(
    out: OutFile,
    depth: Annotated[int, typer.Option(help="56, 67 or 103.")] = 56,
    size: Annotated[int, typer.Option(help="Pixels a side.")] = 224,
    batch: Annotated[int, typer.Option(help="Images a step.")] = 4,
):
    "The segmentation network beside tiramisu-brulee: training step, inference, ONNX, bytes kept for gradients."
    not_folders(out)
    from fashion_retail.benchmarks import benchmark_tiramisu
    write_json(benchmark_tiramisu(depth, size, batch), out)


@benchmarks.command()
def search(
    out: OutFile,
    queries: Annotated[int, typer.Option(help="Vectors to search for.")] = 10_000,
    gallery: Annotated[int, typer.Option(help="Vectors to search in.")] = 100_000,
    dim: Annotated[int, typer.Option(help="Numbers a vector.")] = 512,
):
    "Exact top-10 search beside FAISS's flat index (faiss-cpu, optional): time, memory, equal answers."
    not_folders(out)
    from fashion_retail.benchmarks import benchmark_search
    write_json(benchmark_search(queries, gallery, dim), out)


@benchmarks.command()
def features(
    out: OutFile,
    photos: Annotated[int, typer.Option(help="JPEG files to describe.")] = 1000,
    size: Annotated[int, typer.Option(help="Pixels a side.")] = 500,
    repeats: Annotated[int, typer.Option(help="Timed rounds after a warm-up.")] = 3,
):
    "Vectors of photos, reading included, beside a plain batched loop in PyTorch: time, equal vectors."
    not_folders(out)
    from fashion_retail.benchmarks import benchmark_features
    write_json(benchmark_features(photos, size, repeats), out)


@benchmarks.command()
def embed(
    out: OutFile,
    photos: Annotated[int, typer.Option(help="Photos of all kinds, from the tables under the data root.")] = 60,
    size: Annotated[int, typer.Option(help="Pixels of the long side.")] = 500,
):
    "From photo to vector, cut-out included: processor time of each stage, as it ships and with nothing left out."
    not_folders(out)
    from fashion_retail.benchmarks import benchmark_embed
    write_json(benchmark_embed(photos, size), out)


@benchmarks.command()
def shortcuts(
    out: Annotated[Path, typer.Option(help="CSV file to write.")],
    photos: Annotated[int, typer.Option(help="Photos of all kinds, from the tables under the data root.")] = 60,
    size: Annotated[int, typer.Option(help="Pixels of the long side.")] = 500,
):
    "What would make the cut-out quicker, and how far it changes masks, vectors and the nearest photos."
    not_folders(out)
    from fashion_retail.benchmarks import benchmark_shortcuts
    found = benchmark_shortcuts(photos, size)
    save_csv(found.round(4), out)
    print(found.round(3).to_string(index=False))


@benchmarks.command()
def sizes(
    out: Annotated[Path, typer.Option(help="CSV file to write; the laws go to NAME_law.csv beside it.")],
    features: Annotated[list[str], typer.Option(help=f"Repeatable: {NAME}")] = ("ranking", "stages"),
    cutout: Annotated[list[str], typer.Option(help=f"Of the worn photos, repeatable: {NAME}")] = ("mask", "garments"),
    draws: Annotated[int, typer.Option(min=1, help="Orders in which other items are added.")] = 5,
    limit: Annotated[int, typer.Option(min=0, help="Items of each table; 0: all.")] = 0,
):
    "Accuracy in catalogues from 500 to 8,000 items, with photos of other shops, and the law that fits."
    law = out.with_name(f"{out.stem}_law{out.suffix}")
    not_folders(out, law)
    from fashion_retail.catalogue_size import benchmark_sizes
    from fashion_retail.features import Store
    curves, laws = benchmark_sizes(features, cutout, Store(), draws, limit)
    for table, file in ((curves, out), (laws, law)): save_csv(table.round(4), file)
    print(curves[["features", "cutout", "shops", "items", "top1", "top10", "auroc"]].round(3).to_string(index=False))


@benchmarks.command()
def duplicates(
    out: Annotated[Path, typer.Option(help="CSV file to write; rows of parts that were not asked for stay.")],
    part: Annotated[list[str], typer.Option(help="Repeatable: copies, candidates, colors, tables, classes.")] = (
        "copies", "candidates", "colors", "tables", "classes"),
    limit: Annotated[int, typer.Option(min=1, help="Photos that copies are made of, and pairs of colors.")] = 500,
    work: Annotated[Optional[Path], typer.Option(help="Folder that keeps what was compared, so that a run that was "
                                                 "stopped goes on.")] = None,
):
    "Duplicates in real shops beside imagehash, PDQ and imagededup (optional): copies, colors, tables, calibration."
    not_folders(out)
    import pandas as pd

    from fashion_retail.duplicate_scores import benchmark_duplicates
    from fashion_retail.features import Store
    if work: work.mkdir(parents=True, exist_ok=True)
    found = benchmark_duplicates(part, limit, work, Store())
    if out.exists():
        before = pd.read_csv(out)
        found = pd.concat([before[~before.part.isin(part)], found], ignore_index=True)
    save_csv(found, out)
    print(found[["test", "method", "pairs", "called", "share"]].to_string(index=False))


@benchmarks.command()
def serve(
    out: OutFile,
    clients: Annotated[int, typer.Option(min=1, help="Clients at once.")] = 16,
    seconds: Annotated[float, typer.Option(min=1, help="How long they search.")] = 300,
    kills: Annotated[int, typer.Option(min=0, help="How often the server is killed.")] = 50,
):
    "The search page on a drawn catalogue: weight, one search beside one without HTTP, many clients, memory, kills."
    not_folders(out)
    from fashion_retail.serve_load import benchmark_serve
    write_json(benchmark_serve(clients, seconds, kills, say=warn), out)
