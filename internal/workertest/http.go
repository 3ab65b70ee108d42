package workertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// listen opens the address that the environment gives.
func listen() net.Listener {
	network, address := "tcp", ""
	port, socket := os.Getenv("PORT"), os.Getenv("SOCKET")
	switch {
	case socket != "" && (port == "" || port == socket):
		network, address = "unix", socket
		if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
			fail("%v", err)
		}
	case port != "":
		host := os.Getenv("HOST")
		if host == "" {
			host = "127.0.0.1"
		}
		address = net.JoinHostPort(host, port)
	default:
		fail("neither PORT nor SOCKET is set")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		fail("%v", err)
	}
	return l
}

// serve answers until SIGTERM, then lets requests in flight end, and exits with status 0.
func serve(l net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", hello)
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { say(w, "ok\n") })
	mux.HandleFunc("/pid", func(w http.ResponseWriter, _ *http.Request) { say(w, "%d\n", os.Getpid()) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(query(r, "ms")) * time.Millisecond)
		hello(w, r)
	})
	mux.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) {
		give := take(query(r, "mb") << 20)
		time.Sleep(time.Duration(query(r, "ms")) * time.Millisecond)
		give()
		hello(w, r)
	})
	mux.HandleFunc("/status", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(query(r, "code")) })
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, query(r, "n"))) // the client may be gone
	})
	mux.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) { say(w, "%s", os.Getenv(r.FormValue("name"))) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body) // the client may be gone
	})
	mux.HandleFunc("/say", func(w http.ResponseWriter, r *http.Request) {
		tell(channel(), "%s", r.FormValue("frame"))
		hello(w, r)
	})
	mux.HandleFunc("/exit", func(_ http.ResponseWriter, r *http.Request) { syscall.Exit(query(r, "code")) })
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })

	id := os.Getenv("DROVER_WORKER_ID")
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Worker", id)
		mux.ServeHTTP(w, r)
	})}
	if !signal.Ignored(syscall.SIGTERM) {
		go func() {
			sleepUntilTerm()
			if err := server.Shutdown(context.Background()); err != nil {
				fail("shutdown: %v", err)
			}
			syscall.Exit(0)
		}()
	}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		fail("serve: %v", err)
	}
	select {} // the other goroutine ends the process
}

func hello(w http.ResponseWriter, _ *http.Request) { say(w, "%s\n", os.Getenv("DROVER_WORKER_ID")) }

// take has the process use memory until give is called. It is the kernel's own,
// since Go gives back to it what is garbage only after a while.
func take(bytes int) (give func()) {
	memory, err := syscall.Mmap(-1, 0, bytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		fail("take %d bytes: %v", bytes, err)
	}
	for i := 0; i < bytes; i += os.Getpagesize() {
		memory[i] = 1
	}
	return func() {
		if err := syscall.Munmap(memory); err != nil {
			fail("give memory back: %v", err)
		}
	}
}

func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format, args...) // the client may be gone
}

// query returns a number of the query, 0 when it is missing.
func query(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.FormValue(name)) // 0 for what is not a number, as documented
	return n
}
