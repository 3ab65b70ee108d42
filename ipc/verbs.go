package ipc

// form is what the frames of one verb may have and must have.
type form struct {
	may, must member
	act       func(*Endpoint, *frame, *batch) *Error
}

// target are the members that name a receiver.
const target = hasWorker | hasPool | hasPick

// verb returns the form of the frames that a worker may send. An action that
// returns no error sees to the reply itself. (A map would be initialised by what
// it names.)
func verb(name string) (form, bool) {
	switch name {
	case "hello":
		return form{may: hasID | hasVersion | hasClient | hasAcks | hasKey, must: hasID | hasVersion, act: (*Endpoint).hello}, true
	case "ready":
		return form{may: hasID, act: (*Endpoint).readyFrame}, true
	case "send":
		return form{may: hasID | target | hasType | hasData | hasJWE, must: hasType, act: (*Endpoint).send}, true
	case "broadcast":
		return form{may: hasID | hasPool | hasType | hasData | hasJWE, must: hasType, act: (*Endpoint).broadcast}, true
	case "publish":
		return form{may: hasID | hasTopic | hasData | hasJWE, must: hasTopic, act: (*Endpoint).publish}, true
	case "request":
		return form{may: hasID | target | hasType | hasData | hasJWE | hasTimeout, must: hasID | hasType, act: (*Endpoint).request}, true
	case "response":
		return form{may: hasID | hasData | hasJWE | hasError, must: hasID, act: (*Endpoint).response}, true
	case "cancel":
		return form{may: hasID, must: hasID, act: (*Endpoint).cancel}, true
	case "ack":
		return form{may: hasSeq, must: hasSeq, act: (*Endpoint).ack}, true
	case "nack":
		return form{may: hasSeq | hasError, must: hasSeq | hasError, act: (*Endpoint).nack}, true
	case "subscribe":
		return form{may: hasID | hasTopics | hasEvents, act: (*Endpoint).subscribe}, true
	case "unsubscribe":
		return form{may: hasID | hasTopics | hasEvents, act: (*Endpoint).unsubscribe}, true
	case "pong":
		return form{may: hasID | hasLoopDelay | hasChecks, must: hasID, act: (*Endpoint).pong}, true
	case "runtime":
		return form{may: hasID | hasLoopDelay | hasHeap | hasHeapLimit, must: hasHeap, act: (*Endpoint).runtime}, true
	case "metrics":
		return form{may: hasID | hasMetrics, must: hasMetrics, act: (*Endpoint).metrics}, true
	case "cache":
		return form{may: hasID | hasOps, must: hasOps, act: (*Endpoint).cache}, true
	}
	return form{}, false
}

// check finds what is wrong with the members of a frame.
func (f *frame) check(v form) *Error {
	switch missing, odd := v.must&^f.has, f.has&^v.may; {
	case f.has&hasFrom != 0:
		return refuse(CodeForgedFrom, "a worker does not say who it is: leave from out")
	case f.unknown != "":
		return refuse(CodeBadFrame, "%s has a member %.150q that the protocol does not know", f.verb, f.unknown)
	case f.wrong != 0:
		return refuse(CodeBadFrame, "%s: %s is of a wrong type or out of range", f.verb, f.wrong.name())
	case missing != 0:
		return refuse(CodeBadFrame, "%s needs %s", f.verb, (missing & -missing).name())
	case odd != 0:
		return refuse(CodeBadFrame, "%s does not take %s", f.verb, (odd & -odd).name())
	case f.has&hasData != 0 && f.has&hasJWE != 0:
		return refuse(CodeBadFrame, "%s has both data and jwe", f.verb)
	}
	return nil
}
