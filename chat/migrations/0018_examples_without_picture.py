from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0017_pictures_and_chinese'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='example',
            name='picture',
        ),
        migrations.RemoveField(
            model_name='example',
            name='picture_description',
        ),
        migrations.RemoveField(
            model_name='example',
            name='shipped_picture',
        ),
    ]
