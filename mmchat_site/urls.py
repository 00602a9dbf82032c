from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("feedback.api.urls")),
    path("feedback/", include("feedback.urls")),
    path("workers/<str:secret>/", include("chat.controller.urls")),
    path("", include("chat.urls")),
]
