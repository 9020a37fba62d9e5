package web

import (
	"context"
	"log"
	"net"
	"net/http"
	"time"
)

// writeTimeout is how long a client may take to read an answer.
const writeTimeout = 30 * time.Second

// NewServer returns a server whose limits keep slow and idle clients from using
// it up. When the context ends, scrapes that wait for a refresh stop waiting.
func NewServer(waiting context.Context, handler http.Handler, errorLog *log.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      writeTimeout, // Longer for a scrape that may wait longer.
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          errorLog,
		BaseContext:       func(net.Listener) context.Context { return waiting },
	}
}
