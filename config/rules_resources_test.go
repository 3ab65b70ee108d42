package config

import "testing"

func TestValidate_Resources(t *testing.T) {
	f := rule(t)
	const base, key = `command: ["true"]`, "pools.app.resources."
	with := func(text string, want ...string) {
		t.Helper()
		f(base, base+"\n    resources: { "+text+" }", want...)
	}
	with(`maxMemoryPerWorker: 256MB, memoryManagement: { memoryWarningThreshold: 70, memoryCriticalThreshold: 85% }`)
	with(`maxMemoryPerWorker: 0`)
	with(`maxMemoryPerWorker: 256`, key+"maxMemoryPerWorker: 256 is less than any program needs; use 4MB or more, or 0 for no limit")
	with(`memoryManagement: { memoryWarningThreshold: 90, memoryCriticalThreshold: 85% }`,
		key+"memoryManagement.memoryWarningThreshold: 90% exceeds memoryCriticalThreshold 85%; make it smaller than memoryCriticalThreshold")
	with(`memoryManagement: { memoryWarningThreshold: 0 }`, key+`memoryManagement.memoryWarningThreshold: 0% is out of range; use 1% to 100%`)
	// A default does not contradict what is written down.
	with(`memoryManagement: { memoryWarningThreshold: 97 }`)
	with(`memoryManagement: { memoryCriticalThreshold: 50 }`)
}
