// Package docs holds the documentation that the exporter serves itself.
package docs

import _ "embed" // The runbook.

// Runbook is the runbook in Markdown. It has a section for each alert.
//
//go:embed runbook.md
var Runbook []byte
