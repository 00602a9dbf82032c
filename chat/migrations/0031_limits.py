import django.core.validators
from django.db import migrations, models

VISITOR, ADDRESS, TOKEN = "visitor", "address", "token"
MINUTE, TEN_MINUTES, HOUR = 60, 600, 3600
DEFAULTS = [
    ("Connections of a visitor", "handshakes", VISITOR, 60, MINUTE),
    ("Connections of an address", "handshakes", ADDRESS, 600, MINUTE),
    ("Open pages of a visitor", "sockets", VISITOR, 4, None),
    ("Open pages of an address", "sockets", ADDRESS, 400, None),
    ("Frames of a visitor", "frames", VISITOR, 20, 10),
    ("Messages of a visitor", "messages", VISITOR, 30, MINUTE),
    ("Messages of an address", "messages", ADDRESS, 600, MINUTE),
    ("Replies of a visitor at once", "replies", VISITOR, 8, None),
    ("Images of a visitor", "images", VISITOR, 120, TEN_MINUTES),
    ("Images of an address", "images", ADDRESS, 2400, TEN_MINUTES),
    ("Megabytes of a visitor", "megabytes", VISITOR, 500, HOUR),
    ("Megabytes of an address", "megabytes", ADDRESS, 10_000, HOUR),
    ("Descriptions of a visitor", "descriptions", VISITOR, 120, TEN_MINUTES),
    ("Images as sent, of a visitor", "sent_images", VISITOR, 120, MINUTE),
    ("Votes and flags of a visitor", "opinions", VISITOR, 60, MINUTE),
    ("Searches of a visitor", "searches", VISITOR, 240, MINUTE),
    ("What a model saw, for a visitor", "inspections", VISITOR, 60, MINUTE),
    ("Shared links of a visitor", "links", VISITOR, 30, TEN_MINUTES),
    ("Receipt codes of an address", "receipts", ADDRESS, 10, TEN_MINUTES),
    ("Requests of a token", "api", TOKEN, 120, MINUTE),
]


def fill(apps, schema_editor):
    LimitRule = apps.get_model("chat", "LimitRule")
    for name, counted, by, amount, seconds in DEFAULTS:
        LimitRule.objects.create(name=name, counted=counted, by=by, amount=amount, seconds=seconds)


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0030_guards'),
    ]

    operations = [
        migrations.CreateModel(
            name='LimitRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('counted', models.CharField(choices=[('handshakes', 'connections begun'), ('sockets', 'open pages at once'), ('frames', 'frames sent to the socket'), ('messages', 'messages, regenerated and continued replies'), ('replies', 'replies at once, those in line included'), ('images', 'images sent'), ('megabytes', 'megabytes of images sent'), ('descriptions', 'descriptions of images'), ('sent_images', 'images looked at as models are sent them'), ('opinions', 'votes, preferences and flags'), ('searches', 'searches of the history'), ('inspections', 'looks at what a model saw'), ('links', 'shared links made or moved'), ('receipts', 'tries with receipt codes'), ('api', 'requests of the API')], max_length=20, verbose_name='what is counted')),
                ('by', models.CharField(choices=[('visitor', 'visitor'), ('address', 'address'), ('token', 'token of the API')], help_text='An address is one IPv4 address or an IPv6 /64; a school may have one for everybody.', max_length=10, verbose_name='for each')),
                ('amount', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000000000)], verbose_name='at most')),
                ('seconds', models.PositiveIntegerField(blank=True, help_text='Empty for what is counted at once.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2678400)], verbose_name='in seconds')),
                ('enabled', models.BooleanField(default=True, verbose_name='in force')),
            ],
            options={
                'verbose_name': 'limit',
                'verbose_name_plural': 'limits',
                'ordering': ['counted', 'by', 'seconds'],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
