from django.db import migrations

from feedback.roles import ADMINISTRATOR, grant


def fill(apps, schema_editor):
    rights = [f"chat.{action}_limitrule" for action in ("add", "change", "delete", "view")]
    grant(apps, ADMINISTRATOR, rights)


class Migration(migrations.Migration):
    dependencies = [("feedback", "0015_roles_and_content_checks"), ("chat", "0031_limits")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
