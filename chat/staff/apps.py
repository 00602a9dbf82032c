from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    """Django's administration as an app, with the site's own log-in."""

    default_site = "chat.staff.site.StaffSite"
