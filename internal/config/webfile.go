package config

import (
	"fmt"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v4"

	"alicdn_export_exporter/internal/smallfile"
)

// maxWebFileBytes bounds the file of --web.config.file.
const maxWebFileBytes = 1 << 20

// CheckWebFile returns an error if the file of --web.config.file, if one is set, is not valid, or says nothing:
// exporter-toolkit would then serve everybody without TLS and passwords. It is probably a file that was not written to
// its end.
func (f *Flags) CheckWebFile() error {
	path := *f.Web.WebConfigFile
	if path == "" {
		return nil
	}
	content, err := smallfile.Read(path, maxWebFileBytes)
	if err != nil {
		return fmt.Errorf("--web.config.file: %w", err)
	}
	var document any
	if err := yaml.Unmarshal(content, &document); err == nil && document == nil {
		return fmt.Errorf("--web.config.file: %s is empty, so everybody would have access; leave out the flag if that is meant", path)
	}
	if err := web.Validate(path); err != nil {
		return fmt.Errorf("--web.config.file: %w", err)
	}
	return nil
}
