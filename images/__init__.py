"""The pictures of README and docs, drawn from what is synthesized; see README.md here."""
