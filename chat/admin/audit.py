from django.contrib import admin

from chat.admin.access import ReadOnlyAdmin
from chat.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ["created", "actor", "action", "target", "detail"]
    list_filter = ["action", "created"]
    list_select_related = ["actor"]
    search_fields = ["action", "target", "actor__username"]
    date_hierarchy = "created"
