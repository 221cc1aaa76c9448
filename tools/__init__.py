"""The commands of this project besides cdktf."""

import bindings  # noqa: F401
