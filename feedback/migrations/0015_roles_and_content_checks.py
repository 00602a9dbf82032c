from django.db import migrations

from feedback.roles import ADMINISTRATOR, MODERATOR, grant

MODELS = ("moderationcheck", "checkthreshold")


def fill(apps, schema_editor):
    rights = [f"chat.{action}_{model}" for model in MODELS for action in ("add", "change", "delete", "view")]
    grant(apps, ADMINISTRATOR, rights)
    grant(apps, MODERATOR, [f"chat.view_{model}" for model in MODELS])


class Migration(migrations.Migration):
    dependencies = [("feedback", "0014_left_pages"), ("chat", "0028_moderation_pipeline")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
