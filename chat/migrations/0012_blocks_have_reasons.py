"""What was blocked becomes a block with a reason, and conversations get the language of their first words."""

from django.db import migrations
from django.db.models import OuterRef, Subquery

from chat.languages import language_of

REASON = "Blocked before blocks had reasons"
BATCH = 1000


def blocks(apps, schema_editor):
    BlockedVisitor = apps.get_model("chat", "BlockedVisitor")
    for visitor in apps.get_model("chat", "Visitor").objects.filter(blocked=True):
        BlockedVisitor.objects.create(visitor=visitor, reason=REASON)
    BlockedImage = apps.get_model("chat", "BlockedImage")
    for image in apps.get_model("chat", "Image").objects.filter(blocked=True):
        BlockedImage.objects.create(
            image=image,
            md5=image.md5,
            width=image.width,
            height=image.height,
            difference_hash=image.difference_hash,
            reason=REASON,
        )


def unblock(apps, schema_editor):
    held = {"lifted__isnull": True, "until__isnull": True}
    visitors = apps.get_model("chat", "BlockedVisitor").objects.filter(**held).values("visitor")
    apps.get_model("chat", "Visitor").objects.filter(pk__in=visitors).update(blocked=True)
    images = apps.get_model("chat", "BlockedImage").objects.filter(**held, image__isnull=False).values("image")
    apps.get_model("chat", "Image").objects.filter(pk__in=images).update(blocked=True)


def languages(apps, schema_editor):
    Conversation = apps.get_model("chat", "Conversation")
    Message = apps.get_model("chat", "Message")
    first = Message.objects.filter(conversation=OuterRef("pk"), role="user").exclude(text="").order_by("position")
    rows = Conversation.objects.annotate(words=Subquery(first.values("text")[:1])).order_by("pk")
    found: dict[str, list] = {}
    for pk, words in rows.values_list("pk", "words").iterator(BATCH):
        if language := language_of(words or ""):
            found.setdefault(language, []).append(pk)
    for language, keys in found.items():
        for start in range(0, len(keys), BATCH):
            Conversation.objects.filter(pk__in=keys[start : start + BATCH]).update(language=language)


class Migration(migrations.Migration):
    dependencies = [("chat", "0011_restrictions")]
    operations = [
        migrations.RunPython(blocks, unblock),
        migrations.RunPython(languages, migrations.RunPython.noop),
    ]
