"""A hand-rolled webhook service: verify, dedupe, update the payment, commit, answer."""

import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import stripe
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from models import Base, Event, Payment
from sqlalchemy import event as sa_event
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from verify_alipay import alipay_verifier

DATABASE_URL = os.environ.get("PEER_DATABASE_URL", "sqlite+aiosqlite:///peer.sqlite3")
STRIPE_SECRET = os.environ["PEER_STRIPE_SECRET"]
ALIPAY_APP_ID = os.environ.get("PEER_ALIPAY_APP_ID", "")
ALIPAY_PUBLIC_KEY_FILE = os.environ.get("PEER_ALIPAY_PUBLIC_KEY_FILE", "")
ON_SQLITE = DATABASE_URL.startswith("sqlite")
# SQLite has one writer: a second connection would only wait for the first one's lock.
POOL_SIZE = int(os.environ.get("PEER_POOL_SIZE", "1" if ON_SQLITE else "5"))

engine = create_async_engine(DATABASE_URL, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=60)
session_factory = async_sessionmaker(engine, expire_on_commit=False)
insert = sqlite_insert if ON_SQLITE else postgresql_insert
verify_alipay: Callable[[dict[str, str], str], bool] | None = (
    alipay_verifier(
        os.environ.get("PEER_ALIPAY", "sdk"),
        ALIPAY_APP_ID,
        Path(ALIPAY_PUBLIC_KEY_FILE).read_text(),
    )
    if ALIPAY_PUBLIC_KEY_FILE
    else None
)


if ON_SQLITE:

    @sa_event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        """Make SQLite durable and concurrent."""
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA busy_timeout=30000")
        cursor.close()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Create the tables."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def get_session() -> AsyncIterator[AsyncSession]:
    """One session a request."""
    async with session_factory() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


@app.get("/health")
async def health() -> dict[str, str]:
    """Answer that the service is up."""
    return {"status": "ok"}


async def record(
    session: AsyncSession, event: Mapping[str, Any], payment: Mapping[str, Any]
) -> None:
    """Store the event once, update its payment, commit."""
    stored = await session.execute(
        insert(Event).values(**event).on_conflict_do_nothing(index_elements=["id"])
    )
    if stored.rowcount:
        upsert = insert(Payment).values(**payment)
        changes = {name: upsert.excluded[name] for name in payment if name != "id"}
        await session.execute(upsert.on_conflict_do_update(index_elements=["id"], set_=changes))
    await session.commit()


@app.post("/hooks/stripe/{account}")
async def stripe_hook(account: str, request: Request, session: Session) -> JSONResponse:
    """Receive a Stripe event."""
    payload = await request.body()
    try:
        event = stripe.Webhook.construct_event(
            payload, request.headers.get("stripe-signature", ""), STRIPE_SECRET
        )
    except (ValueError, stripe.SignatureVerificationError) as error:
        raise HTTPException(status_code=400, detail="invalid notification") from error
    obj = event.data.object
    reference = obj.id if obj.object == "payment_intent" else obj.payment_intent
    refunded = getattr(obj, "amount_refunded", 0)
    now = int(time.time())
    await record(
        session,
        {
            "id": event.id,
            "source": "stripe",
            "account": account,
            "type": event.type,
            "payment_id": reference,
            "payload": payload.decode(),
            "received_at": now,
        },
        {
            "id": f"stripe:{account}:{reference}",
            "status": event.type if refunded else obj.status,
            "amount_minor": obj.amount,
            "refunded_minor": refunded,
            "currency": obj.currency,
            "updated_at": now,
        },
    )
    return JSONResponse({"received": True})


@app.post("/hooks/alipay/{account}")
async def alipay_hook(account: str, request: Request, session: Session) -> PlainTextResponse:
    """Receive an Alipay notification."""
    payload = await request.body()
    form = {name: str(value) for name, value in (await request.form()).items()}
    signature = form.pop("sign", "")
    if verify_alipay is None or not verify_alipay(dict(form), signature):
        return PlainTextResponse("fail", status_code=400)
    if form["app_id"] != ALIPAY_APP_ID:
        return PlainTextResponse("fail", status_code=400)
    now = int(time.time())
    await record(
        session,
        {
            "id": form["notify_id"],
            "source": "alipay",
            "account": account,
            "type": form["trade_status"],
            "payment_id": form["out_trade_no"],
            "payload": payload.decode(),
            "received_at": now,
        },
        {
            "id": f"alipay:{account}:{form['out_trade_no']}",
            "status": form["trade_status"],
            "amount_minor": int(Decimal(form["total_amount"]) * 100),
            "refunded_minor": int(Decimal(form.get("refund_fee", "0")) * 100),
            "currency": "cny",
            "updated_at": now,
        },
    )
    return PlainTextResponse("success")
