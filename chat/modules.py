"""Which JavaScript modules a page loads, so that browsers ask for all at once and not for one after the other."""

import re
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath

from django.contrib.staticfiles import finders
from django.templatetags.static import static

_IMPORT = re.compile(r'^(?:import|export)\s[^"();]*?"(\.[^"]+)"', re.MULTILINE)


@cache
def module_urls(entry: str, *soon: str) -> tuple[str, ...]:
    """Give the addresses of what the static file `entry` imports, also through others, and not of what comes later.

    `soon`: files that it fetches at once on this page, though not on each.
    """
    found = [entry, *soon]
    for name in found:
        path = finders.find(name)
        for imported in _IMPORT.findall(Path(path).read_text(encoding="utf-8")) if path else ():
            other = normpath(join(dirname(name), imported))
            if other not in found:
                found.append(other)
    return tuple(static(name) for name in found[1:])


@cache
def later_urls(entry: str, wanted: str) -> tuple[str, ...]:
    """Give the addresses of what `wanted` needs, itself included, beside what `entry` has loaded already."""
    loaded = module_urls(entry)
    return tuple(url for url in module_urls(entry, wanted) if url not in loaded)
