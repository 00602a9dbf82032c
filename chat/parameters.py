"""Generation parameters: what visitors may choose, and what one reply is asked with."""

import math

from django.utils.translation import gettext as _

from chat import events
from chat.images.preprocess import IMAGE_MODES
from chat.kept import Kept
from chat.models import ChatModel, ParameterRange
from chat.refusals import Refused

Parameters = dict[str, float | int | str]


@Kept
def ranges() -> dict[str, dict]:
    """Give each parameter's range as the page needs it, whole numbers as integers."""
    result: dict[str, dict] = {}
    for row in ParameterRange.objects.all():
        number = int if row.is_whole else float
        result[row.name] = {
            "minimum": number(row.minimum),
            "maximum": number(row.maximum),
            "step": number(row.step),
            "default": number(row.default),
        }
    result["image_mode"] = {"choices": list(IMAGE_MODES), "default": IMAGE_MODES[0]}
    return result


def resolve(asked: events.Parameters, model: ChatModel) -> Parameters:
    """Fill in defaults and check ranges. Raises `Refused` that names the parameter and the bound it broke."""
    values: Parameters = {}
    for name, allowed in ranges().items():
        value = getattr(asked, name)
        if name == "image_mode":
            if value is not None and value not in IMAGE_MODES:
                raise Refused(
                    "parameter_out_of_range",
                    _("Image mode must be one of %(modes)s.") % {"modes": ", ".join(IMAGE_MODES)},
                    name,
                    ", ".join(IMAGE_MODES),
                )
            values[name] = value or IMAGE_MODES[0]
            continue
        own_limit = getattr(model, name, None)
        low, high = allowed["minimum"], allowed["maximum"]
        if isinstance(own_limit, int):
            high = min(high, own_limit)
        if value is None:
            value = min(allowed["default"], high)
        label = str(ParameterRange.Name(name).label)
        if (isinstance(value, float) and not math.isfinite(value)) or value < low:
            raise _out_of_range(name, label, low, high, low)
        if value > high:
            raise _out_of_range(name, label, low, high, high)
        values[name] = value
    return values


def _out_of_range(name: str, label: str, low: float, high: float, limit: float) -> Refused:
    return Refused(
        "parameter_out_of_range",
        _("%(name)s must be between %(low)s and %(high)s.") % {"name": label, "low": low, "high": high},
        name,
        limit,
    )
