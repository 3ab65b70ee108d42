package config

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// pair is one key of a mapping with its value, merge keys followed.
type pair struct {
	key   string
	line  int
	value *yaml.Node
}

// merge collects the pairs of one mapping and of those it merges.
type merge struct {
	d      *decoder
	path   string
	pairs  []pair
	taken  map[string]bool
	active map[*yaml.Node]bool // mappings being merged, so that one that merges itself ends
}

// pairs returns the keys of n: its own in order, then those of the mappings
// that its merge keys (<<) name and that n does not give itself.
func (d *decoder) pairs(n *yaml.Node, path string) []pair {
	m := merge{d: d, path: path, taken: map[string]bool{}, active: map[*yaml.Node]bool{}}
	m.add(n, true)
	return m.pairs
}

// add takes the pairs of n. Faults in its keys are reported only where n
// stands itself, not again wherever it is merged.
func (m *merge) add(n *yaml.Node, report bool) {
	if m.active[n] {
		return
	}
	m.active[n] = true
	defer delete(m.active, n)
	own := map[string]int{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !m.d.spend(key.Line, m.path) {
			return
		}
		if key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" {
			merges = append(merges, value)
			continue
		}
		text, ok := m.keyText(key, report)
		if !ok {
			continue
		}
		if first, twice := own[text]; twice {
			if report {
				m.d.fault(key.Line, join(m.path, text), fmt.Sprintf("is given twice, first on line %d", first), "keep one of them")
			}
			continue
		}
		own[text] = key.Line
		if !m.taken[text] {
			m.taken[text] = true
			m.pairs = append(m.pairs, pair{text, key.Line, value})
		}
	}
	for _, value := range merges {
		m.follow(value, report)
	}
}

func (m *merge) keyText(key *yaml.Node, report bool) (string, bool) {
	line := key.Line
	if key.Kind == yaml.AliasNode {
		key = key.Alias
	}
	if key.Kind == yaml.ScalarNode && key.ShortTag() != "!!null" {
		return key.Value, true
	}
	if report {
		m.d.fault(line, orRoot(m.path), "has "+kindOf(key)+" where a key is needed", "write key: value")
	}
	return "", false
}

// follow merges what a merge key names: a mapping or a list of mappings, the
// first of which wins.
func (m *merge) follow(value *yaml.Node, report bool) {
	line := value.Line
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	from := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		from = value.Content
	}
	for _, n := range from {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if n.Kind == yaml.MappingNode {
			m.add(n, false)
		} else if report {
			m.d.fault(line, join(m.path, "<<"), "merges "+kindOf(n), "name a mapping (*name) or a list of mappings")
		}
	}
}

// orRoot names the whole file where there is no key.
func orRoot(path string) string {
	if path == "" {
		return "(root)"
	}
	return path
}
