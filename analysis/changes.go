package analysis

import (
	"cmp"
	"slices"
)

// EdgeChange is an edge in two graphs; with all counts 0 where it is not in
// one of them.
type EdgeChange struct{ Before, After Edge }

// Added reports whether the edge is new.
func (c *EdgeChange) Added() bool { return c.Before.Calls == 0 }

// Removed reports whether the edge is gone.
func (c *EdgeChange) Removed() bool { return c.After.Calls == 0 }

// Changes are the edges of either graph, as they are in both: how the calls of
// one interval of time differ from those of another. In the order of
// [Graph].Edges.
func Changes(before, after *Graph) []EdgeChange {
	out := make([]EdgeChange, 0, len(after.Edges))
	blank := func(e Edge) Edge {
		return Edge{Client: e.Client, Server: e.Server, ServerKind: e.ServerKind, ServerSystem: e.ServerSystem, Messaging: e.Messaging}
	}
	a, b := before.Edges, after.Edges
	for len(a) > 0 || len(b) > 0 {
		order := 0
		switch {
		case len(a) == 0:
			order = 1
		case len(b) == 0:
			order = -1
		default:
			order = compareEdges(a[0], b[0])
		}
		switch {
		case order < 0:
			out, a = append(out, EdgeChange{a[0], blank(a[0])}), a[1:]
		case order > 0:
			out, b = append(out, EdgeChange{blank(b[0]), b[0]}), b[1:]
		default:
			out, a, b = append(out, EdgeChange{a[0], b[0]}), a[1:], b[1:]
		}
	}
	return out
}

// ChangedServices are the names of the services that only one of the graphs has.
func ChangedServices(before, after *Graph) (added, removed []string) {
	services := func(g *Graph) (names []string) {
		for _, n := range g.Nodes {
			if n.Kind == NodeService {
				names = append(names, n.Name)
			}
		}
		return names
	}
	a, b := services(before), services(after)
	for _, name := range b {
		if _, known := slices.BinarySearchFunc(a, name, cmp.Compare[string]); !known {
			added = append(added, name)
		}
	}
	for _, name := range a {
		if _, known := slices.BinarySearchFunc(b, name, cmp.Compare[string]); !known {
			removed = append(removed, name)
		}
	}
	return added, removed
}
