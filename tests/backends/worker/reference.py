"""Tell what `generate()` gives when it is called directly: `python -m tests.backends.worker.reference KIND FOLDER`.

Reads a list of questions as JSON from its input, and writes for each the text after each token. Knows nothing of the
worker. Runs in the backends' environment.
"""

import base64
import io
import json
import sys

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, InternVLProcessor, LlavaProcessor, Qwen2VLProcessor

from tests.backends.tiny import for_pictures

PROCESSORS = {
    "llava": LlavaProcessor,
    "qwen2_vl": for_pictures(Qwen2VLProcessor),
    "internvl": for_pictures(InternVLProcessor),
}


def conversation_of(messages: list[dict]) -> list[dict]:
    def parts(message: dict) -> list[dict]:
        files = [io.BytesIO(base64.b64decode(one)) for one in message.get("image", [])]
        pictures = [{"type": "image", "image": Image.open(file).convert("RGB")} for file in files]
        return [*pictures, {"type": "text", "text": message["content"]}]

    return [
        {"role": message["role"], "content": parts(message)}
        for message in messages
        if message["content"] or message["role"] != "system"
    ]


def main(kind: str, folder: str) -> None:
    processor = PROCESSORS[kind].from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder)
    answers = []
    for question in json.load(sys.stdin):
        inputs = processor.apply_chat_template(
            conversation_of(question["prompt"]),
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs=question.get("processor_kwargs", {}),
        )
        how = {"do_sample": False}
        if question["temperature"]:
            how = {
                "do_sample": True,
                "temperature": question["temperature"],
                "top_p": question["top_p"],
                "top_k": 0,
            }
        torch.manual_seed(question.get("seed", 0))
        generated = model.generate(
            **inputs,
            **how,
            repetition_penalty=question["repetition_penalty"],
            max_new_tokens=question["max_new_tokens"],
        )
        prompt = inputs["input_ids"].shape[1]
        tokens = generated[0][prompt:].tolist()
        decode = processor.tokenizer.decode
        texts = [decode(tokens[:end], skip_special_tokens=True) for end in range(1, len(tokens) + 1)]
        answers.append({"prompt_tokens": prompt, "tokens": tokens, "texts": texts})
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
