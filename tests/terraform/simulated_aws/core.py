"""The step before every operation that moto serves: throttle, validate, answer.

moto finds the operation of a request in botocore's service model and calls a method of that name.
This module stands before that call, for every service. A request is recorded, throttled when a
test asked for it, and validated against the service model. Then the operation's handler answers
if this package has one, else moto does.
"""

import copy
import re
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from moto.backends import get_backend
from moto.core.exceptions import ServiceException
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import determine_request_protocol
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model
from moto.iam.models import IAMBackend

Json = dict[str, Any]
T = TypeVar("T")


class AwsError(ServiceException):
    """An error as the service answers it; `members` are the fields of its error shape."""

    def __init__(self, code: str, message: str, **members: object) -> None:
        """Take the error's code, its message, and the other members of its shape."""
        super().__init__(code, message)
        vars(self).update(members)


@dataclass(frozen=True)
class Call:
    """One request: its validated parameters, and where it was sent."""

    params: Json
    account: str
    region: str
    access_key: str = ""

    def __getitem__(self, name: str) -> Any:
        """Return the parameter, or None where the request does not carry it."""
        return self.params.get(name)

    def given(self, *names: str) -> Json:
        """Return those of the named parameters that the request carries."""
        return {name: self.params[name] for name in names if name in self.params}

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def backend(self, service: str) -> Any:
        """Return moto's own state of a service, here as in its handlers."""
        region = "aws" if service in _GLOBAL else self.region
        return get_backend(service)[self.account][region]  # type: ignore[call-overload]

    @property
    def principal(self) -> str:
        """The ARN of the role that the request was signed for, or of moto's user."""
        assumed = self.backend("sts").get_assumed_role_from_access_key(self.access_key)
        return str(assumed.role_arn) if assumed else f"arn:aws:iam::{self.account}:user/moto"

    def state(self, service: str, kind: type[T]) -> T:
        """Return this package's state of a service; moto's reset drops it with its own."""
        state: T = vars(self.backend(service)).setdefault("simulated", kind())
        return state


# What moto keeps once for an account, not for each region.
_GLOBAL = {"ce", "iam", "sts"}

Handler = Callable[[Call], Json | None]
_HANDLERS: dict[tuple[str, str], Handler] = {}


@dataclass(frozen=True)
class Service:
    """The operations of one service that this package answers or checks."""

    name: str
    """botocore's name of the service."""

    def operation(self, handler: Handler) -> Handler:
        """Register a handler for the operation of the same name.

        It returns the operation's output, or None to let moto go on and answer.
        """
        self.register("".join(word.capitalize() for word in handler.__name__.split("_")), handler)
        return handler

    def register(self, operation: str, handler: Handler) -> None:
        """Register a handler for an operation by the operation's own name."""
        _HANDLERS[self.name, operation] = handler

    def register_tagging(self, find: Callable[[Call], Json]) -> None:
        """Register the tag operations of a service, given what finds the tags of an ARN."""

        def tag(call: Call) -> Json:
            find(call).update(call["tags"])
            return {}

        def untag(call: Call) -> Json:
            for key in call["tagKeys"]:
                find(call).pop(key, None)
            return {}

        self.register("TagResource", tag)
        self.register("UntagResource", untag)
        self.register("ListTagsForResource", lambda call: {"tags": find(call)})


# The code with which each service refuses a malformed request; the others say ValidationException.
_MALFORMED = {
    "ec2": "InvalidParameterValue",
    "eks": "InvalidParameterException",
    "iam": "ValidationError",
    "logs": "InvalidParameterException",
    "sts": "ValidationError",
}
_THROTTLED = {"ec2": "RequestLimitExceeded", "iam": "Throttling", "sts": "Throttling"}


@cache
def _pattern(text: str) -> re.Pattern[str]:
    # Patterns are Java's. Python knows none of its Unicode classes, which occur in tags only.
    try:
        return re.compile(text.replace(r"[\w-_]", r"[\w\-]"))
    except re.error:
        return re.compile(r"(?s).*")


def _violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Yield what AWS would say of `value` under a shape of the service model."""
    kind, limits = shape.type_name, shape.metadata
    if kind == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                said = f"Value null at '{path}{name}' failed to satisfy constraint"
                yield f"{said}: Member must not be null"
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _violations(member, value[name], f"{path}{name}.")
        return
    if kind == "list":
        for index, item in enumerate(value, 1):
            yield from _violations(shape.member, item, f"{path}{index}.member.")
    if kind == "map":
        for key, item in value.items():
            yield from _violations(shape.key, key, path)
            yield from _violations(shape.value, item, f"{path}{key}.")

    numeric = kind in {"integer", "long", "float", "double"}
    size = value if numeric else len(value) if kind in {"string", "blob", "list", "map"} else None
    measure = "value" if numeric else "length"
    said = f"Value '{value!s:.200}' at '{path[:-1]}' failed to satisfy constraint: Member must"
    if size is not None and size < limits.get("min", size):
        yield f"{said} have {measure} greater than or equal to {limits['min']}"
    if size is not None and size > limits.get("max", size):
        yield f"{said} have {measure} less than or equal to {limits['max']}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"{said} satisfy enum value set: [{', '.join(limits['enum'])}]"
    if "pattern" in limits and not _pattern(limits["pattern"]).fullmatch(value):
        yield f"{said} satisfy regular expression pattern: {limits['pattern']}"


def validate(service: str, operation: str, params: Json) -> None:
    """Refuse parameters that break the service model: members, lengths, ranges, enums, patterns.

    Raises:
        AwsError: all violations in one message, under the code that the service uses.
    """
    shape = get_service_model(service).operation_model(operation).input_shape
    found = list(_violations(shape, params, "")) if shape else []
    if found:
        plural = "s" if len(found) > 1 else ""
        raise AwsError(
            _MALFORMED.get(service, "ValidationException"),
            f"{len(found)} validation error{plural} detected: {'; '.join(found)}",
            reason="FIELD_VALIDATION_FAILED",
        )


@dataclass
class Traffic:
    """What was asked of the simulated AWS, and which faults it is told to show.

    Operations are written like ``eks:CreateCluster``, with botocore's name of the service.
    """

    calls: list[str] = field(default_factory=list)
    throttled: Counter[str] = field(default_factory=Counter)
    """How many of the next calls of an operation are refused as too many."""
    unanswered: set[str] = field(default_factory=set)
    """Operations that are carried out, but whose answer is lost: the caller sees status 500."""
    refusals: Counter[str] = field(default_factory=Counter)
    """How often the deletion of a resource was refused because of what depends on it."""

    def forget(self) -> None:
        """Forget what happened and what a test asked for; keep what the server was started with."""
        for counted in (self.calls, self.throttled, self.refusals):
            counted.clear()


TRAFFIC = Traffic()
_moto_call_action = BaseResponse.call_action
_one_at_a_time = threading.RLock()


def _parameters(response: BaseResponse, operation: str) -> Json:
    request = response.normalized_request
    model = get_service_model(response.boto3_service_name)
    parser = PROTOCOL_PARSERS[determine_request_protocol(model, request.content_type)]
    params = parser(model.operation_model(operation)).parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": response.uri_match,
        }
    )
    # The parser makes an empty map of a map that the query string does not carry.
    return {name: value for name, value in params.items() if value != {} or request.data}


def _call_action(response: BaseResponse) -> Any:
    operation, service = response._get_action(), response.boto3_service_name
    if signed := response.headers.get("Authorization"):
        # moto looks in the URL first, and takes "aps" from an ARN with scraper.aps.amazonaws.com.
        response.region = signed.split(",")[0].split("/")[2]
    name = f"{service}:{operation}"
    TRAFFIC.calls.append(name)
    try:
        if TRAFFIC.throttled[name] > 0:
            TRAFFIC.throttled[name] -= 1
            raise AwsError(_THROTTLED.get(service, "ThrottlingException"), "Rate exceeded")
        params = _parameters(response, operation)
        validate(service, operation, params)
        handler = _HANDLERS.get((service, operation))
        call = Call(
            params, response.current_account, response.region, response.get_access_key() or ""
        )
        with _one_at_a_time:
            answer = handler(call) if handler else None
            if answer is None:
                return _moto_call_action(response)
        if name in TRAFFIC.unanswered:
            raise AwsError("InternalServerException", f"The answer of {name} was lost")
        return response.serialized(ActionResult(answer))
    except ServiceException as error:
        return response.serialized(ActionResult(error))
    except Exception as error:
        # A fault of moto or of this package. As a status 500 the provider would repeat it for long.
        traceback.print_exc()
        fault = AwsError("SimulatedAwsFault", f"The simulated AWS cannot do {name}: {error!r}")
        return response.serialized(ActionResult(fault))


_moto_managed_policies = IAMBackend._init_aws_policies
_managed_policies: dict[str, list[Any]] = {}


def _copied_managed_policies(backend: IAMBackend) -> list[Any]:
    # moto builds AWS's 1,600 policies anew at every reset, and for each of eight partitions.
    partition = backend.region_name
    if partition not in _managed_policies:
        _managed_policies[partition] = _moto_managed_policies(backend)
    return [copy.copy(policy) for policy in _managed_policies[partition]]


def install() -> None:
    """Put this package's step before every operation of moto."""
    BaseResponse.call_action = _call_action  # type: ignore[assignment, method-assign]
    IAMBackend._init_aws_policies = _copied_managed_policies  # type: ignore[assignment, method-assign]
