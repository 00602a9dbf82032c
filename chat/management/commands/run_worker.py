from chat.management.worker_command import WorkerCommand
from chat.model_worker.program import COMMAND_LINE


class Command(WorkerCommand):
    """Run a model worker: it serves a vision-language model that `transformers` can load."""

    help = (
        "Serve a vision-language model that transformers can load, and register with this site's built-in controller "
        "or another one. It needs the extra mmchat[worker]."
    )
    command_line = COMMAND_LINE
