"""Send PromQL to the Prometheus in the cluster or to AMP."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from tools.verify.finding import CannotCheckError


class Series(NamedTuple):
    """Labels and value of a series in the answer."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True)
class Source:
    """Something that answers PromQL.

    Attributes:
        name: the name in messages.
        own: the matchers that select this cluster's series.
        answer: sends an expression to /api/v1/query and returns the answer.
    """

    name: str
    own: str
    answer: Callable[[str], Any]

    def ask(self, promql: str) -> list[Series]:
        """Return the series of an instant query.

        Raises:
            CannotCheckError: there is no answer, or it is an error.
        """
        answer = self.answer(promql)
        answer = json.loads(answer) if isinstance(answer, str) else answer
        if answer.get("status") != "success":
            raise CannotCheckError(f"{self.name}: {answer.get('error', answer)}")
        found = answer["data"]["result"]
        return [Series(each["metric"], float(each["value"][1])) for each in found]

    def value(self, promql: str) -> float | None:
        """Return the value of the only series in the answer; None if there is none."""
        found = self.ask(promql)
        return found[0].value if found else None

    def of(self, name: str, *matchers: str) -> str:
        """Write the selector of this cluster's series of a metric."""
        return f"{name}{{{','.join(each for each in (self.own, *matchers) if each)}}}"
