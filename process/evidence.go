package process

// What Evidence may say.
const (
	EvidenceSpin            = "spin"            // it computes and does not come to an end
	EvidenceDeadlock        = "deadlock"        // it waits for something that does not come
	EvidenceStopped         = "stopped"         // by SIGSTOP, a terminal or a debugger
	EvidenceUninterruptible = "uninterruptible" // in the kernel, mostly for a disk or network file system
	EvidenceExited          = "exited"          // nothing of it is left
)
