package proxy

import "github.com/drover-proxy/drover/proxy/exchange"

// listed is the set of field names that the Connection fields of a message
// name: they are meant for this hop and go no further, RFC 9110 section 7.6.1.
// The zero value is empty. Names that always are or never may be removed are not kept.
type listed struct{ names [][]byte }

// add takes the items of one Connection field.
func (l *listed) add(value []byte) {
	for {
		item, rest, more := nextItem(value)
		if !more {
			return
		}
		value = rest
		switch {
		case len(item) == 0, equalFold(item, "close"), equalFold(item, "keep-alive"):
		case nameOf(item).hopByHop(), nameOf(item) == nameHost:
		default:
			l.names = append(l.names, item)
		}
	}
}

func (l *listed) has(key []byte) bool {
	for _, n := range l.names {
		if sameFold(n, key) {
			return true
		}
	}
	return false
}

// reset empties the set for reuse.
func (l *listed) reset() { l.names = l.names[:0] }

// ofMessage collects what a request's Connection fields name.
func (l *listed) ofMessage(m *message) {
	l.reset()
	if !m.has(nameConnection) {
		return
	}
	for i := range m.fields {
		if m.fields[i].name == nameConnection {
			l.add(m.fields[i].value)
		}
	}
}

// ofAnswer collects what an upstream's Connection fields name.
func (l *listed) ofAnswer(fields []exchange.Field) {
	l.reset()
	for i := range fields {
		if nameOf(fields[i].Name) == nameConnection {
			l.add(fields[i].Value)
		}
	}
}
