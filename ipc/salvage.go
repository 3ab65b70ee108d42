package ipc

import "encoding/json"

// maxReason bounds what is told of why a line could not be read, in bytes.
const maxReason = 300

// salvage answers a line that is not in order but for which it can be said who
// waits for it: most often a string with half a surrogate pair in it, which
// JavaScript writes without complaint. f is what was read before the fault.
func (e *Endpoint) salvage(f *frame, line []byte, reason error, b *batch) {
	verb, id := f.verb, f.id
	if verb == "" || id == 0 {
		verb, id = verbAndID(line)
	}
	if verb == "" || id > maxID {
		return
	}
	err := refuse(CodeBadFrame, "the frame cannot be read: %s", shorten(reason.Error(), maxReason))
	e.hub.count(verb, err.Code)
	switch verb {
	case "response":
		e.respond(id, answer{err: refuse(err.Code, "the response of worker %s: %s", e.id, err.Message)}, b)
	case "pong":
	default:
		e.fail(id, err, b)
	}
}

// verbAndID reads them by other rules, which let pass names that come twice and
// broken strings. It finds none in what is no JSON at all.
func verbAndID(line []byte) (verb string, id uint64) {
	var f struct {
		Verb string `json:"drover"`
		ID   uint64 `json:"id"`
	}
	if err := json.Unmarshal(line, &f); err != nil {
		return "", 0
	}
	return f.Verb, f.ID
}
