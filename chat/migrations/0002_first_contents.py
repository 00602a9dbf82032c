"""What a new site starts with: parameter ranges, its texts, and example cards."""

from django.db import migrations

RANGES = [
    # name, minimum, maximum, step, default
    ("temperature", 0, 1, 0.1, 0.8),
    ("top_p", 0, 1, 0.1, 0.7),
    ("max_output_tokens", 0, 4096, 64, 1024),
    ("max_input_tiles", 1, 32, 1, 12),
]

TERMS = """\
This is a research preview. By using it you agree that what you write, the images you add and the replies are
stored and may be used to study and improve the models. Please do not send private or confidential data. The models
can be wrong and can be offensive; do not rely on what they say. Do not use this site for anything that is illegal
or that harms people."""

EXAMPLES = [
    ("What does this receipt add up to?", "receipt.png", "A café receipt"),
    ("Which bar is the highest, and what colour is it?", "chart.png", "A bar chart"),
    ("Describe the shapes and colours in this picture.", "shapes.png", "Coloured shapes"),
    ("What time of day is it here, and how can you tell?", "landscape.png", "A landscape with mountains and a low sun"),
]


def fill(apps, schema_editor):
    ParameterRange = apps.get_model("chat", "ParameterRange")
    for name, minimum, maximum, step, default in RANGES:
        ParameterRange.objects.get_or_create(
            name=name, defaults={"minimum": minimum, "maximum": maximum, "step": step, "default": default}
        )
    SiteText = apps.get_model("chat", "SiteText")
    if not SiteText.objects.exists():
        SiteText.objects.create(title="mmchat", terms=TERMS)
    Example = apps.get_model("chat", "Example")
    for position, (question, file, description) in enumerate(EXAMPLES):
        Example.objects.get_or_create(
            shipped_picture=f"examples/{file}",
            defaults={"question": question, "picture_description": description, "position": position},
        )


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
