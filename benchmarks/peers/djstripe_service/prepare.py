"""Makes the peer's database: migrated once, copied for each run, with one webhook endpoint.

Environment: PEER_DATABASE_FILE (made anew), PEER_TEMPLATE_FILE (kept between runs),
PEER_STRIPE_SECRET, PEER_ENDPOINT_UUID. PEER_DATABASE=postgresql fills the empty database that
libpq's variables name; the template is then an SQL file beside the other.
"""

import os
import shutil
import subprocess
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection


def migrate(template: Path) -> None:
    """Run every migration once; a half-made template is never left behind."""
    scratch = template.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    settings.DATABASES["default"]["NAME"] = str(scratch)
    connection.settings_dict["NAME"] = str(scratch)
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    scratch.rename(template)


def copy_template() -> None:
    """Have the database as a file that was migrated earlier."""
    database = Path(os.environ["PEER_DATABASE_FILE"])
    template = Path(os.environ["PEER_TEMPLATE_FILE"])
    if not template.exists():
        migrate(template)
    shutil.copyfile(template, database)
    connection.settings_dict["NAME"] = str(database)


def restore_template() -> None:
    """Fill the PostgreSQL database with what was dumped after it was migrated earlier."""
    template = Path(os.environ["PEER_TEMPLATE_FILE"]).with_suffix(".sql")
    if template.exists():
        psql = ("psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--single-transaction", "--file")
        subprocess.run([*psql, str(template)], stdout=subprocess.DEVNULL, check=True)
        return
    call_command("migrate", verbosity=0)
    scratch = template.with_suffix(".new-sql")
    subprocess.run(["pg_dump", "--file", str(scratch)], check=True)
    scratch.rename(template)


def configure() -> None:
    """Store the account, its API key and the webhook endpoint, as a synchronisation would."""
    from djstripe.models import Account, APIKey, WebhookEndpoint

    account = Account.objects.create(id="acct_benchmark000001", livemode=False)
    APIKey.objects.create(
        id="apikey_benchmark",
        secret=settings.STRIPE_TEST_SECRET_KEY,
        type="secret",
        livemode=False,
        djstripe_owner_account=account,
    )
    WebhookEndpoint.objects.create(
        id="we_benchmark",
        djstripe_owner_account=account,
        livemode=False,
        secret=os.environ["PEER_STRIPE_SECRET"],
        djstripe_uuid=os.environ["PEER_ENDPOINT_UUID"],
        djstripe_validation_method="verify_signature",
        enabled_events=["*"],
        status="enabled",
        url="https://localhost/stripe/webhook/",
    )


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()
if settings.ON_POSTGRESQL:
    restore_template()
else:
    copy_template()
configure()
