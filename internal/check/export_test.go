package check

import "alicdn_export_exporter/collector"

// ReadTwice returns a client that reads an empty list again.
func ReadTwice(client collector.Client) collector.Client { return readTwice{client} }
