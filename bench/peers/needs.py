"""Packages a peer cannot do without."""
import importlib
import json
import sys


def skip(peer, reason):
    """Prints why the peer cannot run here and leaves with the exit code that says so."""
    print(json.dumps({"peer": peer, "skipped": reason}))
    sys.exit(77)


def need(peer, *packages):
    for package in packages:
        try:
            importlib.import_module(package)
        except ImportError as error:
            skip(peer, f"{error} ({package} is not installed, or not for this Python)")
