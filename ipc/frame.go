package ipc

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// member is one name that a frame may have. A set of them is a bit mask.
type member uint32

const (
	hasID member = 1 << iota
	hasWorker
	hasPool
	hasPick
	hasType
	hasTopic
	hasData
	hasJWE
	hasTimeout
	hasSeq
	hasError
	hasTopics
	hasEvents
	hasVersion
	hasClient
	hasAcks
	hasKey
	hasLoopDelay
	hasChecks
	hasMetrics
	hasOps
	hasHeap
	hasHeapLimit
	hasFrom
)

var members = map[string]member{
	"id": hasID, "worker": hasWorker, "pool": hasPool, "pick": hasPick, "type": hasType, "topic": hasTopic, "data": hasData, "jwe": hasJWE,
	"timeoutMs": hasTimeout, "seq": hasSeq, "error": hasError, "topics": hasTopics, "events": hasEvents, "version": hasVersion,
	"client": hasClient, "acks": hasAcks, "key": hasKey, "loopDelayMs": hasLoopDelay, "checks": hasChecks, "metrics": hasMetrics,
	"ops": hasOps, "heapBytes": hasHeap, "heapLimitBytes": hasHeapLimit, "from": hasFrom,
}

// frame is what one line of a worker says. Raw members are parts of the line,
// valid as long as it is.
type frame struct {
	verb string // "" for a bare value
	has  member

	id, seq               uint64
	timeoutMs, version    uint64
	heap, heapLimit       uint64
	acks                  bool
	worker, pool, pick    string
	kind, topic           string // type and topic
	client, key           string
	data, jwe, err        []byte
	topics, events        []byte
	loopDelayMs           []byte
	checks, metrics, ops  []byte
	unknown               string // a name that no verb knows
	wrong                 member // one whose value is of a wrong type or out of range
	ready, runtimeTraffic bool   // of bare values
}

// maxID is the largest whole number that every language reads exactly.
const maxID = 1<<53 - 1

// parser reads frames; it is not for concurrent use.
type parser struct {
	in  bytes.Buffer
	dec *jsontext.Decoder
}

// parse reads one line, without its end, into f. The error says that the line
// was not JSON (RFC 8259, UTF-8, no name twice in one object).
func (p *parser) parse(line []byte, f *frame) error {
	*f = frame{}
	p.in = *bytes.NewBuffer(line) // the decoder reads a Buffer in place
	if p.dec == nil {
		p.dec = jsontext.NewDecoder(&p.in)
	} else {
		p.dec.Reset(&p.in)
	}
	if p.dec.PeekKind() != '{' {
		v, err := p.value(line)
		if err != nil {
			return err
		}
		f.ready = string(v) == `"ready"`
		return p.atEnd()
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	for p.dec.PeekKind() != '}' {
		name, err := p.value(line)
		if err != nil {
			return err
		}
		v, err := p.value(line)
		if err != nil {
			return err
		}
		f.take(name, v)
	}
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	f.ready = f.verb == "" && f.kind == "ready" && !f.runtimeTraffic
	return p.atEnd()
}

// value reads the next value and returns its place in the line.
func (p *parser) value(line []byte) ([]byte, error) {
	v, err := p.dec.ReadValue()
	if err != nil {
		return nil, err
	}
	end := p.dec.InputOffset()
	return line[end-int64(len(v)) : end], nil
}

var errMore = errors.New("more than one value in a line")

func (p *parser) atEnd() error {
	if _, err := p.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return errMore
	}
	return nil
}

// take notes one member of an object.
func (f *frame) take(name, v []byte) {
	if bytes.IndexByte(name, '\\') >= 0 { // however it was written
		if plain, ok := text(name); ok {
			name = appendString(nil, plain)
		}
	}
	if string(name) == `"drover"` {
		f.verb, _ = text(v) // a drover that is no string makes a bare value
		return
	}
	if m, known := lookup(name); known {
		f.set(m, v)
		return
	}
	f.unknown, _ = text(name)
	if f.unknown == "cmd" {
		cmd, _ := text(v)
		f.runtimeTraffic = strings.HasPrefix(cmd, "NODE_")
	}
}

func lookup(name []byte) (member, bool) {
	if len(name) < 2 {
		return 0, false
	}
	m, ok := members[string(name[1:len(name)-1])]
	return m, ok
}

// set takes the value of a member that is known.
func (f *frame) set(m member, v []byte) {
	f.has |= m
	ok := true
	switch m {
	case hasID:
		f.id, ok = number(v, maxID)
		ok = ok && f.id > 0
	case hasSeq:
		f.seq, ok = number(v, maxID)
	case hasTimeout:
		f.timeoutMs, ok = number(v, 3_600_000)
		ok = ok && f.timeoutMs > 0
	case hasVersion:
		f.version, ok = number(v, maxID)
	case hasAcks:
		f.acks = string(v) == "true"
		ok = f.acks || string(v) == "false"
	case hasWorker:
		f.worker, ok = text(v)
	case hasPool:
		f.pool, ok = text(v)
	case hasPick:
		f.pick, ok = text(v)
		ok = ok && (f.pick == PickRandom || f.pick == PickLeastBusy)
	case hasType:
		f.kind, ok = text(v)
	case hasTopic:
		f.topic, ok = text(v)
	case hasClient:
		f.client, ok = text(v)
	case hasKey:
		f.key, ok = text(v)
	case hasData:
		f.data = v
	case hasJWE:
		f.jwe, ok = v, isTokens(v)
	case hasError:
		f.err, ok = v, v[0] == '{'
	case hasTopics:
		f.topics, ok = v, v[0] == '['
	case hasEvents:
		f.events, ok = v, v[0] == '['
	case hasLoopDelay:
		f.loopDelayMs = v
		ok = v[0] == '-' || '0' <= v[0] && v[0] <= '9'
	case hasHeap:
		f.heap, ok = number(v, maxID)
	case hasHeapLimit:
		f.heapLimit, ok = number(v, maxID)
	case hasChecks:
		f.checks, ok = v, v[0] == '['
	case hasMetrics:
		f.metrics, ok = v, v[0] == '['
	case hasOps:
		f.ops, ok = v, v[0] == '['
	}
	if !ok {
		f.wrong = m
	}
}

// isTokens says whether v is a string, or an object of strings.
func isTokens(v []byte) bool {
	if v[0] == '"' {
		return true
	}
	dec := jsontext.NewDecoder(bytes.NewReader(v))
	if begin, err := dec.ReadToken(); err != nil || begin.Kind() != '{' {
		return false
	}
	for dec.PeekKind() == '"' {
		if _, err := dec.ReadToken(); err != nil || dec.PeekKind() != '"' {
			return false
		}
		if err := dec.SkipValue(); err != nil {
			return false
		}
	}
	return dec.PeekKind() == '}'
}

// name is how the member stands in a frame.
func (m member) name() string {
	for name, bit := range members {
		if bit == m {
			return name
		}
	}
	return ""
}

// text returns the string that v is.
func text(v []byte) (string, bool) {
	if len(v) < 2 || v[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1]), true
	}
	b, err := jsontext.AppendUnquote(nil, v)
	return string(b), err == nil
}

// number returns the whole number from 0 to most that v is.
func number(v []byte, most uint64) (uint64, bool) {
	n, err := strconv.ParseUint(string(v), 10, 64)
	return n, err == nil && n <= most
}
