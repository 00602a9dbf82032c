"""Texts that the demo worker writes on request: samples of markup, and as many words as were asked for."""

import re
from itertools import cycle, islice

MOST = 100_000

MARKDOWN = """\
Markdown, as a page should show it:

1. **bold**, *italic*, ~~struck out~~ and `code`
2. a [link](https://example.com/) that opens only when you click it
   - a list inside a list
   - with two points

> A quotation,
> of two lines.

| Left | Centre | Right |
|:-----|:------:|------:|
| one  |  two   |     3 |
| four |  five  |    66 |

---

And a last paragraph."""

CODE = """\
Here is some code:

```python
def greatest_common_divisor(a: int, b: int) -> int:
    \"\"\"Give the largest number that divides both, by Euclid's rule.\"\"\"
    while b:
        a, b = b, a % b
    return abs(a)


assert greatest_common_divisor(1071, 462) == 21
```

and a line of shell: `python -m this | head -3`."""

MATHEMATICS = r"""
Some mathematics, inline first: Euler's identity is \(e^{i\pi} + 1 = 0\), and $5 or $10 is no formula.

Displayed:

$$\int_{-\infty}^{\infty} e^{-x^2}\,dx = \sqrt{\pi}$$

\[
A = \begin{pmatrix} a & b \\ c & d \end{pmatrix}, \qquad \det A = ad - bc
\]

and the variance of the Laplacian, by which I measure sharpness: $\operatorname{Var}(\nabla^2 I)$.""".strip()

_COUNT = re.compile(r"\bcount (?:up )?to (\d{1,6})\b", re.IGNORECASE)
_WORDS = re.compile(r"\b(\d{1,6}) words?\b", re.IGNORECASE)
_PASSAGE = re.findall(
    r"\S+",
    "A lamp was lit in the window before the boats came home, and the harbour smelled of tar and rain. "
    "Somebody counted the sails aloud. The last one was late, so nobody spoke until it turned the mole, "
    "slow and heavy, with its nets still wet. Then the bell rang twice and the street filled with voices.",
)


def asked_length(question: str) -> str | None:
    """Write what "count to N" or "N words" asks for, nothing else with it; None for other questions."""
    if found := _COUNT.search(question):
        return ", ".join(str(number) for number in range(1, min(int(found[1]), MOST) + 1)) or "0"
    if found := _WORDS.search(question):
        return " ".join(islice(cycle(_PASSAGE), min(int(found[1]), MOST)))
    return None
