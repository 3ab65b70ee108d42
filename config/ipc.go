package config

// IPC is what workers may say to each other over their channels to drover.
type IPC struct {
	// Whether workers encrypt what they send for the pool that receives it: off or on.
	Encryption string `yaml:"encryption" enum:"off,on" reload:"restart"`
	// How often the keys are replaced; the ones before stay good for reading.
	KeyRotation Duration `yaml:"keyRotation" range:"1s..8760h" reload:"restart"`
	// The largest payload of one message.
	MaxMessageBytes Size `yaml:"maxMessageBytes" range:"1KB..8MB" reload:"restart"`
	// How deep lists and objects of a payload may be nested.
	MaxDepth int `yaml:"maxDepth" range:"1..512" reload:"restart"`
	// How long a request waits for its response, and a message for its acknowledgement.
	RequestTimeout Duration `yaml:"requestTimeout" range:"1ms..1h" reload:"restart"`
	// Frames that may wait for one worker, and requests of one worker that may be without an answer.
	QueueLength int `yaml:"queueLength" range:"1..100000" reload:"restart"`
	// What one pool may send to another. Within a pool everything may be sent, unless a rule is from the pool to itself.
	Allow []Allow `yaml:"allow" reload:"restart"`
	// Patterns of the message types that there are; empty for any.
	Types []string `yaml:"types" reload:"restart"`
	// Files with a JSON Schema for the data of messages, by pattern of type.
	Schemas map[string]string `yaml:"schemas" reload:"restart"`
	// The log of messages.
	Audit Audit `yaml:"audit"`
}

// Allow lets the workers of one pool send to those of another.
type Allow struct {
	// The pool that sends, or * for all.
	From string `yaml:"from" reload:"restart"`
	// The pool that receives, or * for all.
	To string `yaml:"to" reload:"restart"`
	// Patterns of the types and topics that may be sent; empty for all.
	Types []string `yaml:"types" reload:"restart"`
}

// Audit is the log of messages: who, to whom, type, size, result.
type Audit struct {
	// Whether messages are logged.
	Enabled bool `yaml:"enabled" reload:"restart"`
	// The file, relative to the folder drover was started in.
	File string `yaml:"file" reload:"restart"`
	// Whether the data of messages is logged, too.
	Content bool `yaml:"content" reload:"restart"`
	// The size beyond which the file is rotated.
	MaxSize Size `yaml:"maxSize" range:"1KB..1TB" reload:"restart"`
	// How many rotated files are kept.
	MaxFiles int `yaml:"maxFiles" range:"1..100000" reload:"restart"`
}
