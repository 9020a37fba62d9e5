package main

import (
	"io"
	stdlog "log"
	"log/slog"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	sloggokit "github.com/tjhop/slog-gokit"
)

// logs is one log behind the interfaces that its writers want.
type logs struct {
	gokit log.Logger
	slog  *slog.Logger
}

func newLogs(leastLevel, format string, out io.Writer) logs {
	base := log.NewLogfmtLogger(log.NewSyncWriter(out))
	if format == "json" {
		base = log.NewJSONLogger(log.NewSyncWriter(out))
	}
	base = level.NewFilter(base, level.Allow(level.ParseDefault(leastLevel, level.InfoValue())))
	return logs{
		gokit: log.With(base, "time", log.DefaultTimestampUTC, "caller", log.DefaultCaller),
		// The handler adds a time and a caller of its own, under the same keys, and
		// leaves the choice of levels to the filter.
		slog: slog.New(sloggokit.NewGoKitHandler(base, slog.LevelDebug)),
	}
}

// std is for the HTTP libraries, which speak up only when something is wrong.
func (l logs) std() *stdlog.Logger { return slog.NewLogLogger(l.slog.Handler(), slog.LevelWarn) }
