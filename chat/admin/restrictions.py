"""What is hidden and blocked: made here or in the review queue, never changed, and lifted by an action."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat import restrictions
from chat.admin.links import conversation_link, thumbnail
from chat.models import BlockedImage, BlockedVisitor, HiddenReply, Restriction, Upload
from chat.restrictions import Grounds


class InForceFilter(admin.SimpleListFilter):
    title = _("in force")
    parameter_name = "in_force"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        in_force = queryset.model.objects.in_force().values("pk")
        if self.value() == "yes":
            return queryset.filter(pk__in=in_force)
        return queryset.exclude(pk__in=in_force) if self.value() == "no" else queryset


class RestrictionForm(forms.ModelForm):
    def clean_until(self) -> Any:
        until = self.cleaned_data["until"]
        if until and until <= timezone.now():
            raise forms.ValidationError(_("This time is over already."))
        return until


class RestrictionAdmin(admin.ModelAdmin):
    """Add, lift and look; who may add may lift."""

    form = RestrictionForm
    show_full_result_count = False
    target: str
    list_filter = [InForceFilter, "created"]
    date_hierarchy = "created"
    ordering = ["-created"]
    actions = ["lift"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("creator", "lifter", self.target)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        told = [self.target, "reason", "until"]
        return [*told, "created", "creator", "lifted", "lifter"] if obj else told

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description=_("Lift the chosen ones"), permissions=["add"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        number = sum(restrictions.lift(row, request.user) for row in queryset)
        self.message_user(
            request,
            ngettext("%(number)s was lifted.", "%(number)s were lifted.", number) % {"number": number},
            messages.SUCCESS,
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made = self.make(obj, Grounds(request.user, obj.reason, obj.until))
        obj.pk, obj.created = made.pk, made.created

    def make(self, row: Any, grounds: Grounds) -> Restriction:
        raise NotImplementedError

    @admin.display(description=_("in force"), boolean=True)
    def holds(self, row: Restriction) -> bool:
        return row.holds


@admin.register(HiddenReply)
class HiddenReplyAdmin(RestrictionAdmin):
    target = "message"
    list_display = ["reply", "holds", "reason", "until", "created", "creator", "lifted", "lifter"]
    search_fields = ["reason", "=message__id", "=message__conversation__id"]
    raw_id_fields = ["message"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related("message__conversation")
        return rows.defer("message__text", "message__error_detail")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **more: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **more)
        if field := form.base_fields.get("message"):
            field.queryset = field.queryset.replies()
        return form

    def make(self, row: HiddenReply, grounds: Grounds) -> Restriction:
        return restrictions.hide_reply(row.message, grounds)

    @admin.display(description=_("reply"))
    def reply(self, row: HiddenReply) -> SafeString:
        label = str(row.message.conversation)
        return conversation_link(row.message.conversation_id, label, row.message_id)


@admin.register(BlockedImage)
class BlockedImageAdmin(RestrictionAdmin):
    target = "image"
    list_display = [
        "__str__",
        "picture",
        "holds",
        "reason",
        "until",
        "created",
        "creator",
        "lifted",
        "lifter",
    ]
    search_fields = ["reason", "^md5"]
    raw_id_fields = ["image"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        first = Upload.objects.filter(image=OuterRef("image")).order_by("created", "pk").values("pk")[:1]
        return super().get_queryset(request).annotate(an_upload=Subquery(first))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **more: Any) -> Any:
        form = super().get_form(request, obj, change, **more)
        if field := form.base_fields.get("image"):
            field.required = True
        return form

    def make(self, row: BlockedImage, grounds: Grounds) -> Restriction:
        assert row.image is not None  # the form requires it
        return restrictions.block_image(row.image, grounds)

    @admin.display(description=_("picture"))
    def picture(self, row: BlockedImage) -> SafeString | str:
        return thumbnail(getattr(row, "an_upload", None), str(row), blurred=True)


@admin.register(BlockedVisitor)
class BlockedVisitorAdmin(RestrictionAdmin):
    target = "visitor"
    list_display = ["visitor", "holds", "reason", "until", "created", "creator", "lifted", "lifter"]
    search_fields = ["reason", "=visitor__key"]
    raw_id_fields = ["visitor"]

    def make(self, row: BlockedVisitor, grounds: Grounds) -> Restriction:
        return restrictions.block_visitor(row.visitor, grounds)
