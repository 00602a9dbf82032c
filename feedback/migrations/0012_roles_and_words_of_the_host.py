from django.db import migrations

from feedback.roles import ADMINISTRATOR, ANALYST, MODERATOR, grant

MODELS = ("announcement", "examplepicture", "sitetranslation", "termstranslation")
PERMISSIONS = [f"chat.{may}_{model}" for model in MODELS for may in ("add", "change", "delete", "view")]
# Of the shipped reasons, as long as their host has not named them otherwise.
CHINESE = {
    "wrong": ("Wrong", "有错误"),
    "ungrounded": ("Not in the image", "图中没有"),
    "misread_text": ("Misread text", "文字识别有误"),
    "unsafe": ("Unsafe", "不安全"),
    "unhelpful": ("Not helpful", "没有帮助"),
    "brilliant": ("Brilliant", "非常出色"),
    "correct": ("Correct", "正确"),
    "sees_detail": ("Sees the details", "看到了细节"),
    "clear": ("Well explained", "讲解清楚"),
}


def fill(apps, schema_editor):
    grant(apps, ADMINISTRATOR, PERMISSIONS)
    for role in (MODERATOR, ANALYST):
        grant(apps, role, ["chat.view_termstranslation"])  # they read the terms already
    Label = apps.get_model("feedback", "VoteReasonLabel")
    for reason in apps.get_model("feedback", "VoteReason").objects.all():
        english, chinese = CHINESE.get(reason.key, ("", ""))
        if english and reason.label == english:
            Label.objects.get_or_create(reason=reason, language="zh-hans", defaults={"text": chinese})


class Migration(migrations.Migration):
    dependencies = [("feedback", "0011_roles_and_shared_links"), ("chat", "0018_examples_without_picture")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
