"""Tests by what they need: unit nothing, synth Node.js, terraform its binary, lab a cluster."""

import bindings  # noqa: F401
