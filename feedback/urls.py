from django.urls import path

from feedback import views

app_name = "feedback"
urlpatterns = [
    path("<uuid:message>/vote/", views.vote, name="vote"),
    path("<uuid:message>/flag/", views.flag, name="flag"),
]
