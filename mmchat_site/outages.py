"""What a request gets while the database is away."""

import logging

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from chat.database import UNAVAILABLE
from chat.views.errors import answer

log = logging.getLogger(__name__)


class DatabaseAwayMiddleware(MiddlewareMixin):
    """Say that trying again helps (503) where a database is locked, full, read-only or gone: that is no bug (500)."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, UNAVAILABLE):
            return None
        log.error("a request was refused: the database does not answer: %s", exception)
        return answer(request, 503)
