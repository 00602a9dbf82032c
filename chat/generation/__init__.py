"""Replies as tasks that outlive every socket: start, follow, stop, take over, drain.

`engine.py` runs all replies of one process, `generate.py` takes one from the question to its end, `moderate.py` has
its message and its text checked. `waiting.py` is the line, `dispatch.py` knows the workers, `breakers.py` which of
them fail, `context.py` builds the request. `reply.py` is one reply in memory, `run.py` one that runs here,
`remote.py` those that run elsewhere; `writer.py` writes them, `records.py` says how. `caretaker.py` takes over from
processes that died.
"""
