package config

import (
	"slices"
	"strings"
	"testing"
)

func TestValidate_AutoScalingThatContradictsItself(t *testing.T) {
	f := func(extra string, want ...string) {
		t.Helper()
		got := faultsOf(t, minimal+"    "+extra+"\n")
		for i, fault := range got {
			_, got[i], _ = strings.Cut(fault, ": ")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", extra, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
	const key = "pools.app.autoScaling"
	f("autoScaling: { enabled: true }")
	f("autoScaling: { enabled: true, minWorkers: 2, maxWorkers: 2 }\n    workers: 2")
	f("autoScaling: { minWorkers: 0 }", key+".minWorkers: 0 is out of range; use 1 to 1024")
	f("autoScaling: { maxWorkers: 1025 }", key+".maxWorkers: 1025 is out of range; use 1 to 1024")
	f("autoScaling: { step: 0 }", key+".step: 0 is out of range; use 1 to 1024")
	f("autoScaling: { minWorkers: 9 }", key+".minWorkers: 9 exceeds maxWorkers 8; make it smaller than the maxWorkers")
	f("autoScaling: { enabled: true, minWorkers: 2 }\n    workers: 1",
		"pools.app.workers: 1 is not within autoScaling.minWorkers and maxWorkers, 2 to 8; choose the number to start with between them")
	f("autoScaling: { enabled: true }\n    workers: 9",
		"pools.app.workers: 9 is not within autoScaling.minWorkers and maxWorkers, 1 to 8; choose the number to start with between them")
	f("autoScaling: { minWorkers: 2 }\n    workers: 1") // switched off
	f("autoScaling: { scaleDownThreshold: { cpu: 75 } }",
		key+".scaleDownThreshold.cpu: 75 is not below scaleUpThreshold.cpu 75, so that workers would come and go; make it less than half")
	f("autoScaling: { scaleUpThreshold: { cpu: 0 }, scaleDownThreshold: { cpu: 75 } }")
	const silent = "autoScaling: { enabled: true, scaleUpThreshold: { cpu: 0, queueLength: 0, queueWait: 0 } }"
	f(silent, key+": nothing asks for more workers; set targetInFlightPerWorker, or cpu, queueLength or queueWait of scaleUpThreshold")
	f(silent + "\n    queue: { maxInFlightPerWorker: 4 }")
	f("autoScaling: { scaleUpThreshold: { memory: 80 } }", key+".scaleUpThreshold.memory: unknown key; remove it; the keys here are cpu, responseTime, queueLength, queueWait")
}

func TestValidate_AutoScalingNeedsWorkers(t *testing.T) {
	text := strings.Replace(minimal, `command: ["true"]`, "upstreams: [ { address: '127.0.0.1:80' } ]", 1) + "    autoScaling: { enabled: true }\n"
	if text == minimal {
		t.Fatal("minimal has another command")
	}
	want := []string{"7: pools.app.autoScaling.enabled: the pool has no command, and only workers can be added; add command: [PROGRAM, ARGUMENT], or remove it"}
	if got := faultsOf(t, text); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
