"The `fashion-retail` command: exit 0 done, 1 accuracy dropped, 2 bad input, in one sentence"

import os
import sys
import traceback

# each registers its commands in `app`
from . import cli_attributes, cli_benchmark, cli_catalogue, cli_duplicates, cli_report, cli_scale, cli_training
from .cli_options import app

__all__ = ["app", "cli_attributes", "cli_benchmark", "cli_catalogue", "cli_duplicates", "cli_report", "cli_scale",
           "cli_training", "main"]


def _repeat(args):
    "`--set a=1 b=2` and `--gallery-split train valid` as the repeated flags that click knows"
    out, flag = [], None
    for arg in args:
        if arg.startswith("-"): flag, fresh = arg if arg in ("--set", "--gallery-split") else None, True
        elif flag and not fresh: out.append(flag)
        else: fresh = False
        out.append(arg)
    return out


def main():
    "Entry point: `BadInput` and the system's file errors become one sentence and exit code 2"
    for stream in (sys.stdout, sys.stderr):  # a terminal, or a file name, that is not UTF-8 should not end the work
        if hasattr(stream, "reconfigure"): stream.reconfigure(errors="backslashreplace")
    if os.environ.get("WORLD_SIZE", "1") != "1" and os.environ.get("RANK", "0") != "0":
        sys.stdout = open(os.devnull, "w")  # of the processes that torchrun has started, the first one tells
    try: app(args=_repeat(sys.argv[1:]))
    except KeyboardInterrupt:
        print("fashion-retail: interrupted", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        from fashion_retail.core import BadInput
        if not isinstance(error, (BadInput, OSError)):
            traceback.print_exc()
            sys.exit(3)  # our mistake; 1 would say that accuracy has dropped
        print(f"fashion-retail: {error}", file=sys.stderr)
        sys.exit(2)
