package config

import "time"

// Duration of whole units, so that the defaults read as in the file.
const (
	millisecond = Duration(time.Millisecond)
	second      = Duration(time.Second)
	minute      = Duration(time.Minute)
	hour        = Duration(time.Hour)
)

// Default returns the settings that hold where the file is silent; it has no
// listeners and no pools.
func Default() *Config {
	return &Config{
		Server: Server{
			Timeouts: ServerTimeouts{
				RequestHeader: 10 * second, RequestBodyIdle: 30 * second, KeepAlive: 75 * second,
				ResponseWriteIdle: 30 * second, TunnelIdle: hour, Drain: 30 * second,
			},
			Limits: Limits{Connections: 65536, HeaderBytes: 32 * kilobyte, Headers: 100},
		},
		IPC: IPC{
			Encryption: "off", KeyRotation: hour, MaxMessageBytes: megabyte, MaxDepth: 64,
			RequestTimeout: 5 * second, QueueLength: 1000,
			Audit: Audit{MaxSize: 100 * megabyte, MaxFiles: 5},
		},
		Cache:      Cache{MaxBytes: 64 * megabyte, MaxEntryBytes: megabyte},
		Monitoring: Monitoring{SampleInterval: second},
		Logging:    Logging{Level: "info", Format: "auto", AccessLog: AccessLog{Enabled: true, Sample: 1}},
		Admin:      Admin{Address: "127.0.0.1:9900", Socket: "auto", Profiler: true},
	}
}

// DefaultPool returns the settings of a pool that says nothing of itself.
func DefaultPool() *Pool {
	return &Pool{
		Directory:      ".",
		Transport:      "auto",
		Workers:        Auto,
		Strategy:       "least-connections",
		HashOn:         "clientIP",
		Sticky:         Sticky{TTL: hour},
		Timeouts:       PoolTimeouts{Connect: 2 * second, FirstByte: minute, ResponseIdle: 5 * minute},
		Retry:          defaultRetry(),
		CircuitBreaker: CircuitBreaker{Enabled: true, FailureRatio: 50, MinRequests: 20, Interval: 10 * second, OpenFor: 5 * second, HalfOpenRequests: 3},
		Outlier:        Outlier{Enabled: true, ConsecutiveErrors: 5, EjectFor: 10 * second, MaxEjectFor: 5 * minute, MaxEjected: 50},
		Queue:          Queue{Length: 1024, Timeout: 10 * second},
		Fallback:       Fallback{ContentType: "text/plain"},
		ProcessManagement: ProcessManagement{
			Respawn: true, MaxRestarts: 10, RestartWindow: minute,
			RestartDelay: 100 * millisecond, MaxRestartDelay: 30 * second, Ready: "probe",
			StartTimeout: minute, GracefulShutdownTimeout: 30 * second, StopSignal: "SIGTERM",
			ZombieDetection: true, RecycleJitter: 10, Rolling: Rolling{MaxSurge: 1},
		},
		HealthCheck: HealthCheck{
			Enabled: true, Type: "http", Interval: 5 * second, Timeout: 2 * second,
			MaxFailures: 3, MinSuccesses: 1, ExpectStatus: "200-399",
		},
		Resources: Resources{MemoryManagement: MemoryManagement{
			Enabled: true, MemoryWarningThreshold: 80, MemoryCriticalThreshold: 95, MemoryLeakDetection: true, GarbageCollectionHint: true,
		}},
		AutoScaling: AutoScaling{
			MinWorkers: 1, MaxWorkers: 8, Step: 1, ScaleUpCooldown: 5 * second, ScaleDownCooldown: minute,
			ScaleUpThreshold:   ScaleUpThreshold{CPU: 75, ResponseTime: 1500 * millisecond, QueueLength: 10, QueueWait: 50 * millisecond},
			ScaleDownThreshold: ScaleDownThreshold{CPU: 30, IdleTime: minute},
		},
	}
}

func defaultRetry() Retry {
	return Retry{
		Attempts: 3, On: []string{"connect-failure", "refused", "reset-before-response"}, Budget: 20,
		Backoff: Backoff{Initial: 25 * millisecond, Max: 250 * millisecond},
	}
}
