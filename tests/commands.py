"The `fashion-retail` command in this process: what the console script does, without importing torch again for each call"
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import NamedTuple
from unittest.mock import patch

SCRIPT = "from fashion_retail.cli import main; main()"


class Done(NamedTuple):
    "What a command left"
    code: int
    stdout: str
    stderr: str


def checked(done, code):
    "`done`, once its exit code is `code` and it shows no traceback"
    assert "Traceback" not in done.stderr and done.code == code, done.stdout + done.stderr
    return done


def command(*args, code=0):
    "Run `fashion-retail` in this process; its exit code must be `code`, and it never shows a traceback"
    from fashion_retail import cli
    out, err, found = StringIO(), StringIO(), 0
    with patch.object(sys, "argv", ["fashion-retail", *map(str, args)]), redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as stop:
            found = stop.code or 0
    return checked(Done(found, out.getvalue(), err.getvalue()), code)


def in_new_process(*args, code=0, **more):
    "The same as a user runs it, in a process of its own"
    done = subprocess.run([sys.executable, "-c", SCRIPT, *map(str, args)], capture_output=True, text=True, **more)
    return checked(Done(done.returncode, done.stdout, done.stderr), code)


def in_two_processes(*args):
    "Start the command in two processes that train together, as torchrun does; -> the running parent of both"
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    return subprocess.Popen([*start, sys.executable, "-c", SCRIPT, *map(str, args)], stdout=subprocess.PIPE, text=True,
                            stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True)


def refused(*args):
    "The one sentence with which bad input is refused, with exit code 2"
    done = command(*args, code=2)
    lines = [line for line in done.stderr.splitlines() if line.startswith("fashion-retail: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]
