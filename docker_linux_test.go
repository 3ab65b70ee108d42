package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/drover-proxy/drover/internal/workertest"
)

// The lines of both Dockerfiles are run here as they stand, without a container engine: stages are
// folders, and what CMD starts runs as USER in a network namespace, where ports 8080 and 9900 are free.

const containerEnv = "E2E_CONTAINER"

func TestDocker_BuildsServesAndChecks(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "root")
	dir, err := os.MkdirTemp("", "drv-docker")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // a rest in the temporary folder is not worth a failure
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	drover := buildImage(t, filepath.Join(dir, "drover"), "Dockerfile", ".", nil)
	t.Run("drover", func(t *testing.T) { runImage(t, drover) })
	t.Run("node", func(t *testing.T) {
		workertest.Need(t, "node")
		workertest.Need(t, "npm")
		runImage(t, buildImage(t, filepath.Join(dir, "node"), "docker/node/Dockerfile", "docker/node", map[string]string{"drover": drover.Root}))
	})
}

// runImage runs TestDocker_Inside in a network namespace of its own.
func runImage(t *testing.T, im image) {
	t.Helper()
	description, err := json.Marshal(im)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestDocker_Inside$", "-test.v", "-test.timeout=3m")
	cmd.Env = append(os.Environ(), containerEnv+"="+string(description))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS: TestDocker_Inside") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDocker_Inside is the inner half of the test above; by itself it does nothing.
func TestDocker_Inside(t *testing.T) {
	description := os.Getenv(containerEnv)
	if description == "" {
		return
	}
	var im image
	if err := json.Unmarshal([]byte(description), &im); err != nil {
		t.Fatal(err)
	}
	loopback, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(loopback)
	}
	if err != nil {
		t.Fatalf("bring up lo: %v", err)
	}
	uid, command := im.command(t, append(im.Entrypoint, im.Cmd...))
	output, err := os.Create(filepath.Join(im.Root, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = output.Close() }() // only written to
	command.Stdout, command.Stderr = output, output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // its status is in ProcessState
		close(ended)
	}()
	defer func() {
		_ = command.Process.Kill() // it has ended where all is well
		<-ended
		if raw, err := os.ReadFile(output.Name()); t.Failed() && err == nil {
			t.Logf("output:\n%s", raw)
		}
	}()

	eventually(t, "port 8080 answers", func() error {
		select {
		case <-ended:
			t.Fatalf("the container ended: %v", command.ProcessState)
		default:
		}
		got, err := (&client{address: "127.0.0.1:8080"}).once("GET", "/", "")
		if err == nil && got.status != 200 {
			err = fmt.Errorf("status %d: %.200q", got.status, got.body)
		}
		return err
	})
	eventually(t, "the health check passes", func() error {
		_, check := im.command(t, im.HealthCheck)
		if out, err := check.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", command.Process.Pid))
	if err != nil || !strings.Contains(string(status), fmt.Sprintf("Uid:\t%d\t", uid)) {
		t.Errorf("it does not run as user %d: %v", uid, err)
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
		if code := command.ProcessState.ExitCode(); code != 0 {
			t.Errorf("after SIGTERM it ended with %d, want 0", code)
		}
	case <-time.After(patience):
		t.Error("after SIGTERM it did not end")
	}
}

// command is a program of the image: its paths are looked up below Root, it runs as USER.
func (im image) command(t *testing.T, argv []string) (uid uint32, cmd *exec.Cmd) {
	t.Helper()
	bin := filepath.Join(im.Root, "usr/local/bin")
	args := make([]string, len(argv))
	for i, a := range argv {
		args[i] = a
		if inside := im.Root + a; strings.HasPrefix(a, "/") {
			args[i] = inside
		}
	}
	path := filepath.Join(bin, args[0])
	cmd = &exec.Cmd{Path: path, Args: args, Dir: im.Root + im.WorkDir}
	tmp := filepath.Join(im.Root, "tmp")
	mkdir(t, tmp)
	if err := os.Chmod(tmp, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(im.Env, "PATH="+bin+":"+os.Getenv("PATH"), "TMPDIR="+tmp, "HOME="+tmp)
	credential := &syscall.Credential{}
	if _, err := fmt.Sscanf(im.User, "%d:%d", &credential.Uid, &credential.Gid); err != nil {
		t.Fatalf("USER %s is not UID:GID: %v", im.User, err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Pdeathsig: syscall.SIGKILL}
	return credential.Uid, cmd
}
