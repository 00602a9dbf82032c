"""Content checks as a pipeline: of messages before a model is asked, of replies when they have ended.

`checks.py` has the one interface; a kind of check is one module (`lists.py`, `openai.py`,
`guard.py`, `lookalikes.py`, `classifier.py`) and one line in `kinds.py`.
`verdicts.py` says what follows from what was found, `pipeline.py` runs one check after the other. `stored.py` reads
the checks and stores what they said, `standing.py` follows what moderators say of that.
"""
