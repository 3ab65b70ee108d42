package monitor

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/internal/cgroupfs"
)

// hostReader reads the machine's counters; not for concurrent use.
type hostReader struct {
	fs         procfs.FS
	err        error
	busy, idle float64 // seconds at the last read
	known      bool
	disk       diskReader
	container  containerReader
}

func newHostReader() *hostReader {
	h := &hostReader{}
	h.container.groups, _ = cgroupfs.Own() // without any there are no bounds
	h.fs, h.err = procfs.NewDefaultFS()
	return h
}

// read returns the present sample; what cannot be read is zero.
func (h *hostReader) read(now time.Time) HostSample {
	s := HostSample{At: now}
	if h.err != nil {
		return s
	}
	if stat, err := h.fs.Stat(); err == nil {
		c := stat.CPUTotal
		s.Cores = len(stat.CPU)
		// User holds guest time already.
		busy, idle := c.User+c.Nice+c.System+c.IRQ+c.SoftIRQ+c.Steal, c.Idle+c.Iowait
		if all := busy + idle - h.busy - h.idle; h.known && all > 0 {
			s.CPU = min(max((busy-h.busy)/all, 0), 1)
		}
		h.busy, h.idle, h.known = busy, idle, true
	}
	if mem, err := h.fs.Meminfo(); err == nil {
		if mem.MemTotalBytes != nil {
			s.MemoryTotal = *mem.MemTotalBytes
		}
		if mem.MemAvailableBytes != nil {
			s.MemoryAvailable = *mem.MemAvailableBytes
		}
	}
	s.Container = h.container.read(now)
	s.Pressure, s.Network, s.Disk = h.pressure(), h.network(), h.disk.read(now)
	return s
}

// pressure is nil where the kernel was built or started without it.
func (h *hostReader) pressure() *Pressure {
	var p Pressure
	found := false
	for resource, to := range map[string]*float64{"cpu": &p.CPU, "memory": &p.Memory, "io": &p.IO} {
		if s, err := h.fs.PSIStatsForResource(resource); err == nil && s.Some != nil {
			*to, found = s.Some.Avg10/100, true
		}
	}
	if !found {
		return nil
	}
	return &p
}

func (h *hostReader) network() *Network {
	interfaces, err := h.fs.NetDev()
	if err != nil {
		return nil
	}
	var n Network
	for name, i := range interfaces {
		if name != "lo" {
			n.Received, n.Sent = n.Received+i.RxBytes, n.Sent+i.TxBytes
		}
	}
	return &n
}

// diskEvery is how often the file system is asked; free space does not change fast.
const diskEvery = 10 * time.Second

// diskReader asks for the file system of the working directory, without waiting:
// a network file system may not answer, and supervision must not stand still for it.
type diskReader struct {
	asked  time.Time
	asking atomic.Bool
	last   atomic.Pointer[Disk]
}

// read returns what is known.
func (d *diskReader) read(now time.Time) *Disk {
	if now.Sub(d.asked) >= diskEvery && d.asking.CompareAndSwap(false, true) {
		d.asked = now
		go func() {
			defer d.asking.Store(false)
			var st unix.Statfs_t
			if unix.Statfs(".", &st) == nil && st.Bsize > 0 {
				d.last.Store(&Disk{Total: st.Blocks * uint64(st.Bsize), Available: st.Bavail * uint64(st.Bsize)})
			}
		}()
	}
	return d.last.Load()
}
