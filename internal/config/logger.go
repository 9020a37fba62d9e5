package config

import (
	"io"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// NewLogger returns a logger with the format and the minimum level of the flags.
func (f *Flags) NewLogger(w io.Writer) log.Logger {
	newFormat := log.NewLogfmtLogger
	if f.LogFormat == "json" {
		newFormat = log.NewJSONLogger
	}
	return level.NewFilter(newFormat(log.NewSyncWriter(w)), level.Allow(level.ParseDefault(f.LogLevel, level.InfoValue())))
}
