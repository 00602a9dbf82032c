from django.db import migrations

from feedback.roles import ADMINISTRATOR, ANALYST, MODERATOR, every_permission, grant

READ = [
    "chat.view_chatmodel",
    "chat.view_conversation",
    "chat.view_message",
    "chat.view_messageimage",
    "chat.view_image",
    "chat.view_upload",
    "chat.view_visitor",
    "chat.view_moderationevent",
    "chat.view_hiddenreply",
    "chat.view_blockedimage",
    "chat.view_blockedvisitor",
    "chat.view_terms",
    "feedback.view_vote",
    "feedback.view_votechange",
    "feedback.view_votereason",
    "feedback.view_votereasonlabel",
    "feedback.view_preference",
    "feedback.view_flag",
    "feedback.view_review",
]
REVIEW = [
    "chat.view_auditentry",
    "chat.add_hiddenreply",
    "chat.add_blockedimage",
    "chat.add_blockedvisitor",
    "feedback.change_flag",
    "feedback.view_reviewitem",
    "feedback.decide_reviewitem",
]


def fill(apps, schema_editor):
    grant(apps, MODERATOR, READ + REVIEW)
    grant(apps, ANALYST, READ)
    grant(apps, ADMINISTRATOR, every_permission(apps))


def remove(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=[MODERATOR, ANALYST, ADMINISTRATOR]).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("feedback", "0004_review_queue"),
        ("chat", "0014_images_as_jpeg"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(fill, remove)]
