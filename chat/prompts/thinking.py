"""Tell what a model thought before its answer from the answer, as static/js/lib/thinking.js does for the page."""

import re

OPEN, CLOSE = "<think>", "</think>"
# Templates may open it in the prompt; then only its end is in the reply. In the midst of a line it is talked about.
_CLOSE_ALONE = re.compile(r"\n</think>\s*\n")


def answer_in(text: str) -> str:
    """Return a whole reply without what was thought, stripped of white space; empty when it is all thought."""
    text = text.strip()
    if text.startswith(OPEN):
        return text.partition(CLOSE)[2].strip()
    end = _CLOSE_ALONE.search(text)
    return text[end.end() :].strip() if end else text
