"""The peer, as its users write it: `gr.ChatInterface` around the loop of LLaVA's own server.

Runs in a virtual environment of its own, with Gradio and requests.
"""

import argparse
import base64
import json
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import requests

SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--worker", required=True)
    parser.add_argument("--lifted", type=int, default=0, help="lift the limits, for so many streams at once")
    options = parser.parse_args()

    def answer(message: dict, history: list) -> Iterator[str]:
        images = [base64.b64encode(Path(file).read_bytes()).decode() for file in message["files"]]
        prompt = f"{SYSTEM} USER: {'<image>' * len(images)}{message['text']} ASSISTANT:"
        response = requests.post(
            f"{options.worker}/worker_generate_stream",
            json={"prompt": prompt, "images": images},
            stream=True,
            timeout=10,
        )
        for chunk in response.iter_lines(decode_unicode=False, delimiter=b"\0"):
            if chunk:
                yield json.loads(chunk.decode())["text"][len(prompt) :]

    address = {"server_name": "127.0.0.1", "server_port": options.port, "quiet": True}
    if options.lifted:
        chat = gr.ChatInterface(answer, multimodal=True, concurrency_limit=None)
        chat.queue(default_concurrency_limit=None).launch(max_threads=options.lifted + 40, **address)
    else:
        gr.ChatInterface(answer, multimodal=True).launch(**address)


if __name__ == "__main__":
    main()
