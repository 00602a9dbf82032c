"""A reply as a model writes it, for counting bytes: the clock's words would compress worse than language does."""

import re

TEXT = """The photograph shows a **harbour town** in the early evening, taken from a hill above the water. In the \
foreground a stone wall runs from the lower left corner towards the middle; behind it the roofs step down to the quay. \
Most of them are covered with red clay tiles, but two of the larger buildings near the church have slate, and one has \
been repaired with corrugated metal.

### What can be read

| place | text | sure? |
|---|---|---|
| sign above the café | "Zum Anker" | yes |
| side of the ferry | "Linea 4 - Porto Vecchio" | mostly |
| poster on the wall | "14 June, 20:30" | the year is hidden |

There are about thirty boats. Eleven are small open rowing boats tied along the inner wall, the others are sailing \
yachts between eight and twelve metres long, judged by the people who stand on two of the decks. The ferry at the far \
end is much larger; its ramp is down, and three cars wait in front of it.

1. **Light.** The sun stands low on the right, just outside the frame. Shadows are long and point to the left, and the \
windows that face west reflect orange.
2. **Weather.** The sky is clear above and hazy near the horizon. The flags on the quay hang almost straight down, so \
there can be little wind, and the water is smooth enough to mirror the masts.
3. **People.** I count nineteen, most of them on the terrace of the café. Two children sit on the steps next to the \
fountain with what looks like ice cream; a man in a blue jacket carries a rolled sail on his shoulder.

If you want to find where this was taken, the tower is the best clue: it has a square base, an octagonal upper floor \
and a copper dome, which is unusual for this coast. A short program that looks for such towers in a list might begin \
like this:

```python
def candidates(towers):
    for tower in towers:
        if tower["floors"] == 2 and tower["dome"] == "copper":
            yield tower["name"], tower["distance_km"]
```

The estimate of the time of day follows from the length of the shadows: for a sun at $12^\\circ$ above the horizon \
a mast of height $h$ throws a shadow of $h / \\tan 12^\\circ \\approx 4.7\\,h$, and that is close to what the picture \
shows. Please keep in mind that I can't see anything outside the frame, and that small print \
is a guess wherever I said so.
"""

# Cut about as tokenizers cut: words with the space before them, the long ones in two.
PIECES = re.findall(r"\s?[^\W\d_]{1,9}|\s?\d{1,3}|(?:[^\w\s]|_)+|\s", TEXT)


def token(index: int) -> str:
    return PIECES[index % len(PIECES)]
