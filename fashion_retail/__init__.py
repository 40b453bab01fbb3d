"""Modules:

- `fashion_retail.cli`: The `fashion-retail` command: exit 0 done, 1 accuracy dropped, 2 bad input, in one sentence."""

__version__ = "0.1.0"


def __getattr__(name):
    "`from fashion_retail import Catalogue` imports what it needs when it is asked for, not before"
    if name not in ("Catalogue", "Answers"): raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fashion_retail import catalogue
    return getattr(catalogue, name)
