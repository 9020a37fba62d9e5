package config

import (
	"io"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// NewLogger returns a logger in the format and with the levels that the flags ask for.
func (f *Flags) NewLogger(w io.Writer) log.Logger {
	newFormat := log.NewLogfmtLogger
	if f.LogFormat == "json" {
		newFormat = log.NewJSONLogger
	}
	return level.NewFilter(newFormat(log.NewSyncWriter(w)), level.Allow(level.ParseDefault(f.LogLevel, level.InfoValue())))
}
