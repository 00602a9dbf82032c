"""What the groups of staff may do. Migrations grant it, so that a host's own changes to the groups stay."""

from collections.abc import Iterable
from typing import Any

ADMINISTRATOR, MODERATOR, ANALYST = "administrator", "moderator", "analyst"
APPS = ("auth", "chat", "feedback")


def grant(apps: Any, role: str, permissions: Iterable[str]) -> None:
    """Give a role permissions, "app.codename" each, in a migration; `apps` are the migration's.

    Django makes permissions after all migrations only, so those that are missing are made here. Raises KeyError for
    one that no model of that migration's state has.
    """
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
    names = _names(apps)
    for permission in permissions:
        model, name = names[permission]
        app, codename = permission.split(".")
        kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
            app_label=app, model=model
        )
        row, _ = apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=kind, codename=codename, defaults={"name": name}
        )
        group.permissions.add(row)


def every_permission(apps: Any) -> list[str]:
    """Give all permissions of this site's apps and of users and groups, as a migration's state has them."""
    return sorted(_names(apps))


def _names(apps: Any) -> dict[str, tuple[str, str]]:
    """Give model and name of each permission."""
    found = {}
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            meta = model._meta
            of_model = [
                (f"{action}_{meta.model_name}", f"Can {action} {meta.verbose_name_raw}")
                for action in meta.default_permissions
            ]
            for codename, name in [*of_model, *meta.permissions]:
                found[f"{app}.{codename}"] = (meta.model_name, str(name))
    return found
