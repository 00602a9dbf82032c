"""Rows of everything that the admin shows."""

import itertools

from django.contrib.auth.models import User
from django.utils import timezone

from chat.events import Box
from chat.models import (
    Announcement,
    AuditEntry,
    Backend,
    BlockedImage,
    BlockedVisitor,
    Chore,
    CircuitBreaker,
    EmbeddingSite,
    Example,
    HiddenReply,
    LimitRule,
    ModerationCheck,
    ModerationEvent,
    Placement,
    ReplyState,
    ServerProcess,
    SharedLink,
    Terms,
    Worker,
)
from feedback.flags import flag
from feedback.models import ApiToken, Export, ExportState, Preference, Review, VoteReason, VoteReasonLabel
from feedback.votes import set_vote
from tests.feedback.stories import answer, exchange, make_conversation, make_model, make_upload, make_visitor

_numbers = itertools.count()


def make_everything(text="Some text"):
    """Store one row of each kind, joined and with `text` wherever people write; give the reply."""
    number = next(_numbers)
    person = User.objects.create_user(f"reviewer{number}")
    backend = Backend.objects.create(name=f"backend {number}", url="http://127.0.0.1:1", last_error=text)
    model = make_model(f"model-{number}", description=text)
    Placement.objects.create(model=model, backend=backend, last_listed=timezone.now())
    Worker.objects.create(
        address=f"http://127.0.0.1:{number}", model_names=[text], last_heartbeat=timezone.now()
    )
    visitor = make_visitor()
    uploads = [make_upload(visitor, name=text), make_upload(visitor, name=text)]
    conversation = make_conversation(visitor, model, title=text[:120], system_message=text)
    reply = exchange(
        conversation,
        text,
        text,
        uploads=uploads,
        state=ReplyState.FAILED,
        error_code="worker_broke_off",
        error_detail=text,
        worker=text,
    )
    ModerationEvent.objects.create(
        message=reply.parent, check_name="moderations", outcome="refused", categories=[text], detail=text
    )
    check = ModerationCheck.objects.create(name=f"{text[:30]} {number}", kind="lists", words=text)
    check.thresholds.create(category=text[:100])
    for value in ("up", "down"):
        box = Box(image=uploads[1].pk, x=0, y=0, width=4, height=3)
        set_vote(visitor.key, reply.pk, value, [], text, [box])
    flag(visitor.key, reply.pk, "harmful", text)
    reply.flags.update(reviewer=person, note=text)
    other = answer(reply.parent, "Another.", variant=1)
    Preference.objects.create(visitor=visitor, question=reply.parent, chosen=reply, rejected=other)
    reason = VoteReason.objects.create(key=f"reason_{number}", label=text[:60])
    VoteReasonLabel.objects.create(reason=reason, language="en", text=text[:60])
    Terms.objects.create(version=f"version {number}", text=text)
    Chore.objects.create(name=f"chore {number}", due=timezone.now())
    hidden = HiddenReply.objects.create(message=reply, reason=text, creator=person)
    blocked = BlockedVisitor.objects.create(
        visitor=visitor, reason=text, creator=person, lifted=timezone.now()
    )
    image = uploads[0].image
    picture = BlockedImage.objects.create(
        image=image, md5=image.md5, width=image.width, height=image.height, difference_hash=0, reason=text
    )
    review = Review.objects.create(
        message=reply,
        moderator=person,
        verdict="upheld",
        note=text,
        hidden_reply=hidden,
        blocked_visitor=blocked,
    )
    review.flags.set(reply.flags.all())
    review.blocked_images.add(picture)
    SharedLink.objects.create(conversation=conversation, last=reply)
    AuditEntry.objects.create(actor=person, action="export", target=text, detail={"name": text})
    EmbeddingSite.objects.create(origin=f"https://{number}.example.org", note=text[:200])
    Example.objects.create(question=text).pictures.create(shipped="examples/chart.png", description=text)
    Announcement.objects.create(text=text)
    LimitRule.objects.create(
        name=f"limit {number}", counted="searches", by="address", amount=1_000_000, seconds=60
    )
    ApiToken.objects.create(name=text[:100], hash=f"{number:064}", creator=person, scopes=["export"])
    Export.objects.create(
        format="jsonl", requester=person, state=ExportState.FAILED, error=text, choice={"models": [text]}
    )
    process = ServerProcess.objects.create(host="here", pid=number)
    CircuitBreaker.objects.create(
        process=process,
        address=f"http://127.0.0.1:{number}",
        state=CircuitBreaker.State.OPEN,
        failures=3,
        error_code="worker_refused",
        error_detail=text,
        changed=timezone.now(),
    )
    return reply
