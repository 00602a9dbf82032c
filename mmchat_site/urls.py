from django.conf import settings
from django.contrib import admin
from django.urls import include, path

handler400 = "chat.views.errors.bad_request"
handler403 = "chat.views.errors.not_allowed"
handler404 = "chat.views.errors.not_found"
handler500 = "chat.views.errors.internal"

urlpatterns = [
    path(f"{settings.MMCHAT_ADMIN_PATH}/", admin.site.urls),
    path("api/v1/", include("feedback.api.urls")),
    path("feedback/", include("feedback.urls")),
    path("workers/<str:secret>/", include("chat.controller.urls")),
    path("", include("chat.urls")),
]
