from django.urls import path

from chat.views import images, pages, status

app_name = "chat"
urlpatterns = [
    path("", pages.new_conversation, name="new"),
    path("c/<uuid:conversation>/", pages.conversation, name="conversation"),
    path("embed/", pages.embed, name="embed"),
    path("history/", pages.history, name="history"),
    path("models/", pages.models, name="models"),
    path("uploads/", images.upload, name="upload"),
    path("images/<uuid:upload>/", images.picture, name="image"),
    path("images/<uuid:upload>/thumbnail/", images.thumbnail, name="thumbnail"),
    path("examples/<int:example>/picture/", images.example_picture, name="example_picture"),
    path("healthz", status.alive, name="alive"),
    path("readyz", status.ready, name="ready"),
    path("metrics", status.metrics, name="metrics"),
]
