// Judges connections by NetworkPolicies with cyclonus's matcher. Reads JSON from stdin, writes a
// list of booleans: whether each connection is allowed.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

type party struct {
	Address         string
	Namespace       *string
	Labels          map[string]string
	NamespaceLabels map[string]string
}

type connection struct {
	Source, Target party
	Port           int
	PortName       string
	Protocol       string
}

type question struct {
	Policies    []*networkingv1.NetworkPolicy
	Connections []connection
}

func peer(p party) *matcher.TrafficPeer {
	found := &matcher.TrafficPeer{IP: p.Address}
	if p.Namespace != nil {
		found.Internal = &matcher.InternalPeer{
			PodLabels:       p.Labels,
			NamespaceLabels: p.NamespaceLabels,
			Namespace:       *p.Namespace,
		}
	}
	return found
}

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		log.Fatal(err)
	}
	policies := matcher.BuildNetworkPolicies(false, asked.Policies)
	answers := make([]bool, 0, len(asked.Connections))
	for _, each := range asked.Connections {
		allowed := policies.IsTrafficAllowed(&matcher.Traffic{
			Source:           peer(each.Source),
			Destination:      peer(each.Target),
			ResolvedPort:     each.Port,
			ResolvedPortName: each.PortName,
			Protocol:         v1.Protocol(each.Protocol),
		})
		answers = append(answers, allowed.IsAllowed())
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}
