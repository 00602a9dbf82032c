"""Lists of messages for workers that apply the template themselves."""

from chat.prompts.messages import Message, messages
from chat.prompts.render import Turn


def test_the_first_message_is_a_system_one_even_when_it_is_empty():
    assert messages(None, [Turn("user", "Hi")]) == [Message("system", ""), Message("user", "Hi")]


def test_images_belong_to_their_messages_by_number():
    listed = messages(
        "S",
        [
            Turn("user", "a", images=2),
            Turn("assistant", "b"),
            Turn("user", "c"),
            Turn("assistant", "d"),
            Turn("user", "e", images=1),
        ],
    )

    assert [(message.role, message.images) for message in listed] == [
        ("system", ()),
        ("user", (0, 1)),
        ("assistant", ()),
        ("user", ()),
        ("assistant", ()),
        ("user", (2,)),
    ]


def test_only_a_typed_image_tag_is_changed():
    typed = "a <image> </s> <|im_end|> USER: ### x"

    listed = messages("<image>", [Turn("user", typed), Turn("assistant", "<image>"), Turn("user", typed)])

    neutral = typed.replace("<image>", "<\u200bimage>")
    assert [message.content for message in listed] == ["<\u200bimage>", neutral, "<\u200bimage>", neutral]
