"""Keep one comment for each stack on a pull request."""

import json
import re
import urllib.request
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PullRequest:
    """A pull request, by GitHub's REST API: `api` is its base address."""

    api: str
    repository: str
    number: int
    token: str

    def put(self, marker: str, body: str) -> None:
        """Replace the comment that begins with `marker`, or write a first one.

        Raises:
            OSError, ValueError: GitHub refused the comment.
        """
        comments = f"{self.api}/repos/{self.repository}/issues/{self.number}/comments"
        page: str | None = f"{comments}?per_page=100"
        while page:
            found, page = self._call("GET", page)
            for comment in found:
                # Comments of people may quote ours and cannot be edited. A deleted user is null.
                if (comment.get("user") or {}).get("type") == "Bot" and (
                    comment.get("body") or ""
                ).startswith(marker):
                    address = f"{self.api}/repos/{self.repository}/issues/comments/{comment['id']}"
                    self._call("PATCH", address, {"body": body})
                    return
        self._call("POST", comments, {"body": body})

    def _call(self, method: str, url: str, data: Any = None) -> tuple[Any, str | None]:
        """Send a request; return the answer, and the address of the next page if there is one."""
        request = urllib.request.Request(
            url,
            method=method,
            data=None if data is None else json.dumps(data).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
            return json.load(answer), following[1] if following else None
