from django.urls import path

from chat.controller import views

app_name = "controller"
urlpatterns = [
    path("register_worker", views.register_worker, name="register_worker"),
    path("receive_heart_beat", views.receive_heart_beat, name="receive_heart_beat"),
    path("refresh_all_workers", views.refresh_all_workers, name="refresh_all_workers"),
    path("list_models", views.list_models, name="list_models"),
    path("list_multimodal_models", views.list_multimodal_models, name="list_multimodal_models"),
    path("list_language_models", views.list_language_models, name="list_language_models"),
    path("get_worker_address", views.get_worker_address, name="get_worker_address"),
]
