"""The stacks that are not architectures, and what every stack shares."""

import bindings  # noqa: F401
