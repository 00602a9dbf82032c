from django.db import migrations, models


def fill(apps, schema_editor):
    messages = apps.get_model("chat", "Message").objects.filter(pk=models.OuterRef("message"))
    apps.get_model("feedback", "Vote").objects.update(model=models.Subquery(messages.values("model")[:1]))


class Migration(migrations.Migration):
    dependencies = [("feedback", "0008_dashboard")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
