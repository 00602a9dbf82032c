"""Which language somebody writes, where words or letters tell."""

import pytest

from chat.languages import LANGUAGES, language_of
from chat.models import Conversation
from chat.turns import start
from tests.chat.factories import make_model, make_visitor
from tests.chat.test_turns import send


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is in this picture?", "en"),
        ("Was ist auf dem Bild?", "de"),
        ("Qu’est-ce que c'est ?", "fr"),
        ("¿Qué hay en la imagen?", "es"),
        ("O que é isto?", "pt"),
        ("Che cosa è questo?", "it"),
        ("Wat is dit?", "nl"),
        ("Bu nedir?", "tr"),
        ("這張圖片裡有什麼?", "zh"),
        ("この写真には何がありますか?", "ja"),
        ("이 사진은 무엇입니까?", "ko"),
        ("Что на этой картинке?", "ru"),
        ("Що це за їжа?", "uk"),
        ("ما هذا؟", "ar"),
        ("این چیست؟ پنجره", "fa"),
        ("यह क्या है?", "hi"),
        ("Read the sign 出口 please: what does it say?", "en"),
        ("Hello", ""),
        ("Count 1 2 3", ""),
        ("🙂 42 + 1", ""),
        ("", ""),
    ],
)
def test_the_language_of_a_question(text, language):
    assert language_of(text) == language
    assert language in ("", *LANGUAGES)


@pytest.mark.django_db
def test_a_conversation_has_the_language_of_its_first_words_that_tell_one():
    model, visitor = make_model(), make_visitor()
    turn = start(visitor.key, None, send(model, text="Hello"), visitor.key)
    conversation = Conversation.objects.get()
    assert conversation.language == ""
    conversation.messages.update(state="complete")
    for text in ("Was ist das hier?", "What is this?"):
        start(visitor.key, None, send(model, text=text, conversation=turn.conversation), visitor.key)
        conversation.messages.update(state="complete")
        conversation.refresh_from_db()
        assert conversation.language == "de"
