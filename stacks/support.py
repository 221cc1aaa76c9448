"""Warn about the end of support of what a stack uses, from 90 days before it.

A warning is only in `manifest.json`, never in a stack's JSON. It depends on today's date in UTC, or
on the date in the environment variable SOURCE_DATE_EPOCH, which is for reproducible builds
(https://reproducible-builds.org/specs/source-date-epoch/).
"""

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from modules.versions import EKS_SUPPORT_ENDS
from settings import Settings

BEFORE = timedelta(days=90)


def warnings(settings: Settings, today: date) -> Iterator[str]:
    """Warn that the Kubernetes version of base's cluster leaves EKS standard support."""
    version = settings.base.kubernetes_version
    ends = EKS_SUPPORT_ENDS[version]
    newer = [each for each in EKS_SUPPORT_ENDS if EKS_SUPPORT_ENDS[each] > ends]
    if today < ends - BEFORE:
        return
    left = "left" if today >= ends else "leaves"
    after = (
        f'set "{newer[0]}". After that date AWS upgrades the cluster by itself, and plans that '
        f'still have "{version}" fail, because EKS refuses it'
        if newer
        else "use a newer release of this project"
    )
    yield f'base.kubernetes_version "{version}" {left} EKS standard support on {ends}: {after}'


def today() -> date:
    """Return today's date in UTC, or the date of SOURCE_DATE_EPOCH."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    return datetime.fromtimestamp(seconds, UTC).date()
