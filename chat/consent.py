"""What visitors agreed to: the terms in force, and whether research may use their chats."""

import uuid
from typing import TypedDict

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.addresses import Address
from chat.kept import Kept
from chat.models import Conversation, SiteText, Terms, Visitor
from chat.refusals import Refused
from chat.visitors import ensure_visitor


class TermsInfo(TypedDict):
    version: str
    text: str  # Markdown


class ResearchInfo(TypedDict):
    allowed: bool
    text: str  # Markdown


class Consent(TypedDict):
    """What the page asks of a visitor: terms to be accepted, and the research switch; None where there is none."""

    terms: TermsInfo | None
    research: ResearchInfo | None


def check_consent(visitor: Visitor) -> None:
    """Raise `Refused` where nothing may be stored for a visitor: the terms come first, or all was to be deleted."""
    if visitor.deleted:
        raise Refused(
            "visitor_deleted", _("Everything of this browser was deleted. Reload the page to begin anew.")
        )
    if _has_accepted(visitor, _kept_terms()):
        return
    terms = _to_be_accepted()  # who is refused must not be refused for what holds no more
    if terms is not None and not _has_accepted(visitor, terms):
        raise Refused(
            "terms_not_accepted", _("Please accept the terms of use first."), "terms", terms.version
        )


def consent_of(visitor_key: uuid.UUID | None) -> Consent:
    """Give what there is to accept and to switch for a visitor, who may have no row yet."""
    known = Visitor.objects.filter(pk=visitor_key, deleted__isnull=True).first() if visitor_key else None
    visitor = known or Visitor()
    terms, site_text = _to_be_accepted(), SiteText.objects.first()
    return Consent(
        terms=TermsInfo(version=terms.version, text=terms.words()["text"])
        if terms and not _has_accepted(visitor, terms)
        else None,
        research=ResearchInfo(allowed=bool(visitor.research), text=site_text.words()["research_text"])
        # Whoever said yes can take it back, whatever the host offers now.
        if site_text and (site_text.offers_research or visitor.research)
        else None,
    )


def accept_terms(visitor_key: uuid.UUID, address: Address | None, version: str) -> None:
    """Note that a visitor accepts the version in force. Raises `Refused` for any other: it was not what was shown.

    Nor can one be accepted that may still be changed, because nobody has to.
    """
    terms = _to_be_accepted()
    if terms is None or terms.version != version:
        raise Refused(
            "terms_changed",
            _("The terms of use have changed meanwhile. Please read them again."),
            "terms",
            terms.version if terms else None,
        )
    with transaction.atomic():
        visitor = ensure_visitor(visitor_key, address, lock=True)
        if visitor.terms_version != version:
            visitor.terms_version, visitor.terms_accepted = version, timezone.now()
            visitor.save(update_fields=["terms_version", "terms_accepted"])


def allow_research(visitor_key: uuid.UUID, address: Address | None, allowed: bool) -> None:
    """Allow research with all chats of a visitor, earlier ones and those to come, or take that back for all.

    Raises `Refused` where the host does not ask for it; taking back is always possible.
    """
    site_text = SiteText.objects.first()
    if allowed and not (site_text and site_text.offers_research):
        raise Refused("research_not_offered", _("This site does not ask for that."), "research")
    with transaction.atomic():
        # Whoever begins a conversation at this moment waits for this row, or this for that conversation.
        visitor = ensure_visitor(visitor_key, address, lock=True)
        if visitor.research != allowed:
            visitor.research, visitor.research_changed = allowed, timezone.now()
            visitor.save(update_fields=["research", "research_changed"])
            Conversation.objects.filter(visitor=visitor).exclude(research=allowed).update(research=allowed)


def _has_accepted(visitor: Visitor, terms: Terms | None) -> bool:
    return terms is None or visitor.terms_version == terms.version


def _to_be_accepted() -> Terms | None:
    terms = Terms.objects.in_force()
    return terms if terms and terms.must_be_accepted else None


_kept_terms = Kept(_to_be_accepted)
