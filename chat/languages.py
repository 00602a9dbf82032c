"""Tell which language somebody writes, from the script and the commonest words; no model, and no guess."""

import re
import unicodedata
from collections import Counter

# Scripts that one language, or one by far, is written in. The first name of a letter in Unicode tells its script.
SCRIPTS = {
    "HANGUL": "ko",
    "CYRILLIC": "ru",
    "GREEK": "el",
    "ARABIC": "ar",
    "HEBREW": "he",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAI": "th",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
}
JAPANESE = ("HIRAGANA", "KATAKANA")
CHINESE = "CJK"
# Letters that the script's first language has not.
NEIGHBOURS = {"ru": ("uk", "іїєґ"), "ar": ("fa", "پچژگ")}

# Words that nearly every question holds, chosen to be rare in the other languages here.
WORDS = {
    "en": "the what is this does how and of are you in to it can which why where describe picture image",
    "de": "der die das was ist ein eine wie und nicht auf ich du bild sind warum welche zeigt mir dem den wo",
    "fr": "le les une est qu'est-ce que quel quelle quoi dans pour sur cette ces comment pourquoi vous décris et il",
    "es": "el los las qué que cómo cuál una es en por para esta este imagen describe dónde hay puedes y está",
    "pt": "o os um uma é que qual como na no em para esta isto imagem descreva onde você não são",
    "it": "il lo gli che cosa è quale come della nel per questa questo immagine descrivi dove perché sono di",
    "nl": "de het een wat is dit hoe en van op welke waarom waar afbeelding deze zijn niet",
    "pl": "co jest to na nie jak się czy ten ta obraz opisz gdzie dlaczego które w z",
    "sv": "vad är det den en ett och på som hur bilden varför inte vilken beskriv",
    "tr": "bu ne nedir ve bir için nasıl resim görüntü neden hangi var mı mi nerede",
    "vi": "là gì của và trong này có một không hình ảnh như thế nào tại sao",
    "id": "apa ini yang dan di dari gambar adalah bagaimana mengapa dengan untuk tidak",
}
LANGUAGES = ("zh", "ja", *SCRIPTS.values(), *(other for other, _ in NEIGHBOURS.values()), *WORDS)
MOST_CHARACTERS = 2000  # of a text that are looked at

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LANGUAGES_OF_WORD: dict[str, list[str]] = {}
for _language, _words in WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF_WORD.setdefault(_word, []).append(_language)


def language_of(text: str) -> str:
    """Give the ISO 639-1 code of the language of a text, one of `LANGUAGES`, or "" where nothing tells."""
    text = unicodedata.normalize("NFC", text[:MOST_CHARACTERS]).lower()
    scripts = Counter(_script(letter) for letter in text if letter.isalpha())
    if not scripts:
        return ""
    if any(scripts[script] for script in JAPANESE) and not _mostly(scripts, "LATIN"):
        return "ja"
    script = scripts.most_common(1)[0][0]
    if script == CHINESE:
        return "zh"
    if script != "LATIN":
        language = SCRIPTS.get(script, "")
        other, letters = NEIGHBOURS.get(language, ("", ""))
        return other if other and any(letter in text for letter in letters) else language
    return _by_words(text)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0].split("-")[0]


def _mostly(scripts: Counter[str], script: str) -> bool:
    return scripts[script] * 2 > scripts.total()


def _by_words(text: str) -> str:
    # A word that several languages have counts for each of them, but less.
    points: Counter[str] = Counter()
    for word in _WORD.findall(text):
        languages = _LANGUAGES_OF_WORD.get(word.replace("’", "'"), ())
        for language in languages:
            points[language] += 60 // len(languages)
    best = points.most_common(2)
    if not best or (len(best) == 2 and best[0][1] == best[1][1]):
        return ""
    return best[0][0]
