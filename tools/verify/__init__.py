"""After a deploy: is it true? Reads a cluster and AWS, changes nothing.

What must be true is read from the synthesized stack (cdktf.out/stacks/<stack>/cdk.tf.json), so an
architecture that is added later is checked without an edit here. Each file has the checks of one
theme, as functions `check(context) -> Iterator[Finding]`.
"""
