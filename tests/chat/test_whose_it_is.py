"""Every address with an id, for two visitors: what is somebody else's is the same 404 as what does not exist."""

import uuid

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from chat.images.store import store_upload
from chat.models import MessageImage
from chat.visitors import COOKIE, cookie_for, token_for
from tests.chat.factories import make_conversation, make_turn, make_visitor
from tests.chat.images.pictures import encoded, patterned

pytestmark = pytest.mark.django_db

# By name: what is done there with one's own; "message" stands for its id. Whoever adds an address adds it here.
OWN = {
    "chat:conversation": ("get", {}),
    "chat:delete_conversation": ("post", {}),
    "chat:earlier_messages": ("get", {"before": "message"}),
    "chat:rename": ("post", {"title": "Another name"}),
    "chat:share": ("get", {}),
    "chat:revoke_link": ("post", {}),
    "chat:download": ("get", {}),
    "chat:image": ("get", {}),
    "chat:thumbnail": ("get", {}),
    "chat:sent_image": ("get", {}),
    "chat:describe_image": ("post", {"description": "A cat"}),
    "chat:inspect": ("get", {}),
    "feedback:vote": ("post", {"value": "up"}),
    "feedback:preference": ("post", {"preferred": True}),
    "feedback:flag": ("post", {"reason": "other"}),
}
FURTHER = {"chat:sent_image": ["pad"]}  # what an address holds beside the id
# Whoever has the address may see what is there.
PUBLIC = {"chat:colours", "chat:example_picture", "chat:logo"} | {
    f"chat:shared{rest}" for rest in ("", "_preview", "_picture", "_thumbnail")
}


def with_ids():
    """Give the names of all addresses of the visitors' pages that hold an id."""

    def walk(patterns, namespace=""):
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                if pattern.namespace != "admin" and not str(pattern.pattern).startswith(("api/", "workers/")):
                    yield from walk(pattern.url_patterns, f"{pattern.namespace or pattern.app_name}:")
            elif pattern.pattern.converters:
                yield f"{namespace}{pattern.name}", next(iter(pattern.pattern.converters))

    return {name.removeprefix("None:"): argument for name, argument in walk(get_resolver().url_patterns)}


@pytest.fixture
def ids():
    visitor = make_visitor()
    conversation = make_conversation(visitor)
    question, reply = make_turn(conversation)
    make_variant = make_turn(conversation, parent=reply)[1]
    make_variant.parent, make_variant.variant = question, 1
    make_variant.save()
    upload = store_upload(visitor, "cat.png", encoded(patterned(60, 40)))
    MessageImage.objects.create(message=question, upload=upload, position=0)
    return {
        "visitor": visitor.key,
        "conversation": conversation.pk,
        "message": reply.pk,
        "reply": reply.pk,
        "upload": upload.pk,
    }


def browser(key):
    client = Client()
    client.cookies[COOKIE] = cookie_for(key)
    return client


def frame(key):
    return Client(headers={"X-Visitor": token_for(key)})


KNOWN = {"cookie": browser, "token": frame}


def asked(client, name, pk, ids):
    method, body = OWN[name]
    body = {field: (ids[value] if value == "message" else value) for field, value in body.items()}
    more = {"content_type": "application/json"} if method == "post" else {}
    return getattr(client, method)(reverse(name, args=[pk, *FURTHER.get(name, ())]), body, **more)


def test_every_address_with_an_id_is_somebodys_or_public():
    assert set(with_ids()) == set(OWN) | PUBLIC


@pytest.mark.parametrize("how", sorted(KNOWN))
@pytest.mark.parametrize("name", sorted(OWN))
def test_somebody_elses_is_the_404_of_what_does_not_exist(ids, name, how):
    pk, nothing = ids[with_ids()[name]], uuid.uuid4()
    others = [make_visitor().key, uuid.uuid4()]
    for stranger in [known(key) for key in others for known in (browser, frame)]:
        theirs, nobodys = asked(stranger, name, pk, ids), asked(stranger, name, nothing, ids)
        assert (theirs.status_code, nobodys.status_code) == (404, 404)
        assert theirs.content.replace(str(pk).encode(), b"") == nobodys.content.replace(
            str(nothing).encode(), b""
        )
        for response in (theirs, nobodys):
            response.headers.pop("Expires", None)  # the second of the answer, which may be the next one
        assert theirs.headers == nobodys.headers
    assert asked(Client(), name, pk, ids).status_code in (403, 404)
    assert asked(KNOWN[how](ids["visitor"]), name, pk, ids).status_code == 200
