"""Plan one stack and write a summary of the plan for a reviewer.

`make plan STACK=prom` runs it, and the workflow that comments on pull requests. It uses the
standard library only: a job that plans needs Terraform, the synthesized JSON and Python, but no
packages.
"""
