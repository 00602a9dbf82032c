import subprocess

import pytest

from tests.backends.worker.conftest import KINDS, WAIT, start

COPY = """
import sys
from transformers import AutoModelForImageTextToText
from chat.model_worker.model import sharing_weights

model = AutoModelForImageTextToText.from_pretrained(sys.argv[1])
other = sharing_weights(model)
model.model.kept = "what belongs to one reply"
assert not hasattr(other.model, "kept")
assert model.get_input_embeddings() is not other.get_input_embeddings()
shared = [one is another for one, another in zip(model.parameters(), other.parameters(), strict=True)]
assert shared and all(shared)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_for_each_reply_has_the_same_weights_and_nothing_else_in_common(kind, python, tiny):
    process = start(python, "-c", COPY, str(tiny[kind]), stderr=subprocess.PIPE)
    _, told = process.communicate(timeout=WAIT)
    assert process.returncode == 0, told
