"""Know the prompt templates that models were trained with, and which model wants which."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Protocol = Literal["llava", "internvl2"]


@dataclass(frozen=True, slots=True)
class Family:
    """Hold the constants of one prompt template.

    `layout` names a function of `layouts.LAYOUTS`; `roles` are the user's and the assistant's names;
    `image_tag` is "newline" or "mmtag". `system` starts with `system_prefix` and ends with `system_suffix`,
    which stay when an administrator replaces the words between them. `control` lists the strings that the
    model or its worker would act upon; ordinary words, line ends and Markdown headings are none.
    """

    name: str
    layout: str
    system: str
    roles: tuple[str, str]
    sep: str
    sep2: str | None
    image_tag: str
    system_prefix: str
    system_suffix: str
    control: tuple[str, ...]

    @property
    def stop(self) -> str | None:
        """Return the string at which the worker is to stop, None when the template has none."""
        return self.sep if self.layout in ("single", "mpt") else self.sep2

    def system_text(self, replacement: str | None) -> str:
        """Return the system text to render: the family's own, or a replacement in the family's wrapper.

        A replacement is stripped of white space, and of the wrapper where it was typed along. An empty one
        leaves only the prefix: a suffix of blank lines would follow nothing.
        """
        if replacement is None:
            return self.system
        words = replacement.strip().removeprefix(self.system_prefix.strip()).strip()
        return self.system_prefix + words + (self.system_suffix if words else "")


def _load() -> dict[str, Family]:
    rows: dict[str, dict[str, Any]] = json.loads(
        Path(__file__).with_name("families.json").read_text(encoding="utf-8")
    )
    return {
        name: Family(**{**row, "name": name, "roles": tuple(row["roles"]), "control": tuple(row["control"])})
        for name, row in rows.items()
    }


FAMILIES: dict[str, Family] = _load()

# (all of these, at least one of these unless empty, must be an mmtag model, family); the first match wins.
_RULES: tuple[tuple[tuple[str, ...], tuple[str, ...], bool, str], ...] = (
    (("llava", "llama-2"), (), False, "llava_llama_2"),
    (("llava", "v1"), (), True, "v1_mmtag"),
    (("llava", "v1"), (), False, "llava_v1"),
    (("llava", "mpt"), (), False, "mpt"),
    (("llava",), (), True, "v0_mmtag"),
    (("llava",), (), False, "llava_v0"),
    (("intern", "v1-1"), (), False, "internvl_zh"),
    # Before the next two rows: LLaVA-era servers test it after them and so never reach it for 4b-v1-5.
    (("intern",), ("4b-v1-5", "phi3", "phi-3"), False, "phi3-chat"),
    (("intern",), ("v1-2", "hermes2", "hermes-2", "yi34b", "yi-34b", "qwen2"), False, "Hermes-2"),
    (("intern",), ("v1-5", "internlm"), False, "internlm2-chat"),
    (("intern",), (), False, "llava_v1"),
    (("mpt",), (), False, "mpt"),
    (("llama-2",), (), False, "llama_2"),
)


def choose_family(model_name: str) -> str:
    """Return the key in `FAMILIES` that suits a model, judged by its name alone.

    The rules are those of the LLaVA and InternVL servers, but for the row noted in `_RULES`.
    """
    name = model_name.lower().replace("_", "-")
    is_mmtag = "mmtag" in name or ("plain" in name and "finetune" not in name)
    for every, some, wants_mmtag, family in _RULES:
        if (
            all(part in name for part in every)
            and (not some or any(part in name for part in some))
            and (is_mmtag or not wants_mmtag)
        ):
            return family
    return "vicuna_v1"


def choose_protocol(model_name: str) -> Protocol:
    """Return the protocol of a model behind a controller, judged by its name alone."""
    name = model_name.lower().replace("-", "").replace("_", "")
    return "internvl2" if name.startswith(("internvl2", "internvl3")) else "llava"
