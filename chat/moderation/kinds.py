"""Every kind of check there is."""

from chat.models import ModerationCheck
from chat.moderation import classifier, guard, lists, lookalikes, openai
from chat.moderation.checks import Examine

Kind = ModerationCheck.Kind

KINDS: dict[str, Examine] = {
    Kind.LISTS: lists.examine,
    Kind.OPENAI: openai.examine,
    Kind.GUARD: guard.examine,
    Kind.LOOKALIKES: lookalikes.examine,
    Kind.CLASSIFIER: classifier.examine,
}

ASKS_OTHERS = (Kind.OPENAI, Kind.GUARD, Kind.CLASSIFIER)  # may be down, and may take only so long
