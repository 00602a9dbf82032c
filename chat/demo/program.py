"""Run the demo worker until it is told to end."""

from chat.demo.answering import Demo
from chat.demo.options import Options, add_options, read_options
from chat.serving.command_line import CommandLine
from chat.serving.program import check, serve


def run(options: Options) -> None:
    """Serve until SIGTERM or Ctrl-C. Ends with one clear line when the options can't work."""
    check(options)
    serve("Demo worker", options, Demo(options).answer)


COMMAND_LINE = CommandLine("chat.demo", "Run mmchat's demo worker.", add_options, read_options, run)
