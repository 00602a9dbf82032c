"""The addresses of the API; its modules add theirs by being imported."""

from django.urls import path

from feedback.api import exporting, reading
from feedback.api.site import api, nothing_here

__all__ = ["exporting", "reading"]
urlpatterns = [*api.urls[0], path("<path:rest>", nothing_here)]
app_name = "api"
