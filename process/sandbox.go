package process

// Sandbox is what a program may reach. What is not named is denied.
type Sandbox struct {
	// Read are files and folders that may be read and executed, Write those that may also be changed,
	// but not executed where Strict.
	Read, Write []string
	// Port is the TCP port that it may listen on; 0: none.
	Port int
	// Strict also keeps it from signalling programs outside, from abstract Unix sockets of others, from
	// sockets of unusual families, and from reading more of /etc than programs need.
	Strict bool
}

// Where programs, libraries and what they look up about the machine lie.
var (
	systemPaths = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store", "/snap",
		"/proc", "/sys", "/run/systemd/resolve", "/run/resolvconf", "/var/lib/ca-certificates"}
	etcPaths = []string{"/etc/alternatives", "/etc/ca-certificates", "/etc/ca-certificates.conf", "/etc/crypto-policies", "/etc/gai.conf",
		"/etc/group", "/etc/host.conf", "/etc/hosts", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload",
		"/etc/locale.alias", "/etc/localtime", "/etc/mime.types", "/etc/networks", "/etc/nsswitch.conf", "/etc/os-release", "/etc/passwd",
		"/etc/pki", "/etc/protocols", "/etc/resolv.conf", "/etc/services", "/etc/ssl", "/etc/timezone"}
	devicePaths = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts"}
	tempPaths   = []string{"/tmp", "/var/tmp", "/dev/shm"}
)
