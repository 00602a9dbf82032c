"""Classify one picture after the other by NudeNet; `classifier` runs this as a process of its own.

The pipes carry frames as those of `chat.images.decode` do. A job is the file of a picture; its result is a JSON object
of the highest score of each of NudeNet's labels, or `{"error": why}`.
"""

import json
import os
import sys
import warnings
from contextlib import suppress

from chat.images.decode import confine, read_frame, write_frame

MOST_BYTES = 64 * 2**20
# Half of it is what onnxruntime and OpenCV map when they are loaded; a picture takes some MB.
MEMORY_BYTES = 2 * 2**30


def main() -> None:
    """Answer jobs until the input ends."""
    jobs, results = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not run into the results
    warnings.simplefilter("ignore")
    from nudenet import NudeDetector

    detector = NudeDetector()
    confine(MEMORY_BYTES)
    with suppress(EOFError, BrokenPipeError):
        while True:
            write_frame(results, json.dumps(_answer(detector, read_frame(jobs, MOST_BYTES))).encode())


def _answer(detector, data: bytes) -> dict:  # type: ignore[no-untyped-def]  # of an extra
    try:
        found = detector.detect(data)
    except Exception as error:  # its libraries may raise anything
        return {"error": type(error).__name__}
    scores: dict[str, float] = {}
    for each in found:
        scores[each["class"]] = max(scores.get(each["class"], 0.0), each["score"])
    return scores


if __name__ == "__main__":
    main()
