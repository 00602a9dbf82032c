"""Make tiny models of random weights, without a network: `tiny.py KIND FOLDER`, run as a module.

They say nothing that makes sense, but they are real: loaded, templated and run by the programs that teams use. Their
tokens are single bytes, so that any text can be read and written. Runs in the backends' environment.
"""

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CLIPVisionConfig,
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLProcessor,
    InternVLVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLProcessor,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

CONTEXT = 2048
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
}
# What each message of a conversation becomes; IMAGE is where a picture goes.
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer(*special: str, **named: str) -> PreTrainedTokenizerFast:
    """Make one of bytes; the tokens are numbered in order, the special ones first."""
    names = ["<|pad|>", "<|im_start|>", "<|im_end|>", *special]
    vocabulary = {
        name: number for number, name in enumerate([*names, *sorted(pre_tokenizers.ByteLevel.alphabet())])
    }
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<|pad|>",
        eos_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>", *special],
        **({"extra_special_tokens": {"turn_token": "<|im_start|>", **named}} if named else {}),
    )


def for_pictures(kind: type) -> type:
    """Give a processor's class without its videos, which need torchvision."""
    attributes = [name for name in kind.get_attributes() if name != "video_processor"]
    return type(kind.__name__, (kind,), {"get_attributes": classmethod(lambda _: attributes)})


def llama():
    """One for words alone; FastChat 0.2.36 reads the factor of whatever scaling there is, and 1 scales nothing."""
    words = tokenizer()
    scaling = {"rope_type": "linear", "factor": 1.0, "rope_theta": 10_000.0}
    config = LlamaConfig(vocab_size=len(words), **TEXT, **ends(words), rope_parameters=scaling)
    return LlamaForCausalLM(config), words


def llava():
    words = tokenizer("<image>")
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    processor = LlavaProcessor(
        image_processor=pictures,
        tokenizer=words,
        patch_size=14,
        vision_feature_select_strategy="default",
        image_token="<image>",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE.replace("IMAGE", "<image>\n"),
    )
    seeing = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        projection_dim=16,
    )
    config = LlavaConfig(
        vision_config=seeing,
        text_config=LlamaConfig(vocab_size=len(words), **TEXT, **ends(words)),
        image_token_index=words.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    return LlavaForConditionalGeneration(config), processor


def qwen2_vl():
    start, pad, end = "<|vision_start|>", "<|image_pad|>", "<|vision_end|>"
    words = tokenizer(start, end, pad, "<|video_pad|>", "<|box_start|>", "<|box_end|>")
    processor = for_pictures(Qwen2VLProcessor)(
        image_processor=Qwen2VLImageProcessorPil(patch_size=14, merge_size=2, temporal_patch_size=2),
        tokenizer=words,
        chat_template=TEMPLATE.replace("IMAGE", start + pad + end),
    )
    number = words.convert_tokens_to_ids
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": len(words),
            **TEXT,
            **ends(words),
            "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10_000.0},
        },
        vision_config={
            "depth": 2,
            "embed_dim": 32,
            "hidden_size": 32,
            "num_heads": 2,
            "mlp_ratio": 2,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
        },
        image_token_id=number(pad),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number(start),
        vision_end_token_id=number(end),
        **ends(words),
    )
    return Qwen2VLForConditionalGeneration(config), processor


def internvl():
    """One that cuts pictures into tiles, of 28 pixels a side and one token each."""
    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    words = tokenizer(*named.values(), **named)
    processor = for_pictures(InternVLProcessor)(
        image_processor=GotOcr2ImageProcessorPil(size={"height": 28, "width": 28}, crop_to_patches=True),
        tokenizer=words,
        image_seq_length=1,
        chat_template=TEMPLATE.replace("IMAGE", "<IMG_CONTEXT>\n"),
    )
    seeing = InternVLVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=[28, 28],
        patch_size=[14, 14],
    )
    config = InternVLConfig(
        vision_config=seeing,
        text_config=Qwen2Config(vocab_size=len(words), **TEXT, **ends(words)),
        image_token_id=words.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=1,
        downsample_ratio=0.5,
    )
    return InternVLForConditionalGeneration(config), processor


def ends(words: PreTrainedTokenizerFast) -> dict[str, int]:
    return {"bos_token_id": None, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}


KINDS = {"llama": llama, "llava": llava, "qwen2_vl": qwen2_vl, "internvl": internvl}


def make(kind: str, folder: Path) -> None:
    torch.manual_seed(0)
    model, processor = KINDS[kind]()
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.mul_(8)  # so that what a reply says depends on every picture and word
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


if __name__ == "__main__":
    make(sys.argv[1], Path(sys.argv[2]))
