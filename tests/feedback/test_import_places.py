"""Where imported lines go: conversations, variants, branches, votes and flags."""

import datetime
import json

import pytest

from chat.addresses import keyed_hash
from chat.models import Conversation, Message, ReplyState, Role, Visitor
from feedback.models import Flag, LogLine, Vote, VoteChange
from tests.feedback.stories import exchange, make_conversation
from tests.feedback.test_import_and_export import bring_in, exported

pytestmark = pytest.mark.django_db
BEGINNING = 1795345994.0


def said(*texts):
    return [[("USER", "ASSISTANT")[place % 2], text] for place, text in enumerate(texts)]


def llava(moment, *texts, kind="chat", ip="203.0.113.4", model="llava-v1.5-7b", images=(), **fields):
    state = {"system": "Be kind.", "roles": ["USER", "ASSISTANT"], "messages": said(*texts), "offset": 0,
             "sep": " ", "sep2": "</s>"}  # fmt: skip
    line = {"tstamp": BEGINNING + moment, "type": kind, "model": model}
    if kind == "chat":
        line |= {"start": BEGINNING + moment - 2, "finish": BEGINNING + moment - 2}
    line |= {"state": state} | ({"images": list(images)} if kind == "chat" else {})
    return line | {"ip": ip} | fields


def fastchat(moment, conv_id, *texts, kind="chat", ip="203.0.113.4", **fields):
    state = {"template_name": "vicuna_v1.1", "system_message": "Be kind.", "roles": ["USER", "ASSISTANT"],
             "messages": said(*texts), "offset": 0, "conv_id": conv_id, "model_name": "vicuna-7b"}  # fmt: skip
    line = {"tstamp": BEGINNING + moment, "type": kind, "model": "vicuna-7b"}
    if kind == "chat":
        line |= {"gen_params": {"temperature": 0.7, "top_p": 1.0, "max_new_tokens": 256},
                 "start": BEGINNING + moment - 2, "finish": BEGINNING + moment - 1}  # fmt: skip
    return line | {"state": state, "ip": ip} | fields


@pytest.fixture
def bring(tmp_path):
    def bring(*lines, name="2026-11-22-conv.json"):
        path = tmp_path / name
        path.write_text(
            "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        )
        return bring_in(path)

    return bring


def tree(conversation):
    """Give a conversation as texts below texts."""

    def below(parent):
        rows = conversation.messages.filter(parent=parent).order_by("variant", "created")
        return {row.text: below(row) for row in rows}

    return below(None)


def test_cumulative_states_become_one_conversation(bring):
    bring(
        llava(0, "One?", "1"),
        llava(9, "One?", "1", "Two?", "2"),
        llava(20, "One?", "1", "Two?", "2", "3?", "3"),
    )
    conversation = Conversation.objects.get()
    assert tree(conversation) == {"One?": {"1": {"Two?": {"2": {"3?": {"3": {}}}}}}}
    assert (conversation.source, conversation.title, conversation.system_message) == (
        "llava",
        "One?",
        "Be kind.",
    )
    assert conversation.updated.timestamp() == BEGINNING + 20
    assert conversation.visitor.address_hash == keyed_hash("203.0.113.4")
    assert conversation.visitor.address is None


def test_the_language_is_that_of_the_first_text_that_has_one(bring):
    bring(llava(0, "2+2=?", "4"), llava(9, "2+2=?", "4", "请描述这张图片。", "好"))
    assert Conversation.objects.get().language == "zh"
    bring(llava(90, "2-2=?", "0", ip="203.0.113.9"))
    bring(llava(99, "2-2=?", "0", "What is there in the picture?", "A cat", ip="203.0.113.9"))
    assert set(Conversation.objects.values_list("language", flat=True)) == {"zh", "en"}


def test_another_reply_to_the_same_question_is_a_variant_that_can_be_gone_on_from(bring):
    bring(
        llava(0, "One?", "1"), llava(9, "One?", "one"), llava(20, "One?", "one", "Two?", "2"),
        llava(30, "One?", "one", "Two?", "two"),
    )  # fmt: skip
    assert tree(Conversation.objects.get()) == {"One?": {"1": {}, "one": {"Two?": {"2": {}, "two": {}}}}}
    assert sorted(Message.objects.replies().values_list("text", "variant")) == [
        ("1", 0), ("2", 0), ("one", 1), ("two", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "again",
    [
        llava(31 * 60, "One?", "one"),
        llava(30, "One?", "one", ip="203.0.113.5"),
        llava(30, "One?", "one", model="llava-v1.5-13b"),
        llava(30, "<image>\nOne?", "one", images=["a" * 32]),
    ],
    ids=["half an hour later", "another address", "another model", "another image"],
)
def test_the_same_first_question_begins_a_new_conversation(bring, again):
    bring(llava(0, "One?", "1"), again)
    assert Conversation.objects.count() == 2
    assert set(Message.objects.replies().values_list("variant", flat=True)) == {0}


def test_the_same_first_question_begins_a_new_conversation_once_the_other_one_has_gone_on(bring):
    bring(llava(0, "One?", "1"), llava(9, "One?", "1", "Two?", "2"), llava(20, "One?", "one"))
    assert Conversation.objects.count() == 2


def test_a_state_that_contradicts_an_earlier_one_of_its_conversation_is_a_branch(bring):
    bring(
        fastchat(0, "a", "One?", "1"), fastchat(9, "a", "One?", "1", "Two?", "2"),
        fastchat(20, "a", "One?", "1", "2?", "II"), fastchat(30, "a", "Uno?", "uno"),
    )  # fmt: skip
    assert tree(Conversation.objects.get()) == {
        "One?": {"1": {"Two?": {"2": {}}, "2?": {"II": {}}}},
        "Uno?": {"uno": {}},
    }
    assert Conversation.objects.get().source_id == "a"


def test_turns_without_a_line_of_their_own_are_kept_and_found_by_it_later(bring):
    bring(llava(20, "One?", "1", "Two?", "2"), name="2026-11-23-conv.json")
    assert LogLine.objects.filter(kind="").count() == 1
    first = Message.objects.get(text="1")
    assert first.finished is None
    bring(llava(0, "One?", "1"), name="2026-11-22-conv.json")
    first.refresh_from_db()
    assert first.finished.timestamp() == BEGINNING
    assert (Conversation.objects.count(), Message.objects.count()) == (1, 4)
    assert not LogLine.objects.filter(kind="").exists()


def test_the_true_end_of_a_reply_is_read_from_what_the_server_wrote(bring):
    bring(llava(0, "One?", "1"), fastchat(0, "a", "One?", "1"))
    old, new = Message.objects.replies().order_by("model__name")
    for reply, end in ((old, BEGINNING), (new, BEGINNING - 1)):
        assert reply.sent.timestamp() == BEGINNING - 2
        assert reply.finished.timestamp() == end
    assert new.parameters == {"temperature": 0.7, "top_p": 1.0, "max_output_tokens": 256}


def test_an_unfinished_reply_is_interrupted_and_has_no_cursor(bring):
    bring(llava(0, "One?", "1, 2▌"))
    reply = Message.objects.replies().get()
    assert (reply.text, reply.state) == ("1, 2", ReplyState.INTERRUPTED)


def test_examples_of_the_template_are_not_the_visitors(bring):
    line = llava(0, "Hi", "Hello.", "One?", "1")
    line["state"]["offset"] = 2
    bring(line)
    assert tree(Conversation.objects.get()) == {"One?": {"1": {}}}


def test_votes_and_flags_join_the_reply_with_their_messages_address_and_time(bring):
    counts, problems = bring(
        llava(0, "One?", "1"), llava(5000, "One?", "1"),
        llava(5, "One?", "1", kind="upvote"), llava(5005, "One?", "1", kind="downvote"),
        llava(5006, "One?", "1", kind="flag"),
        llava(7, "One?", "1", kind="upvote", ip="203.0.113.5"),
        llava(-9, "One?", "1", kind="upvote"),
        llava(7, "One?", "one", kind="flag"),
    )  # fmt: skip
    early, late = Message.objects.replies().order_by("created")
    assert list(Vote.objects.order_by("created").values_list("message", "value")) == [
        (early.pk, "up"), (late.pk, "down"),
    ]  # fmt: skip
    assert set(Vote.objects.values_list("model__name", flat=True)) == {early.model.name}
    flag = Flag.objects.get()
    assert (flag.message, flag.reason, flag.state) == (late, "other", "open")
    assert flag.created == datetime.datetime.fromtimestamp(BEGINNING + 5006, datetime.UTC)
    why = "no chat line before it has the messages, from this address"
    assert problems == [("2026-11-22-conv.json", number, why) for number in (6, 7, 8)]
    assert counts["unplaced"] == 3


def test_a_vote_without_images_joins_a_chat_with_them(bring):
    bring(llava(0, "<image>\nOne?", "1", images=["a" * 32]), llava(5, "<image>\nOne?", "1", kind="upvote"))
    assert Vote.objects.get().message == Message.objects.replies().get()
    assert Message.objects.get(role=Role.USER).text == "One?"


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_changed_vote_keeps_what_it_was_in_whatever_order_it_is_read(bring, order):
    bring(llava(0, "One?", "1"))
    votes = {1: llava(5, "One?", "1", kind="upvote"), 2: llava(9, "One?", "1", kind="downvote")}
    for number in order:
        bring(votes[number])
    vote, change = Vote.objects.get(), VoteChange.objects.get()
    assert (vote.value, vote.changed.timestamp()) == ("down", BEGINNING + 9)
    assert (change.value, change.voted.timestamp(), change.created.timestamp()) == (
        "up", BEGINNING + 5, BEGINNING + 9,
    )  # fmt: skip


def test_a_battle_names_the_replies_of_both_sides(bring):
    left, right = fastchat(0, "a", "One?", "1"), fastchat(0, "b", "One?", "I")
    battle = {
        "tstamp": BEGINNING + 9, "type": "leftvote", "models": ["", ""],
        "states": [left["state"], right["state"]], "ip": "203.0.113.4", "reason": "shorter",
    }  # fmt: skip
    bring(left, right, battle)
    line = LogLine.objects.get(kind="leftvote")
    assert (line.message.text, line.other.text) == ("1", "I")
    assert not Vote.objects.exists()


def test_a_battle_of_which_one_side_is_unknown_is_told(bring):
    left, right = fastchat(0, "a", "One?", "1"), fastchat(0, "b", "One?", "I")
    battle = {"tstamp": BEGINNING + 9, "type": "tievote", "models": ["", ""],
              "states": [left["state"], right["state"]], "ip": "203.0.113.4"}  # fmt: skip
    _, problems = bring(left, battle)
    assert problems == [
        ("2026-11-22-conv.json", 2, "no chat line before it has the messages of model b, from this address")
    ]


def test_the_history_that_streamlit_repeats_is_one_conversation(bring):
    def line(*texts):
        messages = [
            {"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(texts)
        ]
        return {"type": "chat", "model": "InternVL2-8B", "messages": messages}

    counts, _ = bring(line("One?"), line("One?", "1"), line("One?", "1"), line("One?", "1", "Two?", "2"))
    assert counts["repeated"] == 1
    [conversation] = Conversation.objects.all()
    assert tree(conversation) == {"One?": {"": {}, "1": {"Two?": {"2": {}}}}}
    assert conversation.created.date() == datetime.date(2026, 11, 22)
    assert Visitor.objects.get().address_hash == ""


def test_a_deleted_conversation_does_not_come_back_with_its_log(bring):
    bring(llava(0, "One?", "1"))
    Conversation.objects.update(deleted=datetime.datetime.now(datetime.UTC))
    bring(llava(0, "One?", "1"), llava(9, "One?", "1", "Two?", "2"))
    assert Conversation.objects.count() == 1
    assert not Conversation.objects.visible().exists()


def test_the_same_words_about_another_image_are_another_conversation(bring):
    bring(*(llava(place, "<image>\nOne?", reply, images=[reply * 32]) for place, reply in enumerate("ab")))
    assert Conversation.objects.count() == 2


def test_a_turn_goes_on_from_the_newest_that_looks_the_same(bring):
    first = [llava(0, "One?", "1"), llava(9, "One?", "1", "Two?", "2")]
    bring(*first, llava(5000, "One?", "1"), llava(5009, "One?", "1", "Two?", "two"))
    old, new = Conversation.objects.order_by("created")
    assert tree(old) == {"One?": {"1": {"Two?": {"2": {}}}}}
    assert tree(new) == {"One?": {"1": {"Two?": {"two": {}}}}}


def test_lines_that_this_site_exported_with_ids_add_nothing_be_they_its_own_or_imported(bring):
    bring(llava(0, "One?", "1"), llava(5, "One?", "1", kind="upvote"))
    exchange(make_conversation())
    before = Message.objects.count(), Vote.objects.count(), LogLine.objects.count()
    for addresses in (True, False):
        counts, problems = bring(*exported("jsonl", addresses))
        assert (counts["repeated"], problems) == (3, [])
    assert before == (Message.objects.count(), Vote.objects.count(), LogLine.objects.count()) == (4, 1, 2)


def test_a_question_that_many_asked_at_one_address_since_hides_no_reply_from_votes_and_later_turns(bring):
    bring(*(llava(number, "Hi", f"Hello {number}") for number in range(30)))
    counts, problems = bring(
        llava(40, "Hi", "Hello 0", kind="upvote"), llava(41, "Hi", "Hello 1", "More?", "Yes")
    )
    assert (counts["votes"], counts["conversations"], problems) == (1, 0, [])
    assert Vote.objects.get().message.text == "Hello 0"
    assert Message.objects.get(text="More?").parent.text == "Hello 1"
