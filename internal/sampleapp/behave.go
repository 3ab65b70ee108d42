package sampleapp

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxSlow  = time.Hour
	maxLeak  = 64 << 10 // megabytes
	maxBytes = 1 << 40
)

// slow waits ?ms= milliseconds, or until the client goes.
func (a *app) slow(w http.ResponseWriter, r *http.Request) {
	ms, ok := number(w, r, "ms", 1000, maxSlow.Milliseconds())
	if !ok {
		return
	}
	t := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		text(w, fmt.Sprintf("waited %d ms", ms))
	case <-r.Context().Done():
	}
}

// hang answers nothing. From then on no request is answered: the process is
// there, its listener too, but that is all.
func (a *app) hang(r *http.Request) { <-r.Context().Done() }

// leak takes ?mb= megabytes and never gives them back.
func (a *app) leak(w http.ResponseWriter, r *http.Request) {
	mb, ok := number(w, r, "mb", 1, maxLeak)
	if !ok {
		return
	}
	block := make([]byte, mb<<20)
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1 // a page that was never written takes no memory
	}
	a.mu.Lock()
	a.held = append(a.held, block)
	var held int64
	for _, b := range a.held {
		held += int64(len(b))
	}
	a.mu.Unlock()
	text(w, fmt.Sprintf("%d MB are held", held>>20))
}

// bytes sends a body of ?n= bytes.
func (a *app) bytes(w http.ResponseWriter, r *http.Request) {
	n, ok := number(w, r, "n", 1024, maxBytes)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	block := []byte(strings.Repeat("drover\n", 64<<10/7))
	for n > 0 {
		part := block[:min(n, int64(len(block)))]
		if _, err := w.Write(part); err != nil {
			return
		}
		n -= int64(len(part))
	}
}

// echo sends the body back as it comes. Without a body it says what it was asked.
func (a *app) echo(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		w.Header().Set("Content-Type", "application/json")
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		_ = e.Encode(map[string]any{ // the client went away
			"worker": a.name, "method": r.Method, "uri": r.RequestURI, "host": r.Host, "proto": r.Proto, "headers": r.Header,
		})
		return
	}
	if t := r.Header.Get("Content-Type"); t != "" {
		w.Header().Set("Content-Type", t)
	}
	out := http.NewResponseController(w)
	_ = out.EnableFullDuplex() // HTTP/2 is so already
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Body.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil || out.Flush() != nil {
				return
			}
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler) // the body was cut short, and so is the answer
		}
	}
}

// env shows the environment, sorted.
func (a *app) env(w http.ResponseWriter) {
	text(w, strings.Join(slices.Sorted(slices.Values(a.o.Environ())), "\n"))
}

// number reads a number from the query; it answers itself where that is none.
func number(w http.ResponseWriter, r *http.Request, name string, missing, most int64) (int64, bool) {
	s := r.URL.Query().Get(name)
	if s == "" {
		return missing, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > most {
		http.Error(w, fmt.Sprintf("%s must be a number from 0 to %d", name, most), http.StatusBadRequest)
		return 0, false
	}
	return n, true
}
