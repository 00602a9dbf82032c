from django.urls import path

from chat.views import images, own_data, pages, status

app_name = "chat"
urlpatterns = [
    path("", pages.new_conversation, name="new"),
    path("c/<uuid:conversation>/", pages.conversation, name="conversation"),
    path("c/<uuid:conversation>/delete/", own_data.delete_conversation, name="delete_conversation"),
    path("consent/", own_data.consent_view, name="consent"),
    path("own-data/delete/", own_data.delete_everything, name="delete_everything"),
    path("own-data/receipt/", own_data.new_receipt, name="new_receipt"),
    path("receipt/", own_data.receipt, name="receipt"),
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
