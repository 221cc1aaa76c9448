"""A stand-in for Amazon SNS: takes signed messages to one topic, within the service's limits."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl

from tests.lab.amp import Role
from tests.lab.server import Answer, Request, Server
from tests.lab.signature import access_key, is_signed

# SNS API reference, Publish; developer guide, "Message attributes".
MAX_SUBJECT = 100  # characters
MAX_MESSAGE = 262_144  # bytes, with subject and attributes


@dataclass(frozen=True)
class Message:
    """A message that SNS took, and when (seconds since the epoch)."""

    subject: str
    text: str
    attributes: dict[str, str]
    at: float


class Sns:
    """The topic at http://`address`; who publishes must be `role`.

    Attributes:
        messages: those that it took, oldest first.
        refused: why it did not take others.
    """

    def __init__(self, address: str, *, topic_arn: str, role: Role) -> None:
        self.url = f"http://{address}"
        self.messages: list[Message] = []
        self.refused: list[str] = []
        self._topic_arn, self._role = topic_arn, role
        self._region = topic_arn.split(":")[3]
        self._lock = threading.Lock()
        self._server = Server(address, 80, self._answer)

    def _answer(self, request: Request) -> Answer:
        given = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        attributes = {
            name: given.get(key.removesuffix("Name") + "Value.StringValue", "")
            for key, name in given.items()
            if key.startswith("MessageAttributes.entry.") and key.endswith(".Name")
        }
        message = Message(
            given.get("Subject", ""), given.get("Message", ""), attributes, time.time()
        )
        signed = access_key(request) == self._role.name and is_signed(
            request, self._role.credentials, service="sns", region=self._region
        )
        wrong = "not signed by the role" if not signed else self._wrong(given, message)
        with self._lock:
            if wrong:
                self.refused.append(wrong)
            else:
                self.messages.append(message)
        if wrong:
            error = f"<Error><Code>InvalidParameter</Code><Message>{wrong}</Message></Error>"
            return 400, f"<ErrorResponse>{error}</ErrorResponse>"
        answer = "<PublishResult><MessageId>1</MessageId></PublishResult>"
        return 200, f"<PublishResponse>{answer}</PublishResponse>"

    def _wrong(self, given: dict[str, str], message: Message) -> str | None:
        if (given.get("Action"), given.get("TopicArn")) != ("Publish", self._topic_arn):
            return "not a message to this topic"
        subject = message.subject
        if not (subject.isascii() and subject.isprintable() and len(subject) <= MAX_SUBJECT):
            return f"subject: {subject!r}"
        if not subject or subject[0].isspace():
            return "subject: it must begin with a letter, a digit or punctuation"
        if not all(message.attributes.values()):
            return "attribute without a value"
        parts = [subject, message.text, *message.attributes, *message.attributes.values()]
        size = sum(len(part.encode()) for part in parts)
        return None if message.text and size <= MAX_MESSAGE else f"message of {size} bytes"

    def close(self) -> None:
        self._server.close()
