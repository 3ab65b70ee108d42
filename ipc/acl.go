package ipc

import (
	"errors"
	"fmt"
)

// Rule lets the workers of one pool send messages to those of another.
type Rule struct {
	From, To string   // pools; * stands for every one
	Types    []string // patterns of types and topics; none: all
}

// ACL says which pool may send what to which. Within a pool everything is
// allowed, unless a rule names it as From and To: then only what rules allow.
// Between pools only what a rule allows. It is immutable.
type ACL struct{ rules []rule }

type rule struct {
	from, to string
	types    Patterns
}

// anyPool stands for every pool in a rule.
const anyPool = "*"

// NewACL returns the ACL of the rules. The error tells of each type in them
// that is no pattern.
func NewACL(rules []Rule) (*ACL, error) {
	a := &ACL{}
	var faults []error
	for i, r := range rules {
		texts := r.Types
		if len(texts) == 0 {
			texts = []string{"*"}
		}
		types, err := ParsePatterns(texts)
		if err != nil {
			faults = append(faults, fmt.Errorf("ipc.allow[%d].types: %w", i, err))
		}
		a.rules = append(a.rules, rule{from: r.From, to: r.To, types: types})
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return a, nil
}

// Allows reports whether a worker of one pool may send kind, a type or topic, to
// workers of another.
func (a *ACL) Allows(fromPool, toPool, kind string) bool {
	return a.allows(fromPool, toPool, func(types Patterns) bool { return types.Match(kind) })
}

// Reaches reports whether a worker of one pool may send anything to workers of another.
func (a *ACL) Reaches(fromPool, toPool string) bool {
	return a.allows(fromPool, toPool, func(Patterns) bool { return true })
}

// Targets returns those of the pools that a worker of fromPool may send anything to.
func (a *ACL) Targets(fromPool string, pools []string) []string {
	var targets []string
	for _, pool := range pools {
		if a.Reaches(fromPool, pool) {
			targets = append(targets, pool)
		}
	}
	return targets
}

// allows reports whether a rule between the pools has types that will do.
func (a *ACL) allows(fromPool, toPool string, do func(Patterns) bool) bool {
	listed := false // the pool's own traffic is
	for _, r := range a.rules {
		if r.from == fromPool && r.to == toPool {
			listed = true
		}
		if r.covers(fromPool, toPool) && do(r.types) {
			return true
		}
	}
	return fromPool == toPool && !listed
}

func (r rule) covers(fromPool, toPool string) bool {
	return (r.from == fromPool || r.from == anyPool) && (r.to == toPool || r.to == anyPool)
}
