"""The login of the UIs, imitated on loopback: identity provider, load balancer, Grafana, Kubecost.

None of them can be had here. Each imitates what its public documentation says, as narrowly as the
tests need it, and reads what was synthesized: annotations of Ingresses and values of charts.
"""
