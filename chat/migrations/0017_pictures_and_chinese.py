"""Pictures of examples become rows of their own, and what the site ships is there in Chinese too."""

from django.db import migrations

CHINESE = "zh-hans"
# Shipped picture: question and picture in words
EXAMPLES = {
    "examples/receipt.png": ("这张小票一共多少钱？", "一张咖啡馆小票"),
    "examples/chart.png": ("哪根柱子最高？是什么颜色？", "一张柱状图"),
    "examples/shapes.png": ("描述一下图中的形状和颜色。", "彩色图形"),
    "examples/landscape.png": ("图中是一天中的什么时候？怎么看出来的？", "有群山和低垂太阳的风景"),
}
SHIPPED_TERMS = "This is a research preview. By using it you agree that what you write, the images you add"
TERMS = """\
本站为研究预览版。使用本站即表示你同意：你输入的文字、添加的图片以及模型的回答会被保存，并可能用于研究和改进模型。\
请不要发送隐私或机密信息。模型可能出错，也可能给出令人反感的内容；请不要依赖它们的回答。请勿将本站用于任何违法或伤害他人的用途。"""


def fill(apps, schema_editor):
    Example, Picture = apps.get_model("chat", "Example"), apps.get_model("chat", "ExamplePicture")
    for row in list(Example.objects.exclude(picture="", shipped_picture="")):
        Picture.objects.create(
            example=row, file=row.picture, shipped=row.shipped_picture, description=row.picture_description
        )
        if row.shipped_picture in EXAMPLES and not row.picture:
            question, description = EXAMPLES[row.shipped_picture]
            own = Example.objects.create(
                question=question, language=CHINESE, position=row.position, enabled=row.enabled
            )
            Picture.objects.create(example=own, shipped=row.shipped_picture, description=description)
            row.language = "en"
            row.save(update_fields=["language"])
    Terms, Translation = apps.get_model("chat", "Terms"), apps.get_model("chat", "TermsTranslation")
    for terms in Terms.objects.filter(text__startswith=SHIPPED_TERMS):
        Translation.objects.create(terms=terms, language=CHINESE, text=TERMS)


def empty(apps, schema_editor):
    Example, Picture = apps.get_model("chat", "Example"), apps.get_model("chat", "ExamplePicture")
    Example.objects.filter(language=CHINESE).delete()
    for picture in Picture.objects.order_by("-position", "-pk"):
        Example.objects.filter(pk=picture.example_id).update(
            picture=picture.file, shipped_picture=picture.shipped, picture_description=picture.description
        )


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0016_host'),
    ]

    operations = [
        migrations.RunPython(fill, empty),
    ]
