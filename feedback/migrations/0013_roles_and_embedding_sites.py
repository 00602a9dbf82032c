from django.db import migrations

from feedback.roles import ADMINISTRATOR, grant


def fill(apps, schema_editor):
    rights = [f"chat.{action}_embeddingsite" for action in ("add", "change", "delete", "view")]
    grant(apps, ADMINISTRATOR, rights)


class Migration(migrations.Migration):
    dependencies = [("feedback", "0012_roles_and_words_of_the_host"), ("chat", "0019_embedding_sites")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
