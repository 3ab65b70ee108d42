package supervisor

import "time"

// remembered is how many workers that ended a slot remembers.
const remembered = 20

// Life is a worker that has ended.
type Life struct {
	Generation     int
	Started, Ended time.Time
	Reason         Reason // why it left
	Exit           string // how its process ended
}

// Uptime is how long it lived.
func (l Life) Uptime() time.Duration { return l.Ended.Sub(l.Started) }

// remember adds to the history. What was handed out of it stays as it was.
func (sl *slot) remember(l Life) {
	sl.history = append(sl.history, l)
	sl.history = sl.history[max(len(sl.history)-remembered, 0):]
}
