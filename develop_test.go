package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/internal/workertest"
)

func TestDevelop_OneWorkerFollowsItsFilesAndListensForADebugger(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	d := newInstance(t)
	d.cwd = t.TempDir()
	write := func(answer string) {
		t.Helper()
		code := "require('http').createServer((_, res) => res.end('" + answer + "')).listen(process.env.PORT);"
		if answer == "" {
			code = "process.exit(1)"
		}
		if err := os.WriteFile(filepath.Join(d.cwd, "server.js"), []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	d.start(d.commandFlags("--dev", "--inspect", "--workers", "3", "--", "node", "server.js")...).waitReady()
	d.comesToAnswer("/", "first")
	write("second")
	d.comesToAnswer("/", "second")

	var w admin.Worker
	d.eventually("the first worker has ended", func() error {
		d.get("/api/v1/workers/app-1", &w)
		if len(w.History) != 1 || w.History[0].Reason != "watch" {
			return fmt.Errorf("the history is %+v", w.History)
		}
		return nil
	})
	answer, err := (&http.Client{Timeout: 10 * time.Second}).Get("http://" + w.Inspector + "/json/version")
	if err != nil {
		t.Fatalf("the inspector of %+v: %v", w, err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Errorf("the inspector answers %d", answer.StatusCode)
	}
	if _, out, _ := d.cli("workers"); !strings.Contains(out, "INSPECTOR") || !strings.Contains(out, w.Inspector) || strings.Contains(out, "app-2") {
		t.Errorf("drover workers:\n%s", out)
	}

	write("") // does not even start
	d.eventually("the broken program is given up", func() error {
		if _, out, _ := d.cli("events"); !strings.Contains(out, "roll-failed") {
			return fmt.Errorf("the events are\n%s", out)
		}
		return nil
	})
	d.comesToAnswer("/", "second")
	write("mended")
	d.comesToAnswer("/", "mended")
}
