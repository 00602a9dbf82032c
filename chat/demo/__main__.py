"""Run the demo worker without Django: `python -m chat.demo --controller-address URL`."""

from chat.demo.program import COMMAND_LINE

if __name__ == "__main__":
    COMMAND_LINE.main()
