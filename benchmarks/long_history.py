"""Fill the database of the settings with conversations of one visitor, so many of so many messages each.

`python -m benchmarks.long_history CONVERSATIONS MESSAGES`; questions of 60 characters, replies of some 600 with
Markdown, no images. Prints the visitor's cookie and the ids of the conversations, newest first, as JSON.
"""

import datetime
import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mmchat_site.settings")
django.setup()

from django.db import connection  # noqa: E402 - models need the loaded apps
from django.utils import timezone  # noqa: E402

from benchmarks.messages import Talk, add_messages  # noqa: E402
from chat.models import ChatModel, Conversation, Message, Visitor  # noqa: E402
from chat.visitors import COOKIE, cookie_for  # noqa: E402

AT_ONCE = 50  # conversations
SECONDS = 20  # between two messages
QUESTION = "What can you see in the second row, and how sure are you? "
REPLY = """There are three boxes in the second row:

- the **largest** one is blue, and its label can be read;
- the second one is `red`, and half hidden behind the first;
- the third one lies on its side.

I am quite sure of the first two, and less of the third, since the light falls from behind and the edges are hard to
tell from the shadows on the floor. Compare the picture from Monday, on which the same row is seen from the left: there
the third box stands upright, and a fourth one can be seen behind it. """


def fill(conversations: int, messages: int) -> dict[str, object]:
    model, _ = ChatModel.objects.get_or_create(name="llava-v1.5-13b")
    visitor = Visitor.objects.create()
    now = timezone.now()
    rows = [
        Conversation(
            visitor=visitor,
            model=model,
            template="vicuna_v1",
            title=f"Boxes, day {number}",
            updated=now - datetime.timedelta(hours=number),
        )
        for number in range(conversations)
    ]
    Conversation.objects.bulk_create(rows)
    talk = Talk(QUESTION, REPLY, messages, SECONDS)
    long_ago = datetime.timedelta(seconds=SECONDS * messages)
    for first in range(0, conversations, AT_ONCE):
        add_messages({row: row.updated - long_ago for row in rows[first : first + AT_ONCE]}, talk)
    # One word that is nowhere else, in the oldest conversation.
    Message.objects.filter(conversation=rows[-1], position=0).update(text="Where is the xylophone?")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    return {
        "cookie": {"name": COOKIE, "value": cookie_for(visitor.pk)},
        "conversations": [str(row.pk) for row in rows],
    }


if __name__ == "__main__":
    print(json.dumps(fill(int(sys.argv[1]), int(sys.argv[2]))))
