package pool

// State is the routing state of an upstream.
type State uint8

// The routing states: starting -> healthy <-> unhealthy; any -> draining -> removed.
const (
	Starting State = iota
	Healthy
	Unhealthy
	Draining
	Removed
)

// String returns the state's name as it appears in metrics and the admin API.
func (s State) String() string {
	return [...]string{"starting", "healthy", "unhealthy", "draining", "removed"}[s]
}
