package e2e_test

// Texts of the program that several tests expect.
const (
	errorPrefix  = "alicdn_export_exporter: error: "
	usageOK      = "default is fine\n"
	proxyAdvice  = "HTTPS_PROXY, NO_PROXY"
	noKey        = "no key in the environment"
	newestTasks  = "Newest tasks" // of the status page
	shuttingDown = "Shutting down"
	callEnded    = "API call ended"
	callFailed   = "API call failed"
	reloadFailed = "Reload failed, keeping the current configuration"
	unknownKey   = "unknown key" // of a configuration file
)

// Regular expressions for log lines.
const (
	reloaded      = `msg="Configuration loaded" accounts=(\d+) added_or_changed=%d removed_or_changed=%d`
	webConfigFail = `level=error .*(Unable to parse configuration)`
)
