"""Plan one stack and write what a reviewer needs to know.

Run by `make plan STACK=prom` and by the workflow that comments on pull requests. Standard library
only: a job that plans needs Terraform, the synthesized JSON and Python, but no packages.
"""
