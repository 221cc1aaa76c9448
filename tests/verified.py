"""What `make verify` prints where all is well; the lab compares it with what is really printed.

tests/lab/verified has it for each architecture. The page of one architecture shows all of it, those
of the others what they print beside it.
"""

import re

from tests.conftest import ROOT

WHOLE = "prom_amp_cost"


def output(name: str) -> str:
    """Give the whole output for an architecture's stack with the default settings."""
    return (ROOT / f"tests/lab/verified/{name}.txt").read_text()


def shape(text: str) -> list[str]:
    """Give the lines that are ok, without what differs from one run to the next."""
    lines = re.findall(r"^ok .+", text, re.MULTILINE)
    varying = r"\b(ws|s)-(\.{3}|[0-9a-f]{8}-[0-9a-f-]{27})|[\d,]*\d%?"
    return [re.sub(varying, "N", line) for line in lines]
