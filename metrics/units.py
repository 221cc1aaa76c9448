"""Intervals, hours and selectors that scraping, rules, dashboards and estimates share."""

# Kubecost weighs samples by the interval, which it cannot read from AMP: it assumes a minute.
INTERVAL = "60s"
# AWS Pricing Calculator and Kubecost: a month is a twelfth of 365 days.
HOURS_PER_MONTH = 730
# Without the pause container and the pod's own cgroup.
CONTAINER = 'container!="",container!="POD"'
