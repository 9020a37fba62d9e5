package apiclient

import (
	"context"
	"errors"
	"fmt"
)

// Advice says in a sentence what to do about an error of a Client's for an export,
// in words of the program's flags, and of an account's keys in the file where those
// count instead.
func Advice(err error, export Export) string {
	var apiErr *Error
	var tooMany *TooManyTasksError
	var unproven *UnprovenError
	switch {
	case errors.As(err, &tooMany):
		return "Raise --api.max-tasks; the README says what such a list costs."
	case errors.As(err, &unproven):
		return "The list changes faster than it is read, or the API contradicts itself: try again, " +
			"and with a higher rate limit (--api.rate-limit, or rate_limit of the account)."
	case !errors.As(err, &apiErr) && errors.Is(err, context.DeadlineExceeded), outOfTime(apiErr):
		return "The list takes longer to read than --refresh.timeout allows: raise it or, if the API does not throttle, " +
			"the rate limit (--api.rate-limit, or rate_limit of the account)."
	case !errors.As(err, &apiErr):
		return "Try again."
	case apiErr.Code.Code == CodeCredentials:
		return "There is no key to ask the API with: put right what the error names. The README lists the ways to give a key."
	case apiErr.Code.Code == "OperationDenied":
		return "The account has no CDN service, or it is suspended: open it or settle its bill."
	case apiErr.Class == Denied:
		return fmt.Sprintf("The key may not list these tasks: grant it the RAM action cdn:%s on the resource \"*\", "+
			"or attach the policy AliyunCDNReadOnlyAccess.", export.Action())
	case apiErr.Class == CredentialsClass:
		return "The API does not accept the key: look whether it exists, is enabled, and whether its secret or token is the right one."
	case apiErr.Class == Clock:
		return "Set this machine's clock: the API refuses requests whose date is off by more than 15 minutes."
	case apiErr.Class == Throttled:
		return "The account's quota of calls is used up: look who else calls the API, and try again."
	case apiErr.Class == Network:
		return "Look at the way to the endpoint: its name (--api.endpoint, or endpoint of the account), DNS, firewall, " +
			"proxy (HTTPS_PROXY, NO_PROXY), certificates."
	case apiErr.Class == Malformed:
		return "What answers is not the API: look at the endpoint (--api.endpoint, or endpoint of the account) and at proxies on the way."
	case apiErr.Class == Server:
		return "The API is in trouble: try again later."
	default:
		return "Please report this error together with the version: the API refuses the request itself."
	}
}

// outOfTime reports whether the deadline came before the request was sent: nothing on
// the way to the API was at fault.
func outOfTime(err *Error) bool {
	return err != nil && (err.Detail == errWaitTooLong.Error() || err.Detail == errNoTurn.Error())
}
