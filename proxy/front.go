package proxy

// front speaks one protocol with a client: it takes requests off a connection,
// refuses what is malformed, and hands the rest to the handler as messages.
// HTTP/2 will be a second one.
type front interface {
	// serve returns when the connection is finished; the caller closes it.
	serve(c *conn)
}
