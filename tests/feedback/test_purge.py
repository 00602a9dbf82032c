"""After the grace time no row, no file and no thumbnail is left of what was deleted; what others share stays."""

import datetime
import json
import uuid

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import call_command
from django.utils import timezone

from chat import chores
from chat import purge as chat_purge
from chat.deletion import delete_conversation, delete_everything
from chat.events import Box
from chat.images.store import delete_upload, store_upload
from chat.models import (
    AuditEntry,
    BlockedVisitor,
    Chore,
    Conversation,
    Image,
    Message,
    ModerationEvent,
    ReplyState,
    SharedLink,
    Upload,
    Visitor,
    WithheldReply,
)
from chat.purge import purge, sweep
from chat.receipts import give_receipt
from chat.restrictions import Grounds, block_visitor, hide_reply
from feedback.flags import flag
from feedback.models import Claim, LogLine, Review
from feedback.preferences import preference_pairs, set_preference
from feedback.votes import set_vote
from tests.chat.images.pictures import encoded, patterned
from tests.feedback.stories import answer, exchange, make_conversation, make_upload, make_visitor


@pytest.fixture(autouse=True)
def _no_grace(settings):
    settings.MMCHAT_KEEP_DELETED_DAYS = 0


@pytest.fixture
def run(django_capture_on_commit_callbacks):
    """Call something so that files go as they do when a transaction is committed."""

    def run(call, *arguments):
        with django_capture_on_commit_callbacks(execute=True):
            return call(*arguments)

    return run


def files():
    found = []
    for folder in ("images", "jpegs", "thumbnails"):
        if default_storage.exists(folder):
            found += [f"{folder}/{name}" for name in default_storage.listdir(folder)[1]]
    return found


def make_life(visitor, word, shared_md5=None):
    """Store one of everything that the site keeps of a visitor; `word` is in all that is written."""
    uploads = [make_upload(visitor, uuid.uuid4().hex, name=word), make_upload(visitor, name=word)]
    if shared_md5:
        uploads.append(make_upload(visitor, shared_md5, name=word))
    conversation = make_conversation(visitor, title=word)
    reply = exchange(conversation, word, word, uploads=uploads, error_detail=word)
    other = answer(reply.parent, word, variant=1, continues=reply)
    exchange(conversation, word, word, parent=other)
    answer(reply.parent, word, variant=2)  # moderators hide the others, which hold the words of the first
    ModerationEvent.objects.create(message=reply.parent, check_name="x", outcome="refused", detail=word)
    WithheldReply.objects.create(message=reply, text=word, state="complete")
    box = Box(image=uploads[0].pk, x=0, y=0, width=4, height=3)
    set_vote(visitor.key, reply.pk, "up", ["brilliant"], word, [box])
    set_vote(visitor.key, reply.pk, "down", ["wrong"], "")
    set_preference(visitor.key, other.pk, True)
    flag(visitor.key, reply.pk, "other", word)
    give_receipt(visitor.key)
    make_upload(visitor, name=f"{word} never sent")
    moderate(visitor, reply, word)
    SharedLink.objects.create(conversation=conversation, last=reply)
    LogLine.objects.create(
        source="llava", message=reply, other=other, visitor=visitor, rest=word, when=timezone.now()
    )
    return conversation


def moderate(visitor, reply, word):
    """Store what moderators do about a reply and its visitor."""
    moderator = User.objects.create_user(f"moderator of {visitor}")
    grounds = Grounds(moderator, "Against the rules.")
    Claim.objects.create(message=reply, moderator=moderator, taken=timezone.now())
    review = Review.objects.create(
        message=reply,
        moderator=moderator,
        verdict="upheld",
        note=word,
        hidden_reply=hide_reply(reply, grounds),
        blocked_visitor=block_visitor(visitor, grounds),
    )
    review.flags.set(reply.flags.all())
    review.events.set(reply.parent.moderation_events.all())


def tables():
    return [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]


def everything_stored(but=()):
    """Give the text of every row of every table, and the names of all files."""
    rows = [
        json.dumps([model._meta.label, *row], default=str)
        for model in tables()
        if model not in but
        for row in model._base_manager.values_list()
    ]
    return "\n".join([*rows, *files()])


def traces_of(visitor):
    """Give whatever could be found of a visitor: ids, hashes, files."""
    visitor.refresh_from_db()
    found = [visitor.key, visitor.address_hash, visitor.receipt_hash]
    for model in tables():
        names = {field.name for field in model._meta.get_fields()}
        if "visitor" in names:
            found += model._base_manager.filter(visitor=visitor).values_list("pk", flat=True)
    found += Message.objects.filter(conversation__visitor=visitor).values_list("pk", flat=True)
    for image in Image.objects.filter(uploads__visitor=visitor):
        found += [image.md5, *image.file_names]
    return {str(trace) for trace in found if isinstance(trace, uuid.UUID | str)}


@pytest.fixture
def lives(db):
    """Two visitors, who share one picture."""
    shared = uuid.uuid4().hex
    leaving, staying = make_visitor(), make_visitor()
    make_life(staying, "staying", shared)
    return leaving, staying, make_life(leaving, "leaving", shared), shared


def test_nothing_is_left_of_who_deleted_everything_and_all_of_who_did_not(lives, run):
    leaving, staying, _, shared = lives
    traces, kept = traces_of(leaving), traces_of(staying)
    assert len(traces) > 15
    assert all(trace in everything_stored() for trace in traces)
    delete_everything(leaving.key)
    assert run(purge) == {"conversations": 1, "images": 4, "visitors": 1}
    left = everything_stored(but=[AuditEntry])  # which keeps the ids of what is gone, and says nothing of it
    assert {trace for trace in traces - kept if trace in left} == set()
    assert "leaving" not in everything_stored()
    assert {trace for trace in kept if trace not in left} == set()
    assert shared in kept
    assert len(files()) == 2 * 4  # the other one's three sent pictures and the one never sent
    assert AuditEntry.objects.get(action="purge").detail == {"conversations": 1, "images": 4, "visitors": 1}


def test_the_lives_of_these_tests_have_a_row_in_every_table_that_can_hold_something_of_a_visitor(lives):
    own = {Visitor, Conversation, Message, Upload}
    pointing = {
        model
        for model in tables()
        for field in model._meta.get_fields()
        if field.many_to_one and field.related_model in own
    }
    assert len(pointing) > 10
    assert [model for model in pointing if not model._base_manager.exists()] == []


def test_a_deleted_conversation_goes_with_its_pictures_and_leaves_the_rest_of_the_visitor(lives, run):
    leaving, _, conversation, _ = lives
    second = make_conversation(leaving, title="another")
    used_again = conversation.messages.filter(images__position=1).first().images.get(position=1).upload
    exchange(second, uploads=[used_again])
    shown = set(Upload.objects.filter(uses__message__conversation=conversation).values_list("pk", flat=True))
    messages = {str(pk) for pk in conversation.messages.values_list("pk", flat=True)}
    delete_conversation(leaving.key, conversation.pk)
    assert run(purge)["conversations"] == 1
    left = everything_stored(but=[AuditEntry])
    assert {trace for trace in {str(conversation.pk), *messages} if trace in left} == set()
    assert set(Upload.objects.filter(pk__in=shown).values_list("pk", flat=True)) == {used_again.pk}
    assert default_storage.exists(used_again.image.file.name)
    assert Visitor.objects.filter(pk=leaving.pk).exists()
    assert Conversation.objects.filter(pk=second.pk).exists()


def test_a_deleted_conversation_is_in_no_export_before_it_is_purged(lives, tmp_path):
    leaving, _, conversation, _ = lives

    def exported(name):
        call_command("export_feedback", "--output", str(tmp_path / name))
        return (tmp_path / name).read_text()

    assert "leaving" in exported("before.jsonl")
    assert any(pair.visitor == leaving.pk for pair in preference_pairs())
    delete_conversation(leaving.key, conversation.pk)
    after = exported("after.jsonl")
    assert "leaving" not in after
    assert "staying" in after
    assert not any(pair.visitor == leaving.pk for pair in preference_pairs())


def test_the_grace_time_is_kept(lives, settings, run):
    settings.MMCHAT_KEEP_DELETED_DAYS = 7
    leaving, _, conversation, _ = lives
    delete_everything(leaving.key)
    assert not any(run(purge).values())
    assert not AuditEntry.objects.filter(action="purge").exists()
    eight_days = timezone.now() - datetime.timedelta(days=8)
    Conversation.objects.filter(pk=conversation.pk).update(deleted=eight_days)
    Visitor.objects.filter(pk=leaving.pk).update(deleted=eight_days)
    assert run(purge)["visitors"] == 1


def test_what_is_older_than_the_host_keeps_goes_with_visitors_who_have_nothing_left(lives, settings, run):
    leaving, staying, conversation, _ = lives
    settings.MMCHAT_KEEP_DAYS = 30
    long_ago = timezone.now() - datetime.timedelta(days=31)
    Conversation.objects.filter(pk=conversation.pk).update(updated=long_ago)
    Upload.objects.filter(visitor=leaving).update(created=long_ago)
    Visitor.objects.update(created=long_ago)
    gone = run(purge)
    assert (gone["conversations"], gone["visitors"]) == (1, 0)  # a block has to stay with its visitor
    BlockedVisitor.objects.filter(visitor=leaving).update(lifted=timezone.now())
    assert run(purge)["visitors"] == 1
    assert list(Visitor.objects.all()) == [staying]
    settings.MMCHAT_KEEP_DAYS = 0
    Conversation.objects.update(updated=long_ago)
    assert not any(run(purge).values())


def test_a_conversation_that_its_visitor_goes_on_with_during_a_long_run_stays(
    lives, settings, run, monkeypatch
):
    leaving, staying, conversation, _ = lives
    settings.MMCHAT_KEEP_DAYS = 30
    long_ago = timezone.now() - datetime.timedelta(days=31)
    BlockedVisitor.objects.update(lifted=timezone.now())
    Conversation.objects.update(updated=long_ago)
    Upload.objects.filter(uses__isnull=True).delete()
    Upload.objects.update(created=long_ago)
    back = make_visitor()
    Visitor.objects.update(created=long_ago)
    first, second = chat_purge._over, chat_purge._leaving
    begun = []

    def over(now):
        if begun:  # the list is made, and nothing is removed yet
            Conversation.objects.filter(pk=conversation.pk).update(updated=timezone.now())
        begun.append(now)
        return first(now)

    def leaving_ones(now):
        found = second(now)
        if back.conversations.exists():
            return found
        keys = list(found.values_list("pk", flat=True))
        assert back.pk in keys
        exchange(make_conversation(back), uploads=[make_upload(back)])
        return Visitor.objects.filter(pk__in=keys)

    monkeypatch.setattr(chat_purge, "_over", over)
    monkeypatch.setattr(chat_purge, "_leaving", leaving_ones)
    gone = run(purge)
    assert (gone["conversations"], gone["visitors"]) == (1, 1)
    assert list(Conversation.objects.filter(visitor=leaving)) == [conversation]
    assert back.conversations.count() == back.uploads.count() == 1
    assert not Visitor.objects.filter(pk=staying.pk).exists()


def test_a_conversation_whose_reply_still_runs_waits_for_the_next_run(lives, run):
    leaving, _, conversation, _ = lives
    running = conversation.messages.replies().first()
    Message.objects.filter(pk=running.pk).update(state=ReplyState.STREAMING, stop_requested=False)
    Conversation.objects.filter(pk=conversation.pk).update(deleted=timezone.now())
    Visitor.objects.filter(pk=leaving.pk).update(deleted=timezone.now())
    gone = run(purge)
    assert (gone["conversations"], gone["visitors"]) == (0, 0)
    running.refresh_from_db()
    assert running.stop_requested
    Message.objects.filter(pk=running.pk).update(state=ReplyState.STOPPED)
    assert run(purge)["visitors"] == 1


def test_pictures_that_were_never_sent_go_after_a_day_at_the_earliest(db, run):
    visitor = make_visitor()
    old, young = make_upload(visitor), make_upload(visitor)
    Upload.objects.filter(pk=old.pk).update(created=timezone.now() - datetime.timedelta(hours=25))
    assert run(purge)["images"] == 1
    assert list(Upload.objects.all()) == [young]
    assert sorted(files()) == sorted(young.image.file_names)


PICTURE = encoded(patterned())


@pytest.mark.django_db(transaction=True)
def test_a_picture_that_is_sent_again_before_it_would_go_has_a_new_day():
    visitor = make_visitor()
    upload = store_upload(visitor, "cat.png", PICTURE)
    Upload.objects.update(created=timezone.now() - datetime.timedelta(hours=25))
    read_before = Upload.objects.get()
    assert store_upload(visitor, "cat.png", PICTURE) == upload
    assert purge()["images"] == 0
    # A run that had found it already, and comes to it only now.
    assert not delete_upload(read_before)
    assert Upload.objects.get() == upload
    assert all(default_storage.exists(name) for name in upload.image.file_names)


@pytest.mark.django_db(transaction=True)
def test_a_picture_that_is_sent_again_after_its_conversation_was_deleted_does_not_go_with_that():
    visitor = make_visitor()
    exchange(make_conversation(visitor), uploads=[store_upload(visitor, "cat.png", PICTURE)])
    long_ago = timezone.now() - datetime.timedelta(days=2)
    Conversation.objects.update(deleted=long_ago, updated=long_ago)
    Upload.objects.update(created=long_ago - datetime.timedelta(days=1))
    names = store_upload(visitor, "cat.png", PICTURE).image.file_names
    gone = purge()
    assert (gone["conversations"], gone["images"]) == (1, 0)
    Upload.objects.update(created=timezone.now() - datetime.timedelta(hours=25))
    assert purge()["images"] == 1
    assert not any(default_storage.exists(name) for name in names)


def test_pictures_that_an_import_left_without_an_owner_go_after_a_day(db, run):
    first, second, owned = (make_upload(make_visitor()) for _ in range(3))
    Upload.objects.exclude(pk=owned.pk).delete()
    day_ago = timezone.now() - datetime.timedelta(hours=25)
    Image.objects.exclude(pk=second.image_id).update(created=day_ago)
    assert run(purge)["images"] == 1
    assert set(Image.objects.all()) == {second.image, owned.image}
    assert sorted(files()) == sorted([*second.image.file_names, *owned.image.file_names])
    assert not any(default_storage.exists(name) for name in first.image.file_names)


def test_files_without_a_row_are_swept_away_but_not_young_ones(db, monkeypatch, run):
    kept = make_upload(make_visitor()).image
    Image.objects.filter(pk=kept.pk).update(file=f"images/ab/{kept.md5}-4x3-00.png")
    for name in (
        f"images/ab/{kept.md5}-4x3-00.png",
        "images/cd/cd00-4x3-11.png",
        "jpegs/cd/cd00-4x3-11.jpg",
        "thumbnails/cd/cd00-4x3-11.webp",
    ):
        default_storage.save(name, ContentFile(b"picture"))
    assert run(sweep) == {"files": 0}
    later = timezone.now() + datetime.timedelta(days=2)
    monkeypatch.setattr("chat.purge.timezone.now", lambda: later)
    assert run(sweep) == {"files": 3}
    assert default_storage.listdir("images/ab")[1] == [f"{kept.md5}-4x3-00.png"]
    assert default_storage.listdir("images/cd")[1] == []


def test_a_sweep_goes_on_past_files_that_somebody_else_removes(db, monkeypatch):
    for name in ("images/cd/cd00-4x3-11.png", "thumbnails/cd/cd00-4x3-11.webp"):
        default_storage.save(name, ContentFile(b"picture"))
    later = timezone.now() + datetime.timedelta(days=2)
    monkeypatch.setattr("chat.purge.timezone.now", lambda: later)
    time_of = FileSystemStorage.get_modified_time

    def gone_already(storage, name):
        if name.startswith("images/"):
            storage.delete(name)
        return time_of(storage, name)

    monkeypatch.setattr(FileSystemStorage, "get_modified_time", gone_already)
    assert sweep() == {"files": 1}


def test_the_command_says_what_it_removed(lives, capsys, run):
    delete_everything(lives[0].key)
    run(call_command, "purge")
    assert capsys.readouterr().out == "Removed: 1 conversations, 4 images, 1 visitors, 0 files\n"


def test_chores_are_done_when_due_and_only_once(lives, run):
    leaving = lives[0]
    delete_everything(leaving.key)
    run(chores.do_chores)
    assert not Visitor.objects.filter(pk=leaving.pk).exists()
    row = Chore.objects.get(name="purge")
    assert (row.result["visitors"], row.ended is not None) == (1, True)
    assert row.due > timezone.now() + datetime.timedelta(minutes=55)
    Visitor.objects.update(deleted=timezone.now())
    run(chores.do_chores)
    assert Visitor.objects.count() == 1
    Chore.objects.filter(name="purge").update(due=timezone.now())
    run(chores.do_chores)
    assert not Visitor.objects.exists()
