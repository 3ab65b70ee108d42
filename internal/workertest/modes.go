package workertest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// Workers end with syscall.Exit: with the race detector os.Exit takes a second.

// modes maps each name to what the worker does; a mode that returns ends with status 0.
func modes() map[string]func(args []string) {
	return map[string]func(args []string){
		"serve":       func([]string) { serve(listen()) },
		"crash":       crash,
		"hang":        hang,
		"slowstart":   func(args []string) { pause(args, 300); serve(listen()) },
		"ignoreterm":  func([]string) { signal.Ignore(syscall.SIGTERM); serve(listen()) },
		"exit0":       func([]string) {},
		"neverlisten": func([]string) { sleepUntilTerm() },
		"elsewhere":   elsewhere,
		"fork":        fork,
		"daemonize":   daemonize,
		"notify":      notify,
		"stopself":    stopSelf,
		"spin":        spin,
		"talk":        talk,
		"babble":      babble,
		"flood":       flood,
	}
}

func act(mode string, args []string) {
	do, ok := modes()[mode]
	switch {
	case mode == orphanMode:
		orphan()
	case mode == holderMode:
		holdOutput()
	case !ok:
		fail("no mode %q", mode)
	default:
		do(args)
	}
	syscall.Exit(0)
}

func crash(args []string) {
	status := number(args, 1, 1)
	if number(args, 0, 0) > 0 {
		go serve(listen())
		pause(args, 0)
	}
	syscall.Exit(status)
}

func hang([]string) {
	l := listen()
	held := make(map[net.Conn]struct{}) // the collector would close what is not referred to
	for {
		c, err := l.Accept()
		if err != nil {
			fail("accept: %v", err)
		}
		held[c] = struct{}{}
	}
}

func spin([]string) {
	go hang(nil)
	for n := uint64(0); ; n++ {
		if n == 1<<63 {
			return
		}
	}
}

func elsewhere(args []string) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(number(args, 0, 0))))
	if err != nil {
		fail("%v", err)
	}
	serve(l)
}

func notify(args []string) {
	l := listen()
	go serve(l)
	pause(args, 0)
	path := os.Getenv("NOTIFY_SOCKET")
	c, err := net.Dial("unixgram", path)
	if err != nil {
		fail("NOTIFY_SOCKET: %v", err)
	}
	if _, err := io.WriteString(c, "READY=1\n"); err != nil {
		fail("NOTIFY_SOCKET: %v", err)
	}
	select {}
}

func stopSelf(args []string) {
	go serve(listen())
	pause(args, 0)
	if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
		fail("stop: %v", err)
	}
	select {}
}

func sleepUntilTerm() {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	<-term
}

// pause waits for the first argument in milliseconds.
func pause(args []string, otherwise int) {
	time.Sleep(time.Duration(number(args, 0, otherwise)) * time.Millisecond)
}

// number returns the argument at index i, or otherwise when there is none.
func number(args []string, i, otherwise int) int {
	if len(args) <= i {
		return otherwise
	}
	n, err := strconv.Atoi(args[i])
	if err != nil {
		fail("argument %q: %v", args[i], err)
	}
	return n
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "test worker: "+format+"\n", args...)
	syscall.Exit(70)
}
