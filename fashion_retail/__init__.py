"""Modules:

- `fashion_retail.cli`: The `fashion-retail` command: exit 0 done, 1 accuracy dropped, 2 bad input (one sentence, no traceback)."""

__version__ = "0.1.0"
