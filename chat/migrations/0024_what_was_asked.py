from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0023_fastchat_backends'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='protocol',
            field=models.CharField(blank=True, help_text='In which the worker was asked.', max_length=20, verbose_name='protocol'),
        ),
        migrations.AddField(
            model_name='message',
            name='request_hash',
            field=models.CharField(blank=True, help_text='Of what the worker was sent, without its pictures; tells whether it can be built again.', max_length=16, verbose_name='hash of the request'),
        ),
        migrations.AddField(
            model_name='message',
            name='template',
            field=models.CharField(blank=True, help_text='Empty: the worker has its own.', max_length=40, verbose_name='prompt template'),
        ),
    ]
