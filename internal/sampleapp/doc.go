// Package sampleapp is the worker behind `drover sample-app`: a small web
// application that knows nothing of drover but PORT, HOST and SOCKET, for demos
// and tests. It does what applications do, also the bad things: be slow, crash,
// hang, leak. It shows its environment to whoever asks and is not meant to face
// strangers.
//
//	err := sampleapp.Run(ctx, sampleapp.Options{Getenv: os.Getenv, Log: os.Stdout})
package sampleapp
