"""The kinds of resources that this project creates, and which of their changes pass the gate.

To add a kind of resource, add an entry to KINDS. Name every argument that a module sets: with
`free` if it can neither expose, widen, weaken nor lose anything, else with a rule of
`tools.gate.rules` (or `rights`, `values`). Do not name an argument that no module sets: the gate
asks about it by default. `tests/synth/test_gate.py` shows what is still missing for the stacks of
every settings file.

* An update passes if each argument that changes has a rule without complaints.
* A new resource passes if that holds for each argument in it, and `asks_to_create` is empty.
* The gate always asks about a resource that is destroyed or removed from the state.
* It asks about a resource that is replaced, unless it is `replaceable`: it holds neither data nor
  rights, and nothing else knows its name.
"""

from tools.gate.kinds import amp, billing, cluster, kubernetes, network, ui
from tools.gate.kinds.kind import Kind

KINDS: dict[str, Kind] = {
    **network.KINDS,
    **cluster.KINDS,
    **amp.KINDS,
    **kubernetes.KINDS,
    **ui.KINDS,
    **billing.KINDS,
}
