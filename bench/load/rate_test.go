//go:build linux

package main

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

func small(w http.ResponseWriter) {
	_, _ = w.Write([]byte("abc")) // the client finds what is missing
}

func TestRate_SendsAsManyAsAreDue(t *testing.T) {
	o := serve(t, func(w http.ResponseWriter, _ *http.Request) { small(w) })
	o.size, o.rate, o.length = 3, 200, 500*time.Millisecond
	got, err := runRate(o)
	if err != nil || got.Requests != 100 || got.Bytes != 300 || got.Elapsed < 490*time.Millisecond {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A server that stands still once makes those late that were due meanwhile, not only the one it had.
func TestRate_CountsFromWhenARequestWasDue(t *testing.T) {
	const stall = 350 * time.Millisecond
	var n atomic.Int64
	o := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 2 {
			time.Sleep(stall)
		}
		small(w)
	})
	o.size, o.rate, o.length, o.connections = 3, 100, 500*time.Millisecond, 1
	got, err := runRate(o)
	if err != nil || got.Requests != 50 {
		t.Fatalf("got %+v, %v", got, err)
	}
	// 35 of 50 requests were due during the stall, so that more than half had to wait long.
	if got.P50 < 50*time.Millisecond || got.P99 < stall*9/10 {
		t.Errorf("p50 %s and p99 %s with a stall of %s", got.P50, got.P99, stall)
	}
}

func TestRate_WhatCouldNotBeSentHasWaited(t *testing.T) {
	o := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(50 * time.Millisecond)
		small(w)
	})
	o.size, o.rate, o.length, o.connections = 3, 100, 500*time.Millisecond, 1
	got, err := runRate(o)
	if err != nil || got.Requests > 15 {
		t.Fatalf("got %+v, %v; one connection answers ten in this time", got, err)
	}
	if got.P50 < 100*time.Millisecond || got.P99 < 350*time.Millisecond {
		t.Errorf("p50 %s and p99 %s hide that most were not sent", got.P50, got.P99)
	}
}

func TestRate_RefusesFailures(t *testing.T) {
	f := func(handler http.HandlerFunc) {
		t.Helper()
		o := serve(t, handler)
		o.size, o.rate, o.length = 3, 100, 100*time.Millisecond
		if got, err := runRate(o); err == nil {
			t.Errorf("accepted as %+v", got)
		}
	}
	f(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	f(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("abcd")) })
	f(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close"); small(w) })
}
