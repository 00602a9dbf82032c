"""What the site stores of its visitors, where it goes and for how long it stays, as the settings have it."""

from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.limits.open_sockets import KEPT_SECONDS
from chat.limits.rules import rules
from chat.models import Backend, ModerationCheck, SiteText
from chat.models.limits import Counted, CountedBy
from chat.staff import lock_out
from chat.visitors import COOKIE_SECONDS

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS


class Kept(NamedTuple):
    """One kind of data: what it is, and until when it is there."""

    title: str
    text: str
    until: str


class Cookie(NamedTuple):
    name: str
    text: str
    until: str


def kept() -> list[Kept]:
    """Give each kind of data that a visitor leaves here, in the page's language."""
    return [
        Kept(_("Chats"), _chats(), _until_deleted()),
        Kept(_("Images"), _images(), _until_unused()),
        Kept(
            _("Votes, comments and reports"),
            _("What you say of replies, what you said before you changed it, and when."),
            _("As long as the chat."),
        ),
        Kept(
            _("Your browser"),
            _(
                "A random number, when it first wrote here, and a hash of your receipt code, where you took one."
            ),
            _until_gone(),
        ),
        Kept(_("Your address"), _address(), _until_forgotten()),
        Kept(_("Counts"), _counts(), _until_counted()),
        Kept(
            _("The content check"),
            _check(),
            _until_checked(),
        ),
        Kept(
            _("Moderators"),
            _("What they decided of your chats, images and votes, or of you, with their reasons and notes."),
            _("As long as the chat. That an image is blocked, with hashes of its pixels: for good."),
        ),
        Kept(
            _("Terms and research"),
            _research(),
            _until_gone(),
        ),
        Kept(
            _("Public links"),
            _(
                "A chat that you share is shown to whoever has its link, without anything that tells who you are."
            ),
            _("Until you take the link back or delete the chat."),
        ),
        Kept(
            _("Exports"),
            _(
                "Staff may export chats, votes and reports, without addresses unless they are entitled to them. Deleted chats are in no new export."
            ),
            _in_a_row(
                _("Files of exports: %(days)s.") % {"days": _days(settings.MMCHAT_KEEP_EXPORTS_DAYS)},
                _("Copies of them and backups: as the host decides."),
            ),
        ),
        Kept(
            _("Log and statistics"),
            _log(),
            _("Counts stay. The log is kept as this machine is set up."),
        ),
        Kept(
            _("What staff did"),
            _("Who exported, deleted, blocked or decided what, with ids, without what you wrote."),
            _for_days(settings.MMCHAT_KEEP_AUDIT_DAYS) or _("For good."),
        ),
    ]


def cookies() -> list[Cookie]:
    """Give the cookies that pages may set."""
    return [
        Cookie(
            "mmchat_visitor",
            _("A random number by which your browser finds its chats."),
            _days(COOKIE_SECONDS // DAY_SECONDS),
        ),
        Cookie(
            "django_language",
            _("The language, once you have chosen one."),
            _days(settings.LANGUAGE_COOKIE_AGE // DAY_SECONDS),
        ),
        Cookie(
            "csrftoken",
            _("Keeps other sites from sending forms in your name."),
            _days(settings.CSRF_COOKIE_AGE // DAY_SECONDS),
        ),
        Cookie("sessionid", _("For staff who log in, for nobody else."), _hours(settings.SESSION_COOKIE_AGE)),
        Cookie("messages", _("What staff are told of what they just did."), _("Until it is shown.")),
        Cookie(
            lock_out.COOKIE,
            _("Knows again a browser of staff, so that others' wrong passwords don't lock them out."),
            _days(lock_out.COOKIE_SECONDS // DAY_SECONDS),
        ),
    ]


def _chats() -> str:
    text = _(
        "Your messages, the replies, a title, the language of your words, the model and parameters, and times. They go to the server of the model that you ask."
    )
    outside = Backend.objects.filter(enabled=True, url__startswith="https://").exists()
    return _in_a_row(
        text,
        _("Some of these servers are at addresses outside and may be run by others.")
        if outside
        else _("These servers are the host's own or in the host's networks."),
    )


def _images() -> str:
    return _(
        "Each picture is written anew before it is stored: nothing of what a camera or phone wrote into it (place, time, "
        "device; EXIF, GPS, XMP) is ever stored. Beside it: its name, your description, hashes of its pixels, a JPEG and a small copy."
    )


def _address() -> str:
    days = settings.MMCHAT_KEEP_ADDRESSES_DAYS
    if settings.MMCHAT_STORE_ADDRESSES and days:
        return _("The IP address from which you wrote first in a period of %(days)s, and a hash of it.") % {
            "days": _days(days)
        }
    if settings.MMCHAT_STORE_ADDRESSES:
        return _("The IP address from which you wrote first, and a hash of it.")
    if not days:
        return _("Not the IP address, but a hash of it with a secret key.")
    return ngettext(
        "Not the IP address, but a hash of it. Its key changes every %(days)s day and is then forgotten, so that nobody can find the address from the hash.",
        "Not the IP address, but a hash of it. Its key changes every %(days)s days and is then forgotten, so that nobody can find the address from the hash.",
        days,
    ) % {"days": days}


def _check() -> str:
    checks = list(ModerationCheck.objects.filter(enabled=True).in_order())
    by_setting = settings.MMCHAT_MODERATE
    if not checks and not by_setting:
        return _("Nothing is checked by itself. Moderators may look at chats and hide replies.")
    asked = [check for check in checks if check.on_messages]
    looked_at = [
        (_("your messages"), by_setting or any(check.on_text for check in asked)),
        (_("your images"), any(check.on_images for check in asked)),
        (_("replies"), any(check.on_replies for check in checks)),
    ]
    urls = [settings.MMCHAT_MODERATION_URL] * by_setting + [check.url for check in checks if check.url]
    # A guard is a model of a backend, which may be at another host, too.
    guards = Backend.objects.filter(enabled=True, placements__model__in=[check.guard_id for check in checks])
    urls += guards.values_list("url", flat=True)
    hosts = ", ".join(sorted({urlsplit(url).hostname or "" for url in urls}))
    return _in_a_row(
        _("Checked by a program: %(kinds)s.")
        % {"kinds": ", ".join(name for name, is_so in looked_at if is_so)},
        _("That goes to %(hosts)s, without anything that tells who you are.") % {"hosts": hosts}
        if hosts
        else _("It does not leave this site for that."),
        _("What was found is stored, and moderators may look at chats and hide replies."),
    )


def _counts() -> str:
    log_ins = _("Log-ins that failed, under hashes of the name and the address with a secret key.")
    if not _counted_seconds():
        return log_ins
    return _in_a_row(
        _(
            "How often you did what has a limit, under hashes of your browser's number and your address with a secret key."
        ),
        log_ins,
    )


def _counted_seconds() -> int:
    """Give how long the counts of limits stay: a window matters until the one after it has ended."""
    in_force = rules()
    windows = [
        2 * (rule.seconds or 0) for each in in_force.values() for rule in each if rule.by != CountedBy.TOKEN
    ]
    if Counted.SOCKETS in in_force and settings.REDIS_URL:
        windows.append(KEPT_SECONDS)
    return max(windows, default=0)


def _until_counted() -> str:
    # Old tries to log in go with the hourly purge.
    seconds = max(_counted_seconds(), settings.MMCHAT_ADMIN_LOCK_SECONDS + HOUR_SECONDS)
    return _("At most %(time)s.") % {"time": _hours(-(-seconds // HOUR_SECONDS) * HOUR_SECONDS)}


def _log() -> str:
    text = _(
        "Times, errors and random ids, and counts by the hour. Nothing that you or a model wrote, and no address."
    )
    if not settings.MMCHAT_TRUSTED_PROXIES:
        return text
    return _in_a_row(text, _("A server in front of this one may note addresses in a log of its own."))


def _research() -> str:
    text = SiteText.objects.first()
    if text and text.offers_research:
        return _(
            "Which terms you accepted and when. Research may use your chats only if you switch that on under “Your data”."
        )
    return _("Which terms you accepted and when, and whether you allowed research where that was offered.")


def _until_deleted() -> str:
    deleted = _("Until you delete them, and %(days)s after that.") % {
        "days": _days(settings.MMCHAT_KEEP_DELETED_DAYS)
    }
    if not settings.MMCHAT_KEEP_DAYS:
        return deleted
    too_old = _("%(days)s after the last message.") % {"days": _days(settings.MMCHAT_KEEP_DAYS)}
    return _in_a_row(too_old, deleted)


def _until_checked() -> str:
    stays = _("As long as the chat.")
    if not settings.MMCHAT_KEEP_MODERATION_DAYS:
        return stays
    days = _days(settings.MMCHAT_KEEP_MODERATION_DAYS)
    return _("%(days)s; where something was held back, as long as the chat.") % {"days": days}


def _until_unused() -> str:
    days = _days(max(settings.MMCHAT_KEEP_DELETED_DAYS, 1))
    return _("As long as a chat of yours shows them. Those that were never sent: %(days)s.") % {"days": days}


def _until_forgotten() -> str:
    return _for_days(settings.MMCHAT_KEEP_ADDRESSES_DAYS) or _until_gone()


def _until_gone() -> str:
    days = _days(settings.MMCHAT_KEEP_DELETED_DAYS)
    return _("Until you delete everything of yours, and %(days)s after that.") % {"days": days}


def _in_a_row(*sentences: str) -> str:
    """Join sentences as the page's language does: Chinese has no space between them."""
    row, *more = sentences
    for sentence in more:
        row = _("%(before)s %(after)s") % {"before": row, "after": sentence}
    return row


def _for_days(days: int) -> str:
    return _days(days) if days else ""


def _days(days: int) -> str:
    return ngettext("%(number)s day", "%(number)s days", days) % {"number": days}


def _hours(seconds: float) -> str:
    hours = round(seconds / 3600)
    return ngettext("%(number)s hour", "%(number)s hours", hours) % {"number": hours}
