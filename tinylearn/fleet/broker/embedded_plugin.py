"""The embedded broker's rules, as amqtt (0.12) asks for them: a plugin, and one repair."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin

from tinylearn.fleet.broker.access import Access


class AccessPlugin(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]
    """Asks ``Access``; a client's user name has been checked to be its id."""

    @dataclass
    class Config:
        """``folder``: the broker folder."""

        folder: str

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.access = Access(Path(self.config.folder))

    async def authenticate(self, *, session: Any) -> bool:
        """The gate has let it in; here only who has come through it is."""
        return session.username is not None and session.username == session.client_id

    async def topic_filtering(
        self, *, session: Any = None, topic: str | None = None, action: Any = None
    ) -> bool:
        """Whether the client may publish, subscribe to, or be sent."""
        user, name = session.username or "", topic or ""
        if action == Action.PUBLISH:
            return self.access.may_publish(user, name)
        if action == Action.SUBSCRIBE:
            return self.access.may_subscribe(user, name)
        return self.access.may_receive(user, name)


class Subscriptions(dict[str, Any]):
    """Filters and who listens. amqtt goes through them while it waits for others, who may subscribe
    meanwhile; that would end the task which deals a message out."""

    def items(self) -> Any:
        """As they are now."""
        return list(super().items())


class FilteredBroker(Broker):  # type: ignore[misc]
    """amqtt sends retained messages that match anybody's subscription to whoever connects."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._subscriptions: dict[str, Any] = Subscriptions()

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Any
    ) -> None:
        holders = [holder for holder, _ in self._subscriptions.get(subscription[0], [])]
        if any(holder is session for holder in holders):
            await super()._publish_retained_messages_for_subscription(subscription, session)
