package supervisor

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/internal/peeruser"
	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

// limit returns a limit of the pool's first worker.
func (y *yard) limit(name string) Limit {
	y.t.Helper()
	for _, l := range y.s.Workers()[0].Limits {
		if l.Name == name {
			return l
		}
	}
	y.t.Errorf("no limit %s: %+v", name, y.s.Workers()[0].Limits)
	return Limit{}
}

// publicCopy puts the test binary where every user can run it.
func publicCopy(t *testing.T, command []string) []string {
	t.Helper()
	text, err := os.ReadFile(command[0])
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "pub")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // the system's temporary folder
	path := filepath.Join(dir, "worker")
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return append([]string{path}, command[1:]...)
}

func TestReal_WorkerOfAnotherUserReachesAllItIsGiven(t *testing.T) {
	workertest.Need(t, "root")
	f := func(transport, mode string) {
		t.Run(transport+" "+mode, func(t *testing.T) {
			cfg := workerPool(1, mode)
			cfg.Transport = transport
			cfg.Command = publicCopy(t, cfg.Command)
			cfg.Security = config.Security{User: "4711", Group: "4712", NoNewPrivileges: true}
			if mode == "notify" {
				cfg.ProcessManagement.Ready = "notify"
			}
			y := newYard(t, cfg)
			y.untilReady(1)
			y.mustGet("app-1", "/", "app-1.1")
			link, err := y.get("app-1", "/env?name=DROVER_IPC_SOCKET")
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(link); err != nil || info.Mode().Perm() != 0o666 {
				t.Errorf("%s: %v, %v", link, info.Mode(), err)
			}
			if transport == "socket" {
				up := y.pool.Get("app-1.1")
				leads := func() error {
					nc, err := net.Dial(up.Network, up.Address)
					nc, err = peeruser.Checked(nc, err, up.Verify)
					if err == nil {
						err = nc.Close()
					}
					return err
				}
				if err := leads(); err != nil {
					t.Error(err)
				}
				// The worker may put a link there, and leads drover where only root may go.
				other, err := net.Listen("unix", filepath.Join(filepath.Dir(link), "root.sock"))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = other.Close() }()
				if err := os.Remove(up.Address); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(other.Addr().String(), up.Address); err != nil {
					t.Fatal(err)
				}
				if err := leads(); err == nil || !strings.Contains(err.Error(), "user 0 listens on") {
					t.Errorf("a link to a socket of root: %v", err)
				}
			}
			if l := y.limit("user"); l.Value != "4711" || l.Level != process.LevelKernel {
				t.Errorf("%+v", l)
			}
			status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(y.s.Workers()[0].PID), "status"))
			if err != nil || !strings.Contains(string(status), "Uid:\t4711\t4711") || !strings.Contains(string(status), "Gid:\t4712\t4712") {
				t.Errorf("%v: %s", err, status)
			}
		})
	}
	f("port", "serve")
	f("socket", "serve")
	f("socket", "notify")
}

const nodeServer = `
const fs = require('fs'), http = require('http')
const seen = (f) => { try { return String(f()) } catch (e) { return e.code } }
http.createServer((q, r) => {
  if (q.url === '/bomb') { const held = []; setInterval(() => held.push(Buffer.alloc(16 << 20, 1)), 250); return r.end('') }
  r.end([seen(() => fs.readFileSync(process.env.SECRET)), seen(() => fs.writeFileSync(process.env.OWN + '/f', '')), process.send ? 'channel' : 'alone'].join(' '))
}).listen(process.env.PORT, '127.0.0.1')
`

const pythonServer = `
import errno, http.server, os, socketserver
def seen(f):
    try: return str(f())
    except OSError as e: return errno.errorcode[e.errno]
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ' '.join([seen(lambda: open(os.environ['SECRET']).read()), seen(lambda: open(os.environ['OWN'] + '/f', 'w').close() or 'undefined'), 'channel' if os.fstat(int(os.environ['DROVER_IPC_FD'])) else ''])
        self.send_response(200); self.end_headers(); self.wfile.write(body.encode())
    def log_message(self, *a): pass
port = os.environ['PORT']
if port[0] == '/':
    class U(socketserver.ThreadingUnixStreamServer):
        def get_request(self): return (self.socket.accept()[0], ('local', 0))
    U(port, H).serve_forever()
else:
    http.server.ThreadingHTTPServer(('127.0.0.1', int(port)), H).serve_forever()
`

func TestReal_SandboxedWorkersServe(t *testing.T) {
	if _, err := os.Stat("/run"); err != nil {
		workertest.Lack(t, err.Error())
	}
	hidden, err := os.MkdirTemp("/run", "drover-test-") // in no folder that a sandbox leaves open
	if err != nil {
		workertest.Lack(t, err.Error())
	}
	t.Cleanup(func() { _ = os.RemoveAll(hidden) }) // in memory
	secret := filepath.Join(hidden, "secret")
	if err := os.WriteFile(secret, []byte("hidden"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(sandbox, transport string, command ...string) {
		t.Run(sandbox+" "+transport+" "+filepath.Base(command[0]), func(t *testing.T) {
			workertest.Need(t, command[0])
			own := t.TempDir()
			cfg := poolConfig(1, func(c *config.Pool) {
				c.Command, c.Transport, c.Directory = command, transport, t.TempDir()
				c.Env = map[string]string{"SECRET": secret, "OWN": own}
				c.Security = config.Security{NoNewPrivileges: true, Sandbox: sandbox, WritablePaths: []string{own}}
				c.ProcessManagement.StartTimeout = config.Duration(20 * time.Second)
			})
			y := newYard(t, cfg)
			y.untilReady(1)
			if l := y.limit("sandbox"); l.Level != process.LevelKernel {
				workertest.Lack(t, "a kernel that has all of a sandbox: "+l.Notice())
			}
			y.mustGet("app-1", "/", "EACCES undefined channel")
		})
	}
	for _, sandbox := range []string{"standard", "strict"} {
		f(sandbox, "port", "node", "-e", nodeServer)
		f(sandbox, "socket", "node", "-e", strings.Replace(nodeServer, ", '127.0.0.1')", ")", 1))
		f(sandbox, "port", workertest.Bun(t, ".."), "-e", nodeServer)
		f(sandbox, "socket", workertest.Bun(t, ".."), "-e", strings.Replace(nodeServer, ", '127.0.0.1')", ")", 1))
		f(sandbox, "port", workertest.Python(t), "-c", pythonServer)
		f(sandbox, "socket", workertest.Python(t), "-c", pythonServer)
		for _, transport := range []string{"port", "socket"} {
			t.Run(sandbox+" "+transport+" go", func(t *testing.T) { // this test binary
				cfg := workerPool(1, "serve")
				cfg.Transport = transport
				cfg.Security = config.Security{NoNewPrivileges: true, Sandbox: sandbox}
				y := newYard(t, cfg)
				y.untilReady(1)
				y.mustGet("app-1", "/", "app-1.1")
			})
		}
	}
}

func TestReal_PrivateNetworkIsReachedByItsSocketOnly(t *testing.T) {
	workertest.Need(t, "root")
	own := t.TempDir()
	cfg := poolConfig(1, func(c *config.Pool) {
		c.Command = []string{workertest.Python(t), "-c", pythonServer}
		c.Transport = "socket"
		c.Env = map[string]string{"SECRET": "/proc/self/net/dev", "OWN": own}
		c.Security = config.Security{PrivateNetwork: true, Sandbox: "strict", NoNewPrivileges: true, WritablePaths: []string{own}}
		c.ProcessManagement.StartTimeout = config.Duration(20 * time.Second)
	})
	y := newYard(t, cfg)
	y.untilReady(1)
	devices, err := y.get("app-1", "/")
	if err != nil || strings.Count(devices, ":") != 1 || !strings.Contains(devices, "lo:") || !strings.HasSuffix(devices, "undefined channel") {
		t.Errorf("it sees %q, %v", devices, err)
	}
	if l := y.limit("privateNetwork"); l.Level != process.LevelKernel {
		t.Errorf("%+v", l)
	}
}

func TestReal_MemoryBombIsReplacedAsOutOfMemory(t *testing.T) {
	workertest.Need(t, "node")
	cfg := poolConfig(1, func(c *config.Pool) {
		c.Command = []string{"node", "-e", nodeServer}
		c.Resources.MaxMemoryPerWorker = 160 << 20
		c.Resources.MaxProcesses, c.Resources.MaxCPUPerWorker, c.Resources.MaxOpenFiles = 200, 300, 1000
		c.ProcessManagement.StartTimeout = config.Duration(20 * time.Second)
	})
	y := newYard(t, cfg)
	y.untilReady(1)
	if l := y.limit("maxMemoryPerWorker"); l.Level != process.LevelKernel || l.Value != uint64(160<<20) {
		workertest.Lack(t, "control groups: "+l.Notice())
	}
	for _, name := range []string{"maxCpuPerWorker", "maxProcesses", "maxOpenFiles"} {
		if l := y.limit(name); l.Level != process.LevelKernel {
			t.Errorf("%+v", l)
		}
	}
	y.mustGet("app-1", "/bomb", "")
	y.until("it was replaced", func() bool { return y.pool.Get("app-1.2") != nil && y.s.Ready() == 1 })
	if w := y.s.Workers()[0]; w.LastReason != ReasonOutOfMemory || !strings.Contains(w.LastWords, "maxMemoryPerWorker, 160MB") {
		t.Errorf("%s: %s", w.LastReason, w.LastWords)
	}
	if !y.happened(event.WorkerKilled, "by the kernel") {
		t.Error("no event says so")
	}
}
