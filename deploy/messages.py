"""Collect what the site says and compile what it is in other languages: `make messages`.

Each `locale/<language>/LC_MESSAGES/django.po` gets the strings that are new and loses those that are gone; the
`.mo` beside it, which the site reads, is compiled from it. Both are kept in the repository.
"""

import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "locale"
PACKAGES = ("chat", "feedback", "mmchat_site")
LAZY = {f"{name}_lazy": places for name, places in DEFAULT_KEYWORDS.items()}

_STRING = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_CALL = re.compile(rf"\b(gettext|ngettext|pgettext|npgettext)\(({_STRING}(?:, {_STRING})*)")

Found = tuple[str, str | tuple[str, ...], str | None]  # file, message or (singular, plural), context


def catalogues() -> list[Path]:
    """Give the `.po` file of each language."""
    return sorted(LOCALES.glob("*/LC_MESSAGES/django.po"))


def said() -> Catalog:
    """Collect each string that the site's Python and templates mark for translation."""
    catalog = Catalog(fuzzy=False)
    for file, message, context in [*_in_python(), *_in_templates()]:
        catalog.add(message, locations=[(file, 0)], context=context)
    return catalog


def _in_python() -> Iterator[Found]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            for _, message, _, context in extract(
                "python", io.BytesIO(path.read_bytes()), DEFAULT_KEYWORDS | LAZY
            ):
                yield str(path.relative_to(ROOT)), message, context


def _in_templates() -> Iterator[Found]:
    for path in sorted((ROOT / "templates").rglob("*.html")):
        name = str(path.relative_to(ROOT))
        for call, arguments in _CALL.findall(templatize(path.read_text(encoding="utf-8"), origin=name)):
            texts = [ast.literal_eval(text) for text in re.findall(_STRING, arguments)]
            context = texts.pop(0) if "p" in call else None
            yield name, (texts[0], texts[1]) if call.startswith("n") else texts[0], context


def read(path: Path) -> Catalog:
    """Read a `.po` file."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def compiled(catalog: Catalog) -> bytes:
    """Give the `.mo` file of a catalogue."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def main() -> None:
    for path in catalogues():
        catalog = read(path)
        # No guesses: they would look like translations to whoever skims the file.
        catalog.update(said(), no_fuzzy_matching=True, update_creation_date=False)
        with path.open("wb") as file:
            write_po(file, catalog, width=110, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        sys.stdout.write(
            f"{path.parts[-3]}: {len(catalog)} strings, {len(missing(catalog))} not translated\n"
        )


def missing(catalog: Catalog) -> list[Message]:
    """Give what has no translation, or not in each plural form."""

    def is_translated(message: Message) -> bool:
        forms = [message.string] if isinstance(message.string, str) else message.string
        return bool(forms) and all(forms) and not message.fuzzy

    return [message for message in catalog if message.id and not is_translated(message)]


if __name__ == "__main__":
    main()
