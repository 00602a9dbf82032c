"""Load the model, then serve it until told to end."""

import sys

from chat.model_worker.answering import ModelAnswers
from chat.model_worker.options import Options, add_options, read_options
from chat.serving.command_line import CommandLine
from chat.serving.program import check, serve

_EXTRA = ("accelerate", "jinja2", "torch", "transformers")
PROTOCOL = "internvl2"


def run(options: Options) -> None:
    """Load the model and serve it until SIGTERM or Ctrl-C. Ends with one clear line when something is missing."""
    check(options)
    try:
        from chat.model_worker.loading import CantLoad, load
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise SystemExit(
            f"The model worker needs {error.name}, which comes with the extra mmchat[worker]: "
            "pip install '.[worker]' in mmchat's folder."
        ) from None
    sys.stdout.write(f"Loading {options.model}\n")
    sys.stdout.flush()
    try:
        model = load(options)
    except CantLoad as error:
        raise SystemExit(f"Can't load {options.model}: {error}") from None
    answers = ModelAnswers(model, options.limit_model_concurrency)
    serve("Model worker", options, answers.answer, {"protocol": PROTOCOL})


COMMAND_LINE = CommandLine("chat.model_worker", "Run a model worker.", add_options, read_options, run)
