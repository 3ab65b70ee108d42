package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

// ClusterManager of sdk/node starts drover by itself and operates it.

func TestSDKManager_Node(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	managesCluster(t, "node")
}

func TestSDKManager_Bun(t *testing.T) {
	t.Parallel()
	needModules(t, "bun")
	managesCluster(t, bun(t))
}

func managesCluster(t *testing.T, program string) {
	t.Helper()
	d := newInstance(t)
	d.setenv("DROVER_BINARY", d.binary)
	d.setenv("TMPDIR", d.dir)
	_, command := testWorker(t, "serve")
	file := d.settings(`
server: { listeners: [ { address: "${FRONT}", pool: app } ] }
admin: { address: "" }
pools: { app: { command: ` + command + `, workers: 2 } }
`)
	cmd := exec.Command(program, app(t, "sdk-node", "manager.js"), d.front, file)
	cmd.Dir, cmd.Env = d.dir, d.env
	code, stdout, stderr := runBounded(t, cmd)
	want := `
["again","conflict"]
["started","app-1.1 app-2.1",true]
["answer","app"]
["scaled",3,3,3]
["health","healthy",true,[["app",3]]]
["restarted",{"state":"succeeded","message":"","pools":[{"pool":"app","state":"succeeded","message":""}]},"app-1.2 app-2.2 app-3.2"]
["nowhere","DroverError","not-found"]
["metrics",1,"gauge",true]
["stopped",0]
["events",true,3,0]
["after","closed"]
["by file","app-1.1 app-2.1"]
["stopped",0]
["by object",[{"pool":"app","state":"succeeded","message":""},{"pool":"jobs","state":"succeeded","message":""}]]
["which","which pool? there are app, jobs"]
["stopped",0]
["wrong","not-started",true,true]
["none","not-started"]
`
	if code != 0 || stdout != strings.TrimLeft(want, "\n") {
		t.Errorf("exit status %d, %s\nsays:\n%s", code, stderr, stdout)
	}
	if left, _ := filepath.Glob(filepath.Join(d.dir, "drover-*")); len(left) > 0 {
		t.Errorf("folders are left behind: %v", left)
	}
}
