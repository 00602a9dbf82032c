"""All settings of the site, read from the environment; docs/settings.md describes each `MMCHAT_` one."""

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from mmchat_site import environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# Where things are

MMCHAT_DATA_DIR = Path(env.str("MMCHAT_DATA_DIR", str(BASE_DIR / "data"))).expanduser().resolve()
MMCHAT_URL = env.str("MMCHAT_URL", "")
MMCHAT_ORIGIN, _public_host = environment.public_origin(MMCHAT_URL)
MMCHAT_HOST = env.str("MMCHAT_HOST", "0.0.0.0")  # noqa: S104 - hosts of such demos know it as the default  # nosec B104
_secure = MMCHAT_ORIGIN.startswith("https://")

DEBUG = environment.switch(env, "MMCHAT_DEBUG", False)
SECRET_KEY = env.str("MMCHAT_SECRET_KEY", "") or environment.secret_in(MMCHAT_DATA_DIR)
ALLOWED_HOSTS = [_public_host] if _public_host else environment.own_hosts(MMCHAT_HOST)
if DEBUG and _public_host not in ("", "localhost", "127.0.0.1"):
    raise ImproperlyConfigured(
        "MMCHAT_DEBUG is on and MMCHAT_URL is a public address; switch one of them off."
    )
if _public_host and _public_host not in ("localhost", "127.0.0.1"):
    # Workers, health checks and Prometheus reach the site past the proxy.
    ALLOWED_HOSTS += environment.own_hosts(MMCHAT_HOST)

# What `manage.py serve` takes as options too

MMCHAT_CONTROLLER_URL = environment.web_address(env, "MMCHAT_CONTROLLER_URL", "")
MMCHAT_CONCURRENCY_COUNT = environment.whole_number(env, "MMCHAT_CONCURRENCY_COUNT", 100)
MMCHAT_MODEL_LIST_MODE = env.str("MMCHAT_MODEL_LIST_MODE", "once")
MMCHAT_MODERATE = environment.switch(env, "MMCHAT_MODERATE", False)
MMCHAT_EMBED = environment.switch(env, "MMCHAT_EMBED", False)
MMCHAT_PORT = environment.whole_number(env, "MMCHAT_PORT", 7860)
MMCHAT_DEMO = environment.switch(env, "MMCHAT_DEMO", False)
MMCHAT_PROCESSES = environment.whole_number(env, "MMCHAT_PROCESSES", 1)
MMCHAT_SERVER = env.str("MMCHAT_SERVER", "uvicorn")
MMCHAT_SHARE = environment.switch(env, "MMCHAT_SHARE", False)
MMCHAT_SHARE_SSH = env.str("MMCHAT_SHARE_SSH", "")
MMCHAT_SHARED_ORIGIN, MMCHAT_SHARED_PORT = "", 0  # what mmchat_site/tunnel.py finds out

# Replies

MMCHAT_WORKER_CONCURRENCY = environment.whole_number(env, "MMCHAT_WORKER_CONCURRENCY", 5)
MMCHAT_WORKER_GRACE = environment.number(env, "MMCHAT_WORKER_GRACE", 20)
MMCHAT_CONNECT_TIMEOUT = environment.number(env, "MMCHAT_CONNECT_TIMEOUT", 10)
MMCHAT_FIRST_TOKEN_TIMEOUT = environment.number(env, "MMCHAT_FIRST_TOKEN_TIMEOUT", 60)
MMCHAT_SILENCE_TIMEOUT = environment.number(env, "MMCHAT_SILENCE_TIMEOUT", 30)
MMCHAT_REPLY_TIMEOUT = environment.number(env, "MMCHAT_REPLY_TIMEOUT", 1800)
MMCHAT_DRAIN_TIMEOUT = environment.number(env, "MMCHAT_DRAIN_TIMEOUT", 60)

# What visitors may send

MMCHAT_MAX_MESSAGE_CHARACTERS = environment.whole_number(env, "MMCHAT_MAX_MESSAGE_CHARACTERS", 16_000)
MMCHAT_MAX_IMAGE_MEGABYTES = environment.number(env, "MMCHAT_MAX_IMAGE_MEGABYTES", 10)
MMCHAT_MAX_IMAGE_MEGAPIXELS = environment.number(env, "MMCHAT_MAX_IMAGE_MEGAPIXELS", 25)
MMCHAT_MAX_IMAGE_SIDE = environment.whole_number(env, "MMCHAT_MAX_IMAGE_SIDE", 8192)
MMCHAT_SCALE_IMAGES_TO = environment.whole_number(env, "MMCHAT_SCALE_IMAGES_TO", 3072)
MMCHAT_LIMITS = environment.switch(env, "MMCHAT_LIMITS", True)
MMCHAT_STORE_ADDRESSES = environment.switch(env, "MMCHAT_STORE_ADDRESSES", False)
MMCHAT_KEEP_ADDRESSES_DAYS = environment.whole_number(env, "MMCHAT_KEEP_ADDRESSES_DAYS", 30)
MMCHAT_KEEP_MODERATION_DAYS = environment.whole_number(env, "MMCHAT_KEEP_MODERATION_DAYS", 0)
MMCHAT_KEEP_AUDIT_DAYS = environment.whole_number(env, "MMCHAT_KEEP_AUDIT_DAYS", 0)
MMCHAT_KEEP_DELETED_DAYS = environment.whole_number(env, "MMCHAT_KEEP_DELETED_DAYS", 7)
MMCHAT_KEEP_EXPORTS_DAYS = environment.whole_number(env, "MMCHAT_KEEP_EXPORTS_DAYS", 7)
MMCHAT_KEEP_DAYS = environment.whole_number(env, "MMCHAT_KEEP_DAYS", 0)
MMCHAT_TRUSTED_PROXIES = environment.networks(
    "MMCHAT_TRUSTED_PROXIES", env.list("MMCHAT_TRUSTED_PROXIES", default=[])
)
MMCHAT_EMBED_ORIGINS = environment.origins(env, "MMCHAT_EMBED_ORIGINS", [])

# Workers and controllers

MMCHAT_WORKER_SECRET = env.str("MMCHAT_WORKER_SECRET", "") or environment.derived_secret(
    SECRET_KEY, "workers"
)
MMCHAT_WORKER_NETWORKS = environment.networks(
    "MMCHAT_WORKER_NETWORKS",
    env.list(
        "MMCHAT_WORKER_NETWORKS",
        default=["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
    ),
)
MMCHAT_WORKER_EXPIRY = environment.number(env, "MMCHAT_WORKER_EXPIRY", 90)
MMCHAT_MODEL_LIST_KEEP = environment.number(env, "MMCHAT_MODEL_LIST_KEEP", 60)

# Moderation

MMCHAT_MODERATION_URL = environment.web_address(
    env, "MMCHAT_MODERATION_URL", "https://api.openai.com/v1/moderations"
)
MMCHAT_MODERATION_KEY = env.str("MMCHAT_MODERATION_KEY", "")
MMCHAT_MODERATION_MODEL = env.str("MMCHAT_MODERATION_MODEL", "omni-moderation-latest")
MMCHAT_MODERATION_TIMEOUT = environment.number(env, "MMCHAT_MODERATION_TIMEOUT", 5)
MMCHAT_MODERATION_WHEN_DOWN = env.str("MMCHAT_MODERATION_WHEN_DOWN", "closed")

# The administration

MMCHAT_ADMIN_PATH = environment.path(env, "MMCHAT_ADMIN_PATH", "admin")
MMCHAT_ADMIN_NETWORKS = environment.networks(
    "MMCHAT_ADMIN_NETWORKS", env.list("MMCHAT_ADMIN_NETWORKS", default=[])
)
MMCHAT_ADMIN_CODES = env.str("MMCHAT_ADMIN_CODES", "optional")
MMCHAT_ADMIN_TRIES = environment.whole_number(env, "MMCHAT_ADMIN_TRIES", 5)
MMCHAT_ADMIN_LOCK_SECONDS = environment.whole_number(env, "MMCHAT_ADMIN_LOCK_SECONDS", 900)
MMCHAT_ADMIN_SESSION_HOURS = environment.number(env, "MMCHAT_ADMIN_SESSION_HOURS", 12)

# What the host sees

MMCHAT_METRICS_NETWORKS = environment.networks(
    "MMCHAT_METRICS_NETWORKS",
    env.list(
        "MMCHAT_METRICS_NETWORKS",
        default=["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
    ),
)
MMCHAT_LOG_LEVEL = env.str("MMCHAT_LOG_LEVEL", "INFO").upper()
MMCHAT_LOG_FORMAT = env.str("MMCHAT_LOG_FORMAT", "plain")

for _name, _allowed in {
    "MMCHAT_MODEL_LIST_MODE": ("once", "reload"),
    "MMCHAT_MODERATION_WHEN_DOWN": ("closed", "open"),
    "MMCHAT_SERVER": ("uvicorn", "daphne"),
    "MMCHAT_ADMIN_CODES": ("optional", "required"),
    "MMCHAT_LOG_LEVEL": ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    "MMCHAT_LOG_FORMAT": ("plain", "json"),
}.items():
    if globals()[_name] not in _allowed:
        raise ImproperlyConfigured(
            f"{_name} is {globals()[_name]!r}; it must be one of {', '.join(_allowed)}."
        )
for _name in (
    "MMCHAT_CONCURRENCY_COUNT",
    "MMCHAT_WORKER_CONCURRENCY",
    "MMCHAT_PROCESSES",
    "MMCHAT_ADMIN_TRIES",
    "MMCHAT_ADMIN_LOCK_SECONDS",
):
    if globals()[_name] < 1:
        raise ImproperlyConfigured(f"{_name} is {globals()[_name]}; it must be 1 or more.")
if not 1 <= MMCHAT_PORT <= 65535:
    raise ImproperlyConfigured(f"MMCHAT_PORT is {MMCHAT_PORT}; it must be from 1 to 65535.")

# Django

INSTALLED_APPS = [
    "daphne",
    "channels",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "chat",
    "feedback",
    "chat.staff.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "mmchat_site.headers.PagePolicyMiddleware",
    "mmchat_site.tokens.VisitorTokenMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "chat.translations.LanguageMiddleware",
    "mmchat_site.gate.admin_gate",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "mmchat_site.outages.DatabaseAwayMiddleware",
]
LOGIN_REDIRECT_URL = "admin:index"
ROOT_URLCONF = "mmchat_site.urls"
ASGI_APPLICATION = "mmchat_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chat.host.in_templates",
            ]
        },
    }
]

DATABASES = {
    "default": environment.database(env, "DATABASE_URL", f"sqlite:///{MMCHAT_DATA_DIR / 'mmchat.sqlite3'}")
}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif _database["ENGINE"].endswith("postgresql"):
    _database["CONN_HEALTH_CHECKS"] = True  # a restart of the server must not cost a page for each connection
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "pool": {"min_size": 1, "max_size": 10, "timeout": 10},
    }

REDIS_URL = env.str("REDIS_URL", "")
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL]},
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(MMCHAT_DATA_DIR / "media")},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "mmchat_site.storage.StaticStorage"
    },
}
STATIC_URL = "/static/"
STATIC_ROOT = MMCHAT_DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # compressing takes seconds at the first start; once is enough
# A picture's bytes go to the decoder's child as they are; above this Django spools them to a file.
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("zh-hans", "简体中文"),
]  # each by its own name; `make messages` keeps the words
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# Security

CSRF_TRUSTED_ORIGINS = [MMCHAT_ORIGIN] if MMCHAT_ORIGIN else []
CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_AGE = 31_536_000
CSRF_FAILURE_VIEW = "chat.views.errors.csrf_failure"
SESSION_COOKIE_AGE = int(MMCHAT_ADMIN_SESSION_HOURS * 3600)
OTP_TOTP_ISSUER = _public_host or "mmchat"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _secure
SECURE_HSTS_SECONDS = 31_536_000 if _secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False
SECURE_SSL_REDIRECT = False  # The proxy in front redirects; behind it every request looks like plain HTTP.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if MMCHAT_TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "style-src": [SELF],
        "script-src": [SELF],
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # the redirect to HTTPS is the proxy's work, see SECURE_SSL_REDIRECT
    "security.W005",  # whether subdomains are HTTPS only is not this site's to decide
    "security.W021",
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"()": "mmchat_site.logs.PlainFormatter"},
        "json": {"()": "mmchat_site.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": MMCHAT_LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": MMCHAT_LOG_LEVEL},
    "loggers": {
        "django": {"level": "INFO"},
        "django.request": {"level": "ERROR"},
        # Every scanner on the network sends foreign Host headers; each would be a page of traceback.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # The pool tells of each attempt; the call that waited for it tells the outcome.
        "psycopg.pool": {"level": "ERROR"},
        # A page of traceback for each second without Redis; `chat.announcements` tells once.
        "channels_redis": {"level": "CRITICAL"},
    },
}
