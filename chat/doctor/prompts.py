"""Is there a protocol and a prompt template for each model?"""

from chat.doctor.finding import Finding, ok, warning, wrong
from chat.models import ChatModel, Conversation
from chat.prompts.families import FAMILIES
from chat.registry import template_of
from chat.workers.protocols import PROTOCOLS


def prompts() -> list[Finding]:
    """Look at every enabled model, and at the templates that old conversations began with."""
    models = list(ChatModel.objects.filter(enabled=True).in_page_order())
    findings = [finding for model in models if (finding := _objection(model))]
    if not findings:
        findings.append(ok(f"There is a protocol and a template for each of {len(models)} models"))
    begun = Conversation.objects.exclude(template="").values_list("template", flat=True).distinct().order_by()
    if gone := sorted(set(begun) - FAMILIES.keys()):
        text = f"Conversations began with templates that are gone, and can't go on: {', '.join(gone)}"
        findings.append(
            warning(text, "Their visitors begin a new one; or restore chat/prompts/families.json.")
        )
    return findings


def _objection(model: ChatModel) -> Finding | None:
    mend = "Choose another one, or none, for the model in the administration."
    if model.protocol and model.protocol not in PROTOCOLS:
        return wrong(f"{model.name}: there is no protocol {model.protocol!r}", mend)
    # Empty where the model's workers know best.
    if (template := template_of(model)) and template not in FAMILIES:
        return wrong(f"{model.name}: there is no prompt template {template!r}", mend)
    return None
