"""Stacks that are no architecture, and what every stack shares."""

import bindings  # noqa: F401
