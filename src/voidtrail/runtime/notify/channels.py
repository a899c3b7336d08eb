"""Channels: where messages to people go, by Apprise, each in a thread with a deadline."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from voidtrail.errors import SettingInvalid
from voidtrail.event.account import Secret
from voidtrail.ledger.messages import Message
from voidtrail.runtime.notify.settings import ChannelSettings
from voidtrail.runtime.sending import Answer, Refused, Retry, Sent

KEY_HEADER: Final = "Idempotency-Key"
SCHEDULE_S: Final = (1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 3600, 10_800, 21_600, 43_200)
"""Waits after each try: about a day, then the message is a dead letter."""
_THREADS_MAX: Final = 32
_GRACE_S: Final = 2.0
"""Beyond a channel's own time-out, so that it is the one to answer where it can."""


class Letter(msgspec.Struct, frozen=True):
    """A message in words, as it stands in the body of a `Message`.

    Attributes:
        level: "info", "success", "warning" or "failure".
        facts: the same for machines; webhooks get it beside the text.
    """

    title: str
    text: str
    level: str = "warning"
    facts: Mapping[str, Any] = {}


class Channel:
    """One receiver.

    Args:
        settings: name, language, time-out.
        address: the Apprise address.

    Raises:
        SettingInvalid: Apprise cannot read the address.
    """

    def __init__(self, settings: ChannelSettings, address: Secret) -> None:
        from apprise import AppriseAsset

        from voidtrail.runtime.notify.answers import listen_to

        # Apprise writes addresses, and so tokens, to its log.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self.settings = settings
        self._address = address
        self._asset = AppriseAsset(
            app_id="Voidtrail", app_desc="Voidtrail", async_mode=False, http_redirects=False,
            storage_mode="memory",
        )  # fmt: skip
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            plugin = self._plugin()  # the first one loads Apprise, and what it imports is its own
        listen_to(type(plugin))

    def _plugin(self) -> Any:
        """Return a plugin of its own for each message: plugins keep state and threads do not."""
        from apprise import Apprise

        plugin: Any = Apprise.instantiate(self._address.reveal(), asset=self._asset)
        if plugin is None:
            raise SettingInvalid(f"channel {self.settings.name}: not an Apprise address")
        plugin.request_rate_per_sec = 0  # the post sets the pace
        plugin.socket_connect_timeout = self.settings.timeout_s
        plugin.socket_read_timeout = self.settings.timeout_s
        if plugin.secure_protocol == "dingtalk":
            plugin.get_signature = partial(_encoded_once, plugin.get_signature)
        return plugin

    def send(self, letter: Letter, key: str) -> Answer:
        """Hand a letter to the receiver; blocks."""
        from apprise import NotifyFormat, NotifyType

        from voidtrail.runtime.notify.answers import CHATS, listening

        plugin = self._plugin()
        if isinstance(getattr(plugin, "headers", None), dict):
            plugin.headers[KEY_HEADER] = key
        if isinstance(getattr(plugin, "payload_extras", None), dict):
            plugin.payload_extras |= {"key": key, **letter.facts}
        chat = plugin.secure_protocol in CHATS
        with listening(self.settings.server, chat=chat) as heard:
            arrived = plugin.notify(
                body=letter.text, title=letter.title, notify_type=NotifyType(letter.level),
                body_format=NotifyFormat.TEXT,
            )  # fmt: skip
        return Sent() if arrived else Retry(heard.why or "could not be reached", heard.after_s)


def _encoded_once(signature: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    """Return DingTalk's instant and signature as they are.

    Apprise 2.2 encodes the signature for a URL, and `requests` does so once more; DingTalk then
    answers "sign not match", behind a 200.
    """
    instant, signed = signature()
    return instant, unquote(signed)


class Channels:
    """Carries messages of the kind "alert".

    Args:
        channels: by name.
    """

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = channels
        threads = min(_THREADS_MAX, 4 * len(channels) + 1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="alert")

    async def carry(self, message: Message) -> Answer:
        """Hand one message to its channel."""
        channel = self._channels.get(message.target)
        if channel is None:
            return Refused(f"there is no channel {message.target!r} any more")
        letter = msgspec.json.decode(message.body, type=Letter)
        work = partial(channel.send, letter, message.key)
        deadline_s = channel.settings.timeout_s + _GRACE_S
        try:
            return await asyncio.wait_for(
                asyncio.get_running_loop().run_in_executor(self._threads, work), deadline_s
            )
        except TimeoutError:
            return Retry(f"no answer within {deadline_s:g} s")

    async def close(self) -> None:
        """Let go of the threads; what is under way ends by its own time-outs."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def channels_of(
    settings: Iterable[ChannelSettings], secret: Callable[[str, str], Secret]
) -> dict[str, Channel]:
    """Return the channels that are configured, by name.

    Args:
        settings: of each.
        secret: fetches a secret by its place and by what to call it in a refusal.
    """
    return {
        each.name: Channel(each, secret(each.address, f"channel {each.name}, address"))
        for each in settings
    }
