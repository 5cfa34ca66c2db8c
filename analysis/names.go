package analysis

// Link is what a service calls, both by name alone.
type Link struct {
	Parent, Child string
	Calls, Errors uint64
}

// Links are the edges of the graph for tools that know services only and tell
// them apart by name: edges of equal names are one, in the order of the first
// of each. A service without a name is called nameless. A database, queue or
// host that is named as a service is has its system or kind before its name,
// as it would be taken for that service.
func (g *Graph) Links(nameless string) (links []Link) {
	services := map[string]bool{}
	for _, n := range g.Nodes {
		if n.Kind == NodeService {
			services[n.Name] = true
		}
	}
	type names struct{ parent, child string }
	at := map[names]int{}
	for i := range g.Edges {
		e := &g.Edges[i]
		n := names{serviceName(e.Client, nameless), childName(e, services, nameless)}
		k, known := at[n]
		if !known {
			k = len(links)
			at[n], links = k, append(links, Link{Parent: n.parent, Child: n.child})
		}
		links[k].Calls += e.Calls
		links[k].Errors += e.Errors
	}
	return links
}

func serviceName(name, nameless string) string {
	if name == "" {
		return nameless
	}
	return name
}

func childName(e *Edge, services map[string]bool, nameless string) string {
	switch {
	case e.ServerKind == NodeService:
		return serviceName(e.Server, nameless)
	case !services[e.Server]:
		return e.Server
	case e.ServerSystem != "":
		return e.ServerSystem + ":" + e.Server
	}
	return e.ServerKind.String() + ":" + e.Server
}
