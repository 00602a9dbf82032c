"""Does Redis answer, which wakes processes and counts for all of them, where there is more than one?"""

import time

import redis
from django.conf import settings

from chat.doctor.finding import Finding, in_a_line, ok, wrong
from chat.models import ServerProcess

SECONDS = 3
WATCH_SECONDS = 2.5  # longer than two beats of a living process


def shared() -> list[Finding]:
    """Look at Redis, or at whether the site can do without."""
    if settings.REDIS_URL:
        return [_answers()]
    if settings.MMCHAT_PROCESSES > 1:
        text = f"MMCHAT_PROCESSES is {settings.MMCHAT_PROCESSES}, and there is no Redis"
        return [wrong(text, "Set REDIS_URL, or run one process.")]
    if (alive := _alive()) > 1:
        text = (
            f"{alive} processes serve this database, and there is no Redis: they know nothing of each other"
        )
        return [wrong(text, "Set REDIS_URL for all of them, or run one.")]
    return [ok("Not set, and one process needs none")]


def _answers() -> Finding:
    try:
        with redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=SECONDS, socket_timeout=SECONDS
        ) as client:
            version = client.info("server")["redis_version"]
    except (redis.RedisError, ValueError) as error:
        return wrong(
            f"Redis does not answer: {_without_password(in_a_line(error))}",
            "Does it run, and does REDIS_URL name it? Until then processes are woken late, and each counts for itself.",
        )
    return ok(f"Redis {version} answers")


def _without_password(text: str) -> str:
    return text.replace(settings.REDIS_URL, "REDIS_URL")


def _alive() -> int:
    """Count the processes whose beat moves; rows of killed ones stay for a while."""
    before = dict(ServerProcess.objects.values_list("pk", "heartbeat"))
    if len(before) < 2:
        return len(before)
    time.sleep(WATCH_SECONDS)
    after = ServerProcess.objects.values_list("pk", "heartbeat")
    return sum(pk in before and heartbeat != before[pk] for pk, heartbeat in after)
