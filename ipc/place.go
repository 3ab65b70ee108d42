package ipc

import (
	"strconv"
	"strings"
)

// place is where a worker stands: the parts of its id POOL-SLOT.GENERATION.
type place struct {
	pool             string
	slot, generation int // generation 0: not said
}

// parsePlace reads POOL-SLOT.GENERATION or POOL-SLOT; an id of another form is
// all pool.
func parsePlace(id string) place {
	at := strings.LastIndexByte(id, '-')
	if at < 0 {
		return place{pool: id}
	}
	slotText, generationText, exact := strings.Cut(id[at+1:], ".")
	slot, err := strconv.Atoi(slotText)
	if err != nil {
		return place{pool: id}
	}
	p := place{pool: id[:at], slot: slot}
	if exact {
		if p.generation, err = strconv.Atoi(generationText); err != nil {
			return place{pool: id}
		}
	}
	return p
}

// slotName is POOL-SLOT.
func (p place) slotName() string { return p.pool + "-" + strconv.Itoa(p.slot) }
