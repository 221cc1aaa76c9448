"""What a person runs beside cdktf."""

import bindings  # noqa: F401
