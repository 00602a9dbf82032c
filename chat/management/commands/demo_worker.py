from chat.demo.program import COMMAND_LINE
from chat.management.worker_command import WorkerCommand


class Command(WorkerCommand):
    """Run the demo worker: a worker process that answers from measurements instead of a neural network."""

    help = (
        "Run the demo worker, which registers with this site's built-in controller and answers from "
        "measurements of the pictures it is sent. It is no neural network, and says so."
    )
    command_line = COMMAND_LINE
