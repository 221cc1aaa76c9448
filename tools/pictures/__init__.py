"""The pictures of README and docs, drawn from what is synthesized; see images/README.md."""
