"""What visitors read is there in each language: marked in the source, collected, translated and compiled."""

import ast
import gettext
import io
import re
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.template.base import Lexer, TokenType
from django.utils import translation

from chat import failures, reasons
from chat.words import page_words
from deploy import messages

ROOT = messages.ROOT
CATALOGUES = pytest.mark.parametrize("path", messages.catalogues(), ids=lambda path: path.parts[-3])
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static/js").rglob("*.js"))
READ_ALOUD = {"alt", "aria-label", "aria-description", "aria-roledescription", "placeholder", "title"}
NOT_WORDS = {"mmchat", "API", "openapi.json", "XXXX-XXXX-XXXX-XXXX-XXXX-XXXX", "Enter", "Shift", "Esc"}
PLACEHOLDERS = re.compile(r"%\(\w+\)[sd]|\{\w+\}|<[^>]+>|\*\*|`")


def texts(message):
    return [message.id] if isinstance(message.id, str) else list(message.id)


def translated(message):
    return [message.string] if isinstance(message.string, str) else list(message.string)


def keys(catalog):
    return {(*texts(message), message.context) for message in catalog if message.id}


def words_in(text):
    """Give a piece of text as a list, empty where nobody has to translate it."""
    return [text.strip()] if text.strip() not in NOT_WORDS and re.search(r"[^\W\d_]{2}", text) else []


def test_each_language_that_is_offered_has_a_catalogue():
    offered = {translation.to_locale(code) for code, _ in settings.LANGUAGES} - {"en"}
    assert offered == {path.parts[-3] for path in messages.catalogues()}


@CATALOGUES
def test_the_catalogue_holds_just_what_the_site_says(path):
    assert keys(messages.read(path)) == keys(messages.said()), "run `make messages`"


@CATALOGUES
def test_everything_is_translated(path):
    assert [message.id for message in messages.missing(messages.read(path))] == []


@CATALOGUES
def test_placeholders_and_markup_are_those_of_the_source(path):
    changed = [
        (message.id, string)
        for message in messages.read(path)
        if message.id
        for string in translated(message)
        if string and set(PLACEHOLDERS.findall(string)) != set(PLACEHOLDERS.findall(texts(message)[-1]))
    ]
    assert changed == []


@CATALOGUES
def test_what_the_site_reads_is_compiled_from_the_catalogue(path):
    def entries(compiled):
        return gettext.GNUTranslations(io.BytesIO(compiled))._catalog

    fresh, kept = messages.compiled(messages.read(path)), path.with_suffix(".mo").read_bytes()
    assert entries(kept) == entries(fresh), "run `make messages`"


@pytest.mark.parametrize(
    "said",
    [
        page_words,
        lambda: {code: str(words.text) for code, words in failures.WORDS.items()},
        lambda: {reason["value"]: reason["label"] for reason in reasons.flag_reasons()},
    ],
    ids=["scripts", "failures", "flag reasons"],
)
def test_the_tables_of_words_are_all_marked_for_translation(said):
    with translation.override("en"):
        english = said()
    with translation.override("zh-hans"):
        chinese = said()
    assert [
        name
        for name in english
        if english[name] == chinese[name] and words_in(without_placeholders(english[name]))
    ] == []


def without_placeholders(text):
    return PLACEHOLDERS.sub("", text)


class Visible(HTMLParser):
    """Collect the words of a page that somebody sees or hears."""

    CODE = {"code", "pre", "script", "style"}

    def __init__(self):
        super().__init__()
        self.words, self.inside = [], []

    def handle_starttag(self, tag, attrs):
        if tag in self.CODE:
            self.inside.append(tag)
        names = READ_ALOUD | ({"content"} if ("name", "description") in attrs else set())
        for name, value in attrs:
            if name in names:
                self.words += words_in(value or "")

    def handle_endtag(self, tag):
        if self.inside[-1:] == [tag]:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.words += words_in(data)


def visible(source):
    parser, inside = Visible(), False
    kept = []
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.BLOCK:
            name = token.contents.split()[0]
            inside = name.startswith("blocktrans") or (inside and not name.startswith("endblocktrans"))
        elif token.token_type == TokenType.TEXT and not inside:
            kept.append(token.contents)
    parser.feed("".join(kept))
    return parser.words


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_says_nothing_that_is_not_marked_for_translation(path):
    assert visible(path.read_text(encoding="utf-8")) == []


def test_words_that_are_not_marked_are_found_in_a_template():
    source = (
        '<p title="Read me">{% translate "Marked" %} {{ name }}</p>'
        "<p>{% blocktranslate %}Marked too{% endblocktranslate %} not</p>"
    )
    assert visible(source) == ["Read me", "not"]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_nothing_by_itself(path):
    source = re.sub(r"^\s*(//|\*|/\*).*$", "", path.read_text(encoding="utf-8"), flags=re.M)
    source = re.sub(r"new (Type|Range)?Error\([^)]*\)", "", source)
    sentences = re.findall(r"""["'`]([A-Z][a-z]+(?: [\w${}.,]+)+[.…!?]?)["'`]""", source)
    assert sentences == []


def has_bare_words(node):
    return (
        isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "Refused"
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
    )


@pytest.mark.parametrize("package", messages.PACKAGES)
def test_every_refusal_is_marked_for_translation(package):
    bare = [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if has_bare_words(node)
    ]
    assert bare == []
