from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chat.admin.access import ReadOnlyAdmin
from chat.admin.links import thumbnail
from chat.images.blocks import is_blocked
from chat.models import Image, Upload


@admin.register(Image)
class ImageAdmin(ReadOnlyAdmin):
    change_form_template = "admin/chat/restrictable.html"
    list_display = ["picture", "md5", "width", "height", "source_format", "bytes", "blocked", "created"]
    list_display_links = ["md5"]
    list_filter = ["source_format", "created"]
    search_fields = ["^md5"]
    date_hierarchy = "created"
    ordering = ["-created"]
    fields = [
        "picture", "md5", "difference_hash", "width", "height", "source_format", "bytes", "blocked", "created"
    ]  # fmt: skip
    readonly_fields = ["picture", "blocked"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        first = Upload.objects.filter(image=OuterRef("pk")).order_by("created", "pk").values("pk")[:1]
        return super().get_queryset(request).annotate(an_upload=Subquery(first))

    @admin.display(description=_("picture"))
    def picture(self, image: Image) -> SafeString | str:
        return thumbnail(getattr(image, "an_upload", None), str(image))

    @admin.display(description=_("blocked"), boolean=True)
    def blocked(self, image: Image) -> bool:
        return is_blocked(image)


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    list_display = ["picture", "__str__", "name", "visitor", "created"]
    list_display_links = ["__str__"]
    list_filter = ["created"]
    list_select_related = ["visitor", "image"]
    search_fields = ["=id", "name", "^image__md5", "=visitor__key"]
    date_hierarchy = "created"
    ordering = ["-created"]
    fields = ["picture", "name", "visitor", "image", "created"]
    readonly_fields = ["picture"]

    @admin.display(description=_("picture"))
    def picture(self, upload: Upload) -> SafeString | str:
        return thumbnail(upload.pk, upload.name or str(upload.image))
