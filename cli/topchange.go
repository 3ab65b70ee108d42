package cli

import "fmt"

// What top can do. The words for one worker or address are those of the admin API.
const (
	scaleVerb  = "scale"
	autoVerb   = "auto"
	rollVerb   = "roll"
	anewVerb   = "restart"
	drainVerb  = "drain"
	resumeVerb = "resume"
)

// change is something that top asks drover to do.
type change struct {
	verb    string
	subject string // a pool; a worker or address for anewVerb and what follows it
	spawned bool   // the subject is a worker
	was     int    // workers
	workers int    // to scale to
}

// question asks whether to do it.
func (c change) question() string {
	switch c.verb {
	case scaleVerb:
		return fmt.Sprintf("scale %s from %d to %s?", c.subject, c.was, count(c.workers, "worker"))
	case autoVerb:
		return fmt.Sprintf("give %s the number of workers that the settings or autoscaling say?", c.subject)
	case rollVerb:
		return fmt.Sprintf("replace the workers of %s one after another?", c.subject)
	case anewVerb:
		return fmt.Sprintf("replace %s by its next generation?", c.subject)
	case drainVerb:
		return fmt.Sprintf("drain %s: send it nothing new?", c.subject)
	}
	return fmt.Sprintf("let %s take requests again?", c.subject)
}

// done says what was done, or has begun.
func (c change) done() string {
	switch c.verb {
	case scaleVerb:
		return fmt.Sprintf("%s: %s wanted", c.subject, count(c.workers, "worker"))
	case autoVerb:
		return c.subject + ": as many workers as the settings or autoscaling say"
	case rollVerb:
		return c.subject + ": restarting"
	}
	return c.subject + ": " + done[c.verb]
}
