import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client


@pytest.fixture(autouse=True)
def media_in_a_temporary_folder(settings, tmp_path):
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "media")},
        }
    }


@pytest.fixture
def administrator(db):
    return User.objects.create_superuser("administrator")


@pytest.fixture
def office(administrator):
    """A browser in which the administrator is logged in."""
    return browser_of(administrator)


def browser_of(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def staff(db):
    """Give a function that makes a staff user with these permissions, "app.codename" each."""

    def make(*permissions):
        user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=True)
        for permission in permissions:
            app, codename = permission.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        return user

    return make
