package main

// uploadTurn sends bodies; the backend tells how much of each has reached it.
func uploadTurn(b *bout) (turn, error) {
	return b.during(func() (turn, error) {
		return b.lab.load(b.ctx, b.scenario, b.address, b.length, "-upload", b.lab.file(b.scenario.size))
	})
}
