"""The review queue: one page with the item whose turn it is, and the next one ready behind it."""

import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from chat.admin.access import ReadOnlyAdmin
from chat.models import ModerationEvent
from chat.refusals import Refused
from chat.words import page_words
from feedback.admin.forms import DecisionForm, WishForm
from feedback.admin.items import read_items
from feedback.models import Flag, Review, ReviewItem
from feedback.review import claims
from feedback.review.decisions import decide, return_skipped, undo
from feedback.review.queue import Wish, waiting

SHOWN = 2  # the item whose turn it is, and the next one
DONE = {
    Review.Verdict.UPHELD: gettext_lazy("Upheld."),
    Review.Verdict.DISMISSED: gettext_lazy("Dismissed."),
    Review.Verdict.SKIPPED: gettext_lazy("Skipped."),
}


@admin.register(ReviewItem)
class ReviewItemAdmin(ReadOnlyAdmin):
    """The queue instead of a list. Whoever may only view sees the first item and claims nothing."""

    fields = ["model", "role", "state", "created"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        same = {"message": OuterRef("pk")}
        open_flags = Flag.objects.awaiting_review().filter(**same)
        open_events = ModerationEvent.objects.awaiting_review().filter(**same)
        return ReviewItem.objects.filter(Q(Exists(open_flags)) | Q(Exists(open_events)))

    def get_urls(self) -> list[URLPattern]:
        views = {
            "decide": self.decide_view,
            "undo": self.undo_view,
            "release": self.release_view,
            "return": self.return_view,
        }
        own = [
            path(
                f"{name}/", self.admin_site.admin_view(require_POST(view)), name=f"feedback_reviewitem_{name}"
            )
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = WishForm(request.GET)
        wish = form.wish()
        shown_on = uuid.uuid4()
        if _may_decide(request):
            chosen = claims.take(_pk(request), wish, SHOWN, page=shown_on)
            claims.show(_pk(request), chosen, shown_on)
        else:
            chosen = [row["message_id"] for row in waiting(wish)[:1]]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Review queue"),
            "opts": self.opts,
            "wish_form": form,
            "filtered": any(request.GET.get(name) for name in form.fields if name != "order"),
            **_counts(request, wish),
            **_shown(request, chosen),
            "page": shown_on,
            "words": page_words(),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/feedback/reviewitem/queue.html", context)

    def decide_view(self, request: HttpRequest) -> HttpResponse:
        _check(request)
        form = DecisionForm(request.POST)
        try:
            if not form.is_valid():
                field, errors = next(iter(form.errors.items()))
                raise Refused("field_invalid", f"{form.fields[field].label or field}: {errors[0]}", field)
            message = form.cleaned_data["message"]
            decision = form.decision(*(_numbers(request, name) for name in ("flag", "event", "image")))
            _check_measures(request, decision)
            review = decide(request.user, message, decision)  # type: ignore[arg-type]  # staff are users
        except Refused as refused:
            return _answer(request, str(refused.text), refused=refused)
        return _answer(request, str(DONE[Review.Verdict(review.verdict)]))

    def undo_view(self, request: HttpRequest) -> HttpResponse:
        _check(request)
        try:
            review = undo(request.user, page=_page(request))  # type: ignore[arg-type]
        except Refused as refused:
            return _answer(request, refused.text, refused=refused)
        mine = claims.held(_pk(request), [review.message_id])
        text = _("Undone.") if mine else _("Undone; another moderator has this one now.")
        return _answer(request, text, first=mine)

    def release_view(self, request: HttpRequest) -> HttpResponse:
        """Let go of what a page that is left had claimed."""
        _check(request)
        if page := _page(request):
            claims.leave(_pk(request), page)
        return HttpResponse(status=204)

    def return_view(self, request: HttpRequest) -> HttpResponse:
        """Show again what this moderator skipped."""
        _check(request)
        return_skipped(request.user)  # type: ignore[arg-type]
        return HttpResponseRedirect(_queue(request))


def _pk(request: HttpRequest) -> int:
    pk = request.user.pk
    assert pk is not None  # pages of the administration need somebody who is logged in
    return int(pk)


def _may_decide(request: HttpRequest) -> bool:
    return request.user.has_perm("feedback.decide_reviewitem")


def _check(request: HttpRequest) -> None:
    if not _may_decide(request):
        raise PermissionDenied


def _check_measures(request: HttpRequest, decision: Any) -> None:
    """Raise PermissionDenied for a measure that this moderator may not take."""
    for wanted, permission in (
        (decision.hide, "chat.add_hiddenreply"),
        (decision.block_visitor, "chat.add_blockedvisitor"),
        (decision.block_images, "chat.add_blockedimage"),
    ):
        if wanted and not request.user.has_perm(permission):
            raise PermissionDenied


def _numbers(request: HttpRequest, name: str) -> list[int]:
    values = request.POST.getlist(name)
    if not all(value.isdecimal() and len(value) < 19 for value in values):
        raise Refused("field_invalid", _("This form can't be read. Load the page again."), name)
    return [int(value) for value in values]


def _have(request: HttpRequest) -> list[uuid.UUID]:
    """Read which items the page holds."""
    return [have for value in request.POST.getlist("have")[:20] if (have := _uuid(value))]


def _page(request: HttpRequest) -> uuid.UUID | None:
    """Read which page asks; a form that is sent without a script is of none."""
    return _uuid(request.POST.get("page", ""))


def _uuid(value: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(value)
    except ValueError:
        return None


def _queue(request: HttpRequest) -> str:
    query = request.GET.urlencode()
    return reverse("admin:feedback_reviewitem_changelist") + (f"?{query}" if query else "")


def _counts(request: HttpRequest, wish: Wish) -> dict[str, int]:
    return {
        "waiting": waiting(wish, request.user.pk).count(),
        "skipped": Review.objects.skips_of(request.user.pk).count(),
    }


def _shown(request: HttpRequest, chosen: list[uuid.UUID]) -> dict[str, Any]:
    return {
        "items": read_items(chosen),
        "may_decide": _may_decide(request),
        "query": request.GET.urlencode(),
        "decision_form": DecisionForm(initial={"visitor_days": "7"}),
    }


def _answer(
    request: HttpRequest, text: str, first: list[uuid.UUID] | None = None, refused: Refused | None = None
) -> HttpResponse:
    """Tell a script what came of its request and give it the items that it lacks; lead a form back to the page.

    A page that is being left is told nothing: nobody would see it, and its browser would load the queue once more.
    """
    if "leaving" in request.POST:
        return HttpResponse(status=204)
    if "application/json" not in request.headers.get("Accept", ""):
        messages.add_message(request, messages.ERROR if refused else messages.SUCCESS, text)
        return HttpResponseRedirect(_queue(request))
    wish = WishForm(request.GET).wish()
    have = _have(request)
    claims.hold(_pk(request), have)
    kept = claims.held(_pk(request), have)
    more = [
        *(first or []),
        *claims.take(
            _pk(request), wish, max(0, SHOWN - len(kept)), [*have, *(first or [])], page=_page(request)
        ),
    ]
    context = _shown(request, more)
    told = {
        "text": text,
        "error": refused and {"code": refused.code, "text": refused.text, "field": refused.field},
        "first": [str(message) for message in first or []],
        "lost": [str(message) for message in have if message not in kept],
        "html": render_to_string("admin/feedback/reviewitem/items.html", context, request),
        **_counts(request, wish),
    }
    return JsonResponse(told, status=409 if refused else 200)
