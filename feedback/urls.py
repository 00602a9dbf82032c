from django.urls import path

from feedback import views

app_name = "feedback"
urlpatterns = [
    path("<uuid:message>/vote/", views.vote, name="vote"),
    path("<uuid:message>/preference/", views.preference, name="preference"),
    path("<uuid:message>/flag/", views.flag, name="flag"),
    path("reasons/", views.reasons, name="reasons"),
]
