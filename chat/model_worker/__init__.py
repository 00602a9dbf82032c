"""The model worker: serves a vision-language model that `transformers` can load, as InternVL2's worker does.

Nothing here imports Django, and only `loading` and `model` import PyTorch: they are loaded when it starts.
"""
