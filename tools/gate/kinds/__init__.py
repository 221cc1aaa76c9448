"""For each kind of resource that this project makes: what may come, change and go without a word.

To add a kind of resource, add an entry to KINDS. Name every argument that a module sets, with
`free` if it can neither expose, widen, weaken nor lose anything, and else with a rule of
`tools.gate.rules` (or `rights`, `values`). Do not name what no module sets: it asks by itself.
`tests/synth/test_gate.py` shows what is still missing for the stacks of every settings file.

* An update passes if each argument that changes has a rule that is silent.
* A new resource passes if each argument that is written has one, and `asks_to_create` is empty.
* A resource that is destroyed, or given up, always asks.
* One that is replaced asks, unless `replaceable`: it holds neither data nor rights, and its name
  is known to nobody.
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
