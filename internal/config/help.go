package config

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// unusedFlags has the prefixes of the flags that a command does not use, by the command's
// name.
var unusedFlags = map[string][]string{
	"check":    {"web.", "log.", "cache.", "scrape.", "collector.task-info", "config.enable-auto-reload"},
	"simulate": {""},
}

// ShapeHelp removes from a command's help the flags that the command does not use, and adds
// the command's text in details. The list of all commands stays short.
func ShapeHelp(app *kingpin.Application, details map[string]string) {
	app.PreAction(func(parsed *kingpin.ParseContext) error {
		name := helpSubject(app, parsed)
		for _, beginning := range unusedFlags[name] {
			for _, flag := range app.Model().Flags {
				clause := app.GetFlag(flag.Name)
				if strings.HasPrefix(flag.Name, beginning) && clause != app.HelpFlag && clause != app.VersionFlag {
					clause.Hidden()
				}
			}
		}
		if text := details[name]; text != "" {
			command := app.GetCommand(name)
			command.Help(command.Model().Help + "\n\n" + text)
		}
		return nil
	})
}

// helpSubject returns the name of the command that "COMMAND --help" or "help COMMAND" is
// about.
func helpSubject(app *kingpin.Application, parsed *kingpin.ParseContext) string {
	if parsed.SelectedCommand != app.HelpCommand {
		if parsed.SelectedCommand == nil {
			return ""
		}
		return parsed.SelectedCommand.FullCommand()
	}
	for _, element := range parsed.Elements {
		if _, ok := element.Clause.(*kingpin.ArgClause); ok {
			return *element.Value
		}
	}
	return ""
}

// UsageError returns the error to show if app failed to parse args with err.
func UsageError(app *kingpin.Application, args []string, err error) error {
	parsed, _ := app.ParseContext(args) // It fails with err.
	unread := parsed.Peek()
	// If the first argument is no command, kingpin selects the default one.
	if unread.Type == kingpin.TokenArg && parsed.SelectedCommand != nil && parsed.SelectedCommand.Model().Default {
		return fmt.Errorf("unknown command %s: serve, check or simulate", unread.Value)
	}
	return fmt.Errorf("%w, try --help", err)
}

// HelpWriter writes help to w and ignores errors: kingpin panics on them, for example if the reader of a pipe has
// gone.
func HelpWriter(w io.Writer) io.Writer { return helpWriter{w} }

type helpWriter struct{ io.Writer }

// Write implements io.Writer.
func (w helpWriter) Write(p []byte) (int, error) {
	_, _ = w.Writer.Write(p)
	return len(p), nil
}
