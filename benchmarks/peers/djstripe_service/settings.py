"""The settings of the dj-stripe peer: nothing that a webhook receiver does not need."""

import os

SECRET_KEY = "benchmark-only"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "urls"
WSGI_APPLICATION = "wsgi.application"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIDDLEWARE: list[str] = []
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "djstripe",
    "stub_api",
]
ON_POSTGRESQL = os.environ.get("PEER_DATABASE") == "postgresql"
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": os.environ.get("PEER_DATABASE_FILE", "peer.sqlite3"),
    "CONN_MAX_AGE": None,
    "OPTIONS": {
        "timeout": 60,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    },
}
POSTGRESQL = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": os.environ.get("PGDATABASE", ""),  # where it is, libpq finds by PGHOST and PGUSER
    "CONN_MAX_AGE": None,
}
DATABASES = {"default": POSTGRESQL if ON_POSTGRESQL else SQLITE}
LOGGING = {"version": 1, "disable_existing_loggers": True, "root": {"level": "CRITICAL"}}

STRIPE_LIVE_MODE = False
STRIPE_TEST_SECRET_KEY = "sk_test_" + "benchmark" * 3  # shaped like a key, is none
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
if os.environ.get("PEER_DJSTRIPE") == "store":
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK = "stub_api.apps.put_off"
