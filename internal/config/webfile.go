package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v4"

	"alicdn_export_exporter/internal/smallfile"
)

// maxWebFileBytes bounds the file of --web.config.file.
const maxWebFileBytes = 1 << 20

// CheckWebFile returns an error if the file of --web.config.file is not valid, or if the file or one of its keys is
// empty. Such a file was probably not written to its end, and exporter-toolkit would serve everybody, without TLS or
// passwords. Without the flag, CheckWebFile returns nil.
func (f *Flags) CheckWebFile() error {
	path := *f.Web.WebConfigFile
	if path == "" {
		return nil
	}
	content, err := smallfile.Read(path, maxWebFileBytes)
	if err != nil {
		return fmt.Errorf("--web.config.file: %w", err)
	}
	var document map[string]yaml.Node
	if err := yaml.Unmarshal(content, &document); err == nil { // Otherwise, web.Validate says what is wrong.
		if len(document) == 0 {
			return fmt.Errorf("--web.config.file: %s is empty, so everybody would have access; leave out the flag if that is meant", path)
		}
		for _, key := range slices.Sorted(maps.Keys(document)) {
			if value := document[key]; isEmpty(&value) {
				return fmt.Errorf("--web.config.file: %s: %.100q is empty; leave it out if that is meant", path, key)
			}
		}
	}
	if err := web.Validate(path); err != nil {
		return fmt.Errorf("--web.config.file: %w", err)
	}
	return nil
}
