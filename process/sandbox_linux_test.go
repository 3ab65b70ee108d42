package process_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
	"github.com/drover-proxy/drover/process"
)

// confined returns the bounds of a sandbox that may change one folder and listen on one port.
func confined(t *testing.T, strict bool) (b process.Bounds, own, port string) {
	t.Helper()
	own, port = t.TempDir(), freePort(t)
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return process.Bounds{Sandbox: &process.Sandbox{Write: []string{own}, Port: n, Strict: strict}}, own, port
}

// privateDir is in none of the folders that a sandbox leaves open, as those for temporary files are.
func privateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/run", "drover-test-")
	if err != nil {
		workertest.Lack(t, "a folder outside of the temporary ones: "+err.Error())
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // in memory
	return dir
}

// Each probe prints a line: what it tried and how that went.
const nodeProbe = `
const fs = require('fs'), net = require('net')
const [secret, own, port] = process.argv.slice(1)
const t = (name, f) => { try { f(); console.log(name, 'ok') } catch (e) { console.log(name, e.code || e.errno || e.message) } }
t('read secret', () => fs.readFileSync(secret))
t('write secret', () => fs.writeFileSync(secret, 'x'))
t('list root home', () => fs.readdirSync('/root'))
t('write own', () => fs.writeFileSync(own + '/file', 'x'))
t('rename own', () => fs.renameSync(own + '/file', own + '/other'))
t('write usr', () => fs.writeFileSync('/usr/drover-test', 'x'))
t('write tmp', () => { const d = fs.mkdtempSync('/tmp/drover-test-'); fs.rmdirSync(d) })
t('read hosts', () => fs.readFileSync('/etc/hosts'))
t('read hostname', () => fs.readFileSync('/proc/sys/kernel/hostname'))
const listen = (name, where) => new Promise((done) => {
  const s = net.createServer().on('error', (e) => { console.log(name, e.code); done() })
  s.listen(where, () => { console.log(name, 'ok'); s.close(done) })
})
listen('own port', { port: +port, host: '127.0.0.1' })
  .then(() => listen('any port', { port: 0, host: '127.0.0.1' }))
  .then(() => listen('own socket', own + '/s'))
  .then(() => listen('other socket', secret + '.sock'))
`

const pythonProbe = `
import os, socket, sys, tempfile
secret, own, port = sys.argv[1:4]
def t(name, f):
    try: f(); print(name, 'ok')
    except OSError as e:
        import errno
        print(name, errno.errorcode[e.errno])
def bind(family, where):
    s = socket.socket(family); s.bind(where); s.listen(); s.close()
t('read secret', lambda: open(secret).read())
t('write secret', lambda: open(secret, 'w'))
t('list root home', lambda: os.listdir('/root'))
t('write own', lambda: open(own + '/file', 'w').close())
t('rename own', lambda: os.rename(own + '/file', own + '/other'))
t('make pipe', lambda: os.mkfifo(own + '/pipe'))
t('make disk', lambda: os.mknod(own + '/disk', 0o60600, os.makedev(7, 0)))
t('make memory', lambda: os.mknod(own + '/memory', 0o20600, os.makedev(1, 1)))
t('write usr', lambda: open('/usr/drover-test', 'w'))
t('write tmp', lambda: os.rmdir(tempfile.mkdtemp(dir='/tmp')))
t('read hosts', lambda: open('/etc/hosts').read())
t('read hostname', lambda: open('/proc/sys/kernel/hostname').read())
t('own port', lambda: bind(socket.AF_INET, ('127.0.0.1', int(port))))
t('any port', lambda: bind(socket.AF_INET, ('127.0.0.1', 0)))
t('own socket', lambda: bind(socket.AF_UNIX, own + '/s'))
t('other socket', lambda: bind(socket.AF_UNIX, secret + '.sock'))
`

func TestSandbox_GuardsFilesAndPorts(t *testing.T) {
	s := newSpawner(t, process.Options{})
	f := func(strict bool, argv []string, more ...string) {
		t.Helper()
		b, own, port := confined(t, strict)
		secret := filepath.Join(privateDir(t), "secret")
		write(t, secret, "hidden")
		spec := process.Spec{Argv: append(argv, secret, own, port), Env: environ(nil), Bounds: b}
		p := bounded(t, s, process.Spec{Argv: []string{"/bin/true"}, Env: environ(nil), Bounds: b}, process.BoundSandbox)
		p.Kill()
		got, exit := output(t, s, spec)
		tmp := "ok"
		if strict {
			tmp = "EACCES"
		}
		for _, want := range append(more, "read secret EACCES", "write secret EACCES", "list root home EACCES", "write own ok", "rename own ok",
			"write usr EACCES", "write tmp "+tmp, "read hosts ok", "read hostname ok", "own port ok", "any port EACCES", "own socket ok", "other socket EACCES") {
			if !strings.Contains(got+"\n", want+"\n") {
				t.Errorf("%s, strict %v: no %q in\n%s\n%v", argv[0], strict, want, got, exit)
			}
		}
		if text, err := os.ReadFile(secret); err != nil || string(text) != "hidden" {
			t.Errorf("the secret is %q, %v", text, err)
		}
	}
	workertest.Need(t, "node")
	for _, strict := range []bool{false, true} {
		f(strict, []string{"node", "-e", nodeProbe, "--"})
		f(strict, []string{workertest.Python(t), "-c", pythonProbe}, "make pipe ok", "make disk EACCES", "make memory EACCES")
	}
}

// What may be changed must not be executed, also where it lies in a folder that may be.
func TestSandbox_StrictExecutesNothingThatItMayChange(t *testing.T) {
	s := newSpawner(t, process.Options{})
	dir := privateDir(t)
	data, link := filepath.Join(dir, "var", "data"), filepath.Join(dir, "link")
	for _, err := range []error{os.MkdirAll(data, 0o755), os.Mkdir(filepath.Join(dir, "lib"), 0o755), os.Symlink(data, link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const hello = "#!/bin/sh\necho hello\n"
	writeProgram(t, filepath.Join(dir, "lib", "tool"), hello)
	writeProgram(t, filepath.Join(dir, "tool"), hello)
	writeProgram(t, filepath.Join(dir, "main"), `#!/bin/sh
cp /bin/true "$1/own" || exit 1
for program in "$2/tool" "$2/lib/tool" "$1/own" "$2/link/own"; do "$program" >/dev/null 2>&1 && echo "ok" || echo "$?"; done
cat "$2/lib/tool" "$1/own" >/dev/null && echo read
`)
	f := func(strict bool, write, want string) {
		t.Helper()
		b := process.Bounds{Sandbox: &process.Sandbox{Read: []string{dir}, Write: []string{write}, Strict: strict}}
		got, exit := output(t, s, process.Spec{Argv: []string{filepath.Join(dir, "main"), data, dir}, Env: environ(nil), Bounds: b})
		if got = strings.Join(strings.Fields(got), " "); got != want {
			t.Errorf("strict %v, %s: %q, want %q, %v", strict, write, got, want, exit)
		}
	}
	f(false, data, "ok ok ok ok read")
	f(true, data, "ok ok 126 126 read")
	f(true, link, "ok ok 126 126 read")
	f(true, filepath.Join(dir, "var"), "ok ok 126 126 read")
	f(true, dir, "126 126 126 126 read")
}

const callsProbe = `
import ctypes, errno, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    got = libc.syscall(*args)
    print(name, 'ok' if got >= 0 else errno.errorcode[ctypes.get_errno()])
call('mount', 165, b'none', b'/mnt', b'tmpfs', 0, 0)
call('unshare', 272, 0x10000000)
call('setns', 308, 0, 0)
call('ptrace', 101, 0, 0, 0, 0)
call('bpf', 321, 0, 0, 0)
call('kexec', 246, 0, 0, 0, 0)
call('module', 313, 0, b'', 0)
call('keyctl', 250, 0, 0)
call('io_uring', 425, 1, 0)
call('clone', 56, 0x10000000 | 17, 0, 0, 0, 0)
call('clone3', 435, 0, 0)
call('x32', 0x40000000 + 39)
call('getpid', 39)
call('type at terminal', 16, 0, 0x5412, b'x')
call('terminal', 16, 0, 0x5401, 0)
if os.fork() == 0: os._exit(0)
print('fork', os.wait()[1])
for name, family in (('packet', 17), ('alg', 38), ('inet', 2)):
    try: socket.socket(family, socket.SOCK_DGRAM if family != 38 else socket.SOCK_SEQPACKET); print(name, 'ok')
    except OSError as e: print(name, errno.errorcode[e.errno])
try: os.kill(os.getppid(), 0); print('signal ok')
except OSError as e: print('signal', errno.errorcode[e.errno])
`

func TestSandbox_RefusesSystemCalls(t *testing.T) {
	if uname, err := exec.Command("uname", "-m").Output(); err != nil || strings.TrimSpace(string(uname)) != "x86_64" {
		workertest.Lack(t, "the numbers of system calls are those of x86-64")
	}
	s := newSpawner(t, process.Options{})
	f := func(strict bool, wants ...string) {
		t.Helper()
		b, _, _ := confined(t, strict)
		got, exit := output(t, s, process.Spec{Argv: []string{workertest.Python(t), "-c", callsProbe}, Env: environ(nil), Bounds: b})
		for _, want := range append(wants, "mount EPERM", "unshare EPERM", "setns EPERM", "ptrace EPERM", "bpf EPERM", "kexec EPERM", "module EPERM",
			"type at terminal EPERM", "terminal ENOTTY", "keyctl EPERM", "io_uring EPERM", "clone EPERM", "clone3 ENOSYS", "x32 ENOSYS", "getpid ok", "fork 0", "inet ok") {
			if !strings.Contains(got+"\n", want+"\n") {
				t.Errorf("strict %v: no %q in\n%s\n%v", strict, want, got, exit)
			}
		}
	}
	f(false, "signal ok")
	f(true, "packet EAFNOSUPPORT", "alg EAFNOSUPPORT", "signal EPERM")
}

func TestSandbox_RootReachesNoFurtherThanOthers(t *testing.T) {
	workertest.Need(t, "root")
	s := newSpawner(t, process.Options{})
	for _, strict := range []bool{false, true} {
		b, own, _ := confined(t, strict)
		spec := shell(fmt.Sprintf(`cd %s; grep CapEff /proc/self/status; id -u
			cat /proc/%d/environ || echo no environment; mknod disk b 254 0 || echo no disk
			echo x > file; chown 4711 file; stat -c %%u file`, own, os.Getpid()))
		spec.Bounds, spec.Stderr = b, nil
		bounded(t, s, process.Spec{Argv: []string{"/bin/true"}, Env: environ(nil), Bounds: b}, process.BoundSandbox).Kill()
		got, _ := output(t, s, spec)
		for _, word := range []string{"CapEff:\t00000000000005fb\n0\n", "no environment\n", "no disk\n", "\n4711"} {
			if !strings.Contains(got, word) {
				t.Errorf("strict %v: no %q in %q", strict, word, got)
			}
		}
	}
}

func TestSandbox_SaysWhatItLacksAndWhatIsMissing(t *testing.T) {
	s := newSpawner(t, process.Options{})
	b, _, _ := confined(t, true)
	b.Sandbox.Read = []string{"/does/not/exist"}
	f := func(spec process.Spec, want string) {
		t.Helper()
		spec.Bounds = b
		_, err := s.Start(spec)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f(shell("true"), "/does/not/exist does not exist, which security.readOnlyPaths")
	b.Sandbox.Read = nil
	dir := privateDir(t)
	writeProgram(t, filepath.Join(dir, "inner"), "#!/bin/sh\nexit 0\n")
	if got, exit := output(t, s, process.Spec{Argv: []string{filepath.Join(dir, "inner")}, Env: environ(nil), Bounds: b}); exit.Code != 0 {
		t.Errorf("its own script does not start: %v %s", exit, got)
	}
}
