"""What every worker process of ours does: listen, register with a controller, beat, and stream frames.

Nothing here imports Django; `chat.demo` and `chat.model_worker` say what is answered.
"""
