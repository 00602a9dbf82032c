from typing import Any

from django import template
from django.template import Context

from feedback.dashboard import page

register = template.Library()


@register.inclusion_tag("admin/feedback/dashboard/dashboard.html", takes_context=True)
def dashboard(context: Context) -> dict[str, Any]:
    """Show what the user of this page may see of what the site did."""
    request = context["request"]
    return {"dashboard": page.dashboard(request.user, request.GET.get("period"))}
