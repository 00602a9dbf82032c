"""The admin's own addresses, and what is in a page of it."""

from html.parser import HTMLParser

from django.contrib import admin
from django.urls import reverse

ADMINS = {
    model: model_admin
    for model, model_admin in admin.site._registry.items()
    if model._meta.app_label in ("chat", "feedback")
}
IDS = [model._meta.label_lower for model in ADMINS]


def address(model, page, *arguments):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


class Elements(HTMLParser):
    """Collect the start tags of a page with their attributes, and the text of its scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.scripts = []
        self._script = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._script = dict(attributes) if tag == "script" else None

    def handle_endtag(self, tag):
        self._script = None

    def handle_data(self, data):
        if self._script is not None and data.strip():
            self.scripts.append((self._script, data))

    def breaches(self):
        """List what the site's Content-Security-Policy would stop."""
        found = [("style element", tag) for tag, _ in self.tags if tag == "style"]
        for tag, attributes in self.tags:
            for name, value in attributes.items():
                if name == "style" or name.startswith("on"):
                    found.append((tag, name, value))
                if name in ("href", "src", "action") and (value or "").strip().lower().startswith(
                    "javascript:"
                ):
                    found.append((tag, name, value))
                if name == "src" and (value or "").startswith(("http:", "https:", "//")):
                    found.append((tag, name, value))
        return found + [
            ("inline script", data)
            for attributes, data in self.scripts
            if attributes.get("type") != "application/json"
        ]
