"""Ring 4: the synthesized configurations in the real programs; see README.md."""
