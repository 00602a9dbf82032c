from django.db import migrations

from feedback.roles import ADMINISTRATOR, ANALYST, MODERATOR, grant

VIEW, REVOKE = "chat.view_sharedlink", "chat.revoke_sharedlink"


def fill(apps, schema_editor):
    grant(apps, MODERATOR, [VIEW, REVOKE])
    grant(apps, ANALYST, [VIEW])
    grant(apps, ADMINISTRATOR, [VIEW, REVOKE])


class Migration(migrations.Migration):
    dependencies = [("feedback", "0010_attempts_at_exports"), ("chat", "0015_shared_links")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
