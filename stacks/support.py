"""Warnings from 90 days before the end of support of what a stack uses.

A warning stands in `manifest.json` alone, never in a stack's JSON. It is judged by today's date in
UTC, or by that in the environment variable SOURCE_DATE_EPOCH, which is for reproducible builds
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
    """Say when the cluster that base makes leaves standard support, from 90 days before."""
    version = settings.base.kubernetes_version
    ends = EKS_SUPPORT_ENDS[version]
    newer = [each for each in EKS_SUPPORT_ENDS if EKS_SUPPORT_ENDS[each] > ends]
    if today < ends - BEFORE:
        return
    left = "left" if today >= ends else "leaves"
    after = (
        f'set "{newer[0]}", because AWS then upgrades the cluster by itself, and a plan would go '
        f'on asking for "{version}", which EKS refuses'
        if newer
        else "take a newer release of this project"
    )
    yield f'base.kubernetes_version "{version}" {left} EKS standard support on {ends}: {after}'


def today() -> date:
    """Give the date in UTC, or that of SOURCE_DATE_EPOCH."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    return datetime.fromtimestamp(seconds, UTC).date()
