// Package advice tells the user what to do about an error, in terms of the exporter's flags and configuration file.
package advice

import (
	"context"
	"errors"
	"fmt"

	"alicdn_export_exporter/apiclient"
)

// For returns one or two sentences on what to do about an error of reading the list of an export.
func For(err error, export apiclient.Export) string {
	var tooMany *apiclient.TooManyTasksError
	var unproven *apiclient.UnprovenError
	var apiErr *apiclient.Error
	switch {
	case errors.As(err, &tooMany):
		return "Raise --api.max-tasks. The README says what such a list costs."
	case errors.As(err, &unproven):
		return "The list changes faster than it can be read, or the API contradicts itself. Try again, or raise " +
			"the rate limit (--api.rate-limit, or rate_limit of the account)."
	case errors.Is(err, apiclient.ErrNotSent), !errors.As(err, &apiErr) && errors.Is(err, context.DeadlineExceeded):
		return "Reading the list takes longer than --refresh.timeout allows. Raise that timeout. If the API does not " +
			"throttle, you can raise the rate limit instead (--api.rate-limit, or rate_limit of the account)."
	case apiErr == nil:
		return "Try again."
	default:
		return forAPIError(apiErr, export)
	}
}

// forAPIError returns what to do about an error of a class. Some codes need other words than the rest of their class.
func forAPIError(err *apiclient.Error, export apiclient.Export) string {
	switch err.Code {
	case apiclient.CodeCredentials:
		return "There are no usable credentials. Fix the error above; the README lists the ways to provide a key."
	case "OperationDenied":
		return "The account has no CDN service, or it is suspended. Activate it or pay its bill."
	}
	switch err.Class {
	case apiclient.ClassDenied:
		return fmt.Sprintf("The key may not list these tasks. Grant it the RAM action cdn:%s on the resource \"*\", "+
			"or attach the policy AliyunCDNReadOnlyAccess.", export.Action())
	case apiclient.ClassCredentials:
		return "The API rejects the key. Check that it exists and is enabled, and that its secret or token is correct."
	case apiclient.ClassClock:
		return "Set this machine's clock. The API rejects requests whose date is off by more than 15 minutes."
	case apiclient.ClassThrottled:
		return "The account's call quota is used up. Find out who else calls the API, and try again."
	case apiclient.ClassNetwork:
		return "Check the network path to the endpoint: its name (--api.endpoint, or endpoint of the account), DNS, " +
			"firewall, proxy (HTTPS_PROXY, NO_PROXY), certificates."
	case apiclient.ClassMalformed:
		return "This is not a response of the API. Check the endpoint (--api.endpoint, or endpoint of the account) " +
			"and the proxies in between."
	case apiclient.ClassServer:
		return "The API has an internal problem. Try again later."
	case apiclient.ClassRequest:
		return "The API rejects the request itself. Please report this error together with the version."
	default:
		return "Please report this error together with the version."
	}
}
