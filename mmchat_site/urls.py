from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("feedback/", include("feedback.urls")),
    path("workers/<str:secret>/", include("chat.controller.urls")),
    path("", include("chat.urls")),
]
