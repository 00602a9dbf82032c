"""Measure mmchat beside its peers, in one run: `python -m benchmarks.streams --help`."""
