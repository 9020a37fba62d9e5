package e2e_test

// Texts of the program that tests wait for or expect in several places.
const (
	errorPrefix  = "alicdn_export_exporter: error: "
	checkFailed  = errorPrefix + "not all is right, see above\n"
	checkedOK    = "account       ok      "
	nextCheck    = "\n\n" + checkedOK // Reports of accounts are separated by an empty line.
	usageOK      = "usage         ok"
	proxyAdvice  = "HTTPS_PROXY, NO_PROXY"
	noKey        = "no key from any of the environment"
	newestTasks  = "Newest tasks" // of the status page
	shuttingDown = "Stopping"
	startedNoKey = "Starting without a key"
	callEnded    = "API call ended"
	callFailed   = "API call failed"
	reloadFailed = "Configuration is wrong, the one before it stays"
	unknownKey   = "is not a known key" // of a configuration file
)

// Expressions for log lines.
const (
	listening     = `(?:Listening on" address=|"address":")(127\.0\.0\.1:\d+)`
	reloaded      = `msg="Configuration loaded" accounts=(\d+) new_or_changed=%d gone_or_changed=%d`
	webConfigFail = `level=error .*(Unable to parse configuration)`
)
