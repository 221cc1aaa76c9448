"""Verify a deployment: compare a stack with the cluster and AWS. It reads and changes nothing.

The checks read from the synthesized stack (cdktf.out/stacks/<stack>/cdk.tf.json) what must be true.
So they cover an architecture that is added later without an edit here. Each file has the checks of
one theme, as a function `check(context) -> Iterator[Finding]`.
"""
