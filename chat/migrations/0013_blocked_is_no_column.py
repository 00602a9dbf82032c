from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("chat", "0012_blocks_have_reasons")]
    operations = [
        migrations.RemoveField(model_name="image", name="blocked"),
        migrations.RemoveField(model_name="visitor", name="blocked"),
    ]
