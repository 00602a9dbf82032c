"""Replies as tasks that outlive every socket: start, follow, stop, reap, drain.

`reply.py` is one reply in memory, `records.py` what is written of it, `dispatch.py` finds workers,
`context.py` builds the request, `run.py` is one that runs here, `engine.py` runs them all in one process.
"""
