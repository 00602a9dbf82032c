"""One-time codes as a second thing that staff need to log in: from an app on a phone, or from a list on paper."""

from base64 import b32encode

import segno
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from chat.models import AuditEntry

DIGITS = 6
SPARE = 10
# What a session knows: that a code was given, and who may set up codes although not logged in yet.
GIVEN, SETTING_UP = "codes.given", "codes.setting_up"

User = AbstractBaseUser | AnonymousUser


def are_used() -> bool:
    """Tell whether anybody needs a code to log in."""
    return TOTPDevice.objects.filter(confirmed=True).exists()


def has(user: User) -> bool:
    """Tell whether somebody needs a code to log in."""
    return TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).exists()


def takes(user: User, code: str) -> bool:
    """Tell whether this is a code of this moment, or one of the list, which it then leaves; no code counts twice."""
    code = "".join(code.split()).lower()
    kind = TOTPDevice if code.isdecimal() and len(code) == DIGITS else StaticDevice
    with transaction.atomic():
        device = kind.objects.select_for_update().filter(user_id=user.pk, confirmed=True).first()
        return device is not None and device.verify_token(code)


def begin(user: User) -> TOTPDevice:
    """Give the secret that an app is to learn; it counts once `confirm` has seen a code made with it."""
    device = TOTPDevice.objects.filter(user_id=user.pk, confirmed=False).first()
    return device or TOTPDevice.objects.create(user_id=user.pk, name="app", confirmed=False)


def confirm(user: User, code: str) -> list[str] | None:
    """Switch codes on for somebody whose app gives the right one; give the list for emergencies, or None."""
    with transaction.atomic():
        found = TOTPDevice.objects.select_for_update().filter(user_id=user.pk, confirmed=False)
        device = found.first()
        if device is None or not device.verify_token("".join(code.split())):
            return None
        device.confirmed = True
        device.save()
        AuditEntry.objects.create(actor_id=user.pk, action="codes_on", target=f"user {user.pk}")
        return new_list(user)


def new_list(user: User) -> list[str]:
    """Make a list of codes for emergencies, each good for one log-in; the one before holds no more."""
    with transaction.atomic():
        StaticDevice.objects.filter(user_id=user.pk).delete()
        device = StaticDevice.objects.create(user_id=user.pk, name="list")
        codes = [StaticToken.random_token() for _ in range(SPARE)]
        StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
        AuditEntry.objects.create(actor_id=user.pk, action="codes_list", target=f"user {user.pk}")
    return codes


def left(user: User) -> int:
    """Give how many codes of the list were not used yet."""
    return StaticToken.objects.filter(device__user_id=user.pk).count()


def switch_off(user: User, by: User) -> None:
    """Let somebody log in by the password alone."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user_id=user.pk).delete()
        StaticDevice.objects.filter(user_id=user.pk).delete()
        AuditEntry.objects.create(actor_id=by.pk, action="codes_off", target=f"user {user.pk}")


def secret_of(device: TOTPDevice) -> str:
    """Write the secret as apps take it by hand: base 32, in groups of four."""
    text = b32encode(device.bin_key).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def picture_of(device: TOTPDevice) -> str:
    """Draw what an app reads with its camera, as a data URL."""
    return segno.make(device.config_url, error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff")


def were_given(request: HttpRequest) -> bool:
    return bool(request.session.get(GIVEN))
