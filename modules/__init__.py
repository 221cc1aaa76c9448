"""Reusable constructs, one AWS or Kubernetes thing each; they know nothing of architectures.

Only this package imports providers.
"""

import bindings  # noqa: F401
