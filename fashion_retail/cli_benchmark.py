"The commands `benchmark …`"

from typing import Annotated

import typer

from .cli_options import OutFile, app, not_folders, warn, write_json

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
