package logs

import (
	"runtime"
	"slices"
	"time"

	"go.uber.org/zap/zapcore"
)

// core is zap's way into Logs. It looks up level and format for each line, so
// that loggers which were handed out follow a reload.
type core struct {
	logs      *Logs
	component string
	fields    []zapcore.Field
}

// Enabled reports whether a line of that level is written.
func (c *core) Enabled(l zapcore.Level) bool {
	return c.logs.settings.Load().enabled(c.component, l)
}

// With returns a core whose lines carry the fields too.
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	return &core{logs: c.logs, component: c.component, fields: slices.Concat(c.fields, fields)}
}

// Check adds the core to the entry when it is to be written.
func (c *core) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

// Write puts the line into the queue of drover's own lines.
func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if len(c.fields) > 0 {
		fields = slices.Concat(c.fields, fields)
	}
	line, err := c.logs.settings.Load().encoder.EncodeEntry(e, fields)
	if err != nil {
		return err
	}
	c.logs.own.put(line.Bytes())
	line.Free()
	if e.Level > zapcore.ErrorLevel {
		return c.Sync() // a panic or exit follows
	}
	return nil
}

// Sync waits until drover's own lines are written.
func (c *core) Sync() error {
	c.logs.own.flush()
	return nil
}

// accessShards is the number of buffers that requests are logged into: one for
// each that can run at a time.
func accessShards() int { return min(runtime.GOMAXPROCS(0), 16) }

func newEncoder(console, colours bool) zapcore.Encoder {
	cfg := zapcore.EncoderConfig{
		TimeKey: "ts", LevelKey: "level", NameKey: "component", MessageKey: "msg", StacktraceKey: "stack",
		EncodeTime:     encodeTime,
		EncodeDuration: zapcore.SecondsDurationEncoder,
		EncodeLevel:    zapcore.LowercaseLevelEncoder,
		EncodeName:     zapcore.FullNameEncoder,
	}
	if !console {
		return zapcore.NewJSONEncoder(cfg)
	}
	cfg.ConsoleSeparator = "\t"
	cfg.EncodeLevel = zapcore.CapitalLevelEncoder
	if colours {
		cfg.EncodeLevel = zapcore.CapitalColorLevelEncoder
	}
	return zapcore.NewConsoleEncoder(cfg)
}

func encodeTime(t time.Time, enc zapcore.PrimitiveArrayEncoder) {
	enc.AppendString(t.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
}
