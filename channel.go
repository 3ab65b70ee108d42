package main

import (
	"github.com/drover-proxy/drover/ipc"
	"github.com/drover-proxy/drover/supervisor"
)

// channel gives the supervisor its workers' ends of the message channel.
type channel struct{ hub *ipc.Hub }

// Open makes the channel of one worker.
func (c channel) Open(workerID string) (supervisor.Endpoint, error) {
	e, err := c.hub.Open(workerID)
	if err != nil {
		return nil, err
	}
	return e, nil
}
