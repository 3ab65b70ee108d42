package monitor

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/internal/workertest"
)

const sayAsleep = "SAY_ASLEEP"

func TestAsleep_IsSleepAlone(t *testing.T) {
	if os.Getenv(sayAsleep) != "" {
		fmt.Printf("asleep %d\n", int(Asleep().Hours()))
		return
	}
	before := Asleep()
	time.Sleep(100 * time.Millisecond)
	if grown := Asleep() - before; grown < -50*time.Millisecond || grown > 50*time.Millisecond {
		t.Errorf("it has slept for %v of 100ms", grown)
	}

	workertest.Need(t, "root")
	workertest.Need(t, "unshare")
	// A namespace in which the machine has slept for a hundred hours more.
	cmd := exec.Command("unshare", "--time", "--boottime", "360000", os.Args[0], "-test.run=^TestAsleep_IsSleepAlone$")
	cmd.Env = append(os.Environ(), sayAsleep+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		workertest.Lack(t, fmt.Sprintf("this machine does not allow a time namespace: %v %s", err, out))
	}
	if want := fmt.Sprintf("asleep %d\n", int((before + 100*time.Hour).Hours())); !strings.Contains(string(out), want) {
		t.Errorf("%s; want %s", out, want)
	}
}
