package ipc

import (
	"encoding/json"
	"fmt"
)

// greeting writes what a worker is told about itself and the limits.
func (h *Hub) greeting(e *Endpoint) func([]byte) []byte {
	encryption, schemas := "off", map[string]json.RawMessage(nil)
	if h.options.Keys != nil {
		encryption = "on"
		if h.options.Schemas != nil {
			schemas = h.options.Schemas.Raw()
		}
	}
	return func(b []byte) []byte {
		b = appendString(append(b, fmt.Sprintf(`{"version":%d,"worker":`, Version)...), e.id)
		b = appendString(append(b, `,"pool":`...), e.place.pool)
		b = fmt.Appendf(b, `,"slot":%d,"generation":%d,"maxMessageBytes":%d,"maxDepth":%d,"requestTimeoutMs":%d,"cache":%t,"encryption":"%s"`,
			e.place.slot, e.place.generation, h.options.MaxMessageBytes, h.options.MaxDepth, h.options.RequestTimeout.Milliseconds(),
			h.options.Cache != nil, encryption)
		if len(schemas) > 0 {
			if raw, err := json.Marshal(schemas); err == nil { // they were read as JSON
				b = append(append(b, `,"schemas":`...), raw...)
			}
		}
		return append(b, '}')
	}
}

// giveKeys tells a worker the keys that it encrypts and decrypts with.
func (h *Hub) giveKeys(e *Endpoint, b *batch) {
	if h.options.Keys == nil {
		return
	}
	var pools []string
	if h.options.Pools != nil {
		pools = h.options.Pools()
	}
	frame := h.options.Keys.Frame(e.place.pool, h.options.ACL, pools)
	e.out.put(false, func(buf []byte) []byte { return append(buf, frame...) })
	b.add(e)
}

// GiveKeys tells every worker its keys, after they have changed.
func (h *Hub) GiveKeys() {
	for _, e := range h.present.Load().all {
		if e.greeted.Load() {
			h.giveKeys(e, nil)
		}
	}
}
