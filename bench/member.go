package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// member is a worker of a team, at the other end of its control socket (apps/worker.js).
type member struct {
	identity
	conn    net.Conn
	answers *json.Decoder
}

// identity is what a worker says first.
type identity struct {
	Name string
	PID  int
}

// job is what a worker is to do.
type job struct {
	Op           string `json:"op"`
	InFlight     int    `json:"inFlight,omitempty"`
	Milliseconds int64  `json:"ms,omitempty"`
	To           string `json:"to,omitempty"`
	Receivers    int    `json:"receivers,omitempty"`
	Near         bool   `json:"near,omitempty"`
	Bytes        int    `json:"bytes,omitempty"`
}

// report is what a worker says of a job; times are nanoseconds.
type report struct {
	Operations        int64
	Elapsed, P50, P99 time.Duration
	Error             string
}

// do has the worker do a job.
func (m *member) do(j job) (report, error) {
	var r report
	if err := m.conn.SetDeadline(time.Now().Add(time.Duration(j.Milliseconds)*time.Millisecond + loadTimeout)); err != nil {
		return r, err
	}
	if err := json.NewEncoder(m.conn).Encode(j); err != nil {
		return r, err
	}
	err := m.answers.Decode(&r)
	if err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	if err != nil {
		err = fmt.Errorf("worker %s, %s: %w", m.Name, j.Op, err)
	}
	return r, err
}
