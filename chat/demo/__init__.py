"""The demo worker: a worker process that answers from measurements instead of a neural network.

It speaks the LLaVA and InternVL2 worker protocols, so that a laptop without a GPU shows the whole site, and
its faults make it the tests' worker too. Nothing here imports Django: `python -m chat.demo` starts quickly.
"""
