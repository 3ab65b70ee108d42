package process

import (
	"os"
	"sync/atomic"
)

const (
	shimName     = "drover-shim"
	initName     = "drover-init"
	guardianName = "drover-guardian"
)

// entered is set by Main. Without that call a re-executed shim would run the whole program again,
// which would start the next shim, and so on; New refuses instead.
var entered atomic.Bool

// Main must be the first call of main() and of every TestMain that starts processes: where the
// process was re-executed as shim, init or guardian it does that work and never returns.
func Main() {
	entered.Store(true)
	if len(os.Args) != 2 {
		return
	}
	switch os.Args[0] {
	case shimName:
		shimMain(os.Args[1])
	case initName:
		initMain(os.Args[1])
	case guardianName:
		guardianMain(os.Args[1])
	}
}
