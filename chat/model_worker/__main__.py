"""Run the model worker without Django: `python -m chat.model_worker --model PATH_OR_NAME`."""

from chat.model_worker.program import COMMAND_LINE

if __name__ == "__main__":
    COMMAND_LINE.main()
