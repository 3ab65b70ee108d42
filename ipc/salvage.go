package ipc

import "encoding/json"

// maxReason bounds what is told of why a line could not be read, in bytes.
const maxReason = 300

// salvage answers a line that is not in order but for which it can be said who
// waits for it: most often a string with half a surrogate pair in it, which
// JavaScript writes without complaint.
func (e *Endpoint) salvage(line []byte, reason error, b *batch) {
	var f struct {
		Verb string `json:"drover"`
		ID   uint64 `json:"id"`
	}
	// This reader lets pass what the other one refused: names twice, broken strings.
	if err := json.Unmarshal(line, &f); err != nil || f.Verb == "" || f.ID > maxID {
		return
	}
	err := refuse(CodeBadFrame, "the frame cannot be read: %s", shorten(reason.Error(), maxReason))
	e.hub.count(f.Verb, err.Code)
	switch f.Verb {
	case "response":
		e.respond(f.ID, answer{err: refuse(err.Code, "the response of worker %s: %s", e.id, err.Message)}, b)
	case "pong":
	default:
		e.fail(f.ID, err, b)
	}
}
