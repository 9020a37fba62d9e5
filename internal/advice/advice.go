// Package advice tells the user what to do about an error, in terms of the exporter's flags and configuration file.
package advice

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"alicdn_export_exporter/apiclient"
)

// Clock is what to do about a clock that is wrong.
const Clock = "Set this machine's clock. The API rejects requests whose date is off by more than 15 minutes."

// report is the advice for errors that the user cannot fix.
const report = "Please report this error together with the version."

// For returns one or two sentences on what to do about an error of reading the list of an export.
func For(err error, export apiclient.Export) string {
	var tooMany *apiclient.TooManyTasksError
	var unproven *apiclient.UnprovenError
	var apiErr *apiclient.Error
	switch {
	case errors.As(err, &tooMany):
		return "Raise --api.max-tasks. docs/performance.md says what such a list costs."
	case errors.As(err, &unproven):
		return "The list changes faster than it can be read, or the API contradicts itself. Try again, or raise " +
			"the rate limit (--api.rate-limit, or rate_limit of the account)."
	case errors.Is(err, apiclient.ErrNotSent), !errors.As(err, &apiErr) && errors.Is(err, context.DeadlineExceeded):
		return "Reading the list takes longer than --refresh.timeout allows. Raise that timeout. If the API does not " +
			"throttle, you can raise the rate limit instead (--api.rate-limit, or rate_limit of the account)."
	case apiErr != nil:
		return forAPIError(apiErr, export)
	case errors.Is(err, context.Canceled):
		return "Try again."
	default:
		return report
	}
}

// forAPIError returns the advice for the error's code or, if the code has none, for its class.
func forAPIError(err *apiclient.Error, export apiclient.Export) string {
	if text := forCode(err); text != "" {
		return text
	}
	switch err.Class {
	case apiclient.ClassDenied:
		return fmt.Sprintf("The key may not list these tasks. Grant it the RAM action cdn:%s on the resource \"*\", "+
			"or attach the policy AliyunCDNReadOnlyAccess.", export.Action())
	case apiclient.ClassCredentials:
		return "The API rejects the key. Check that it exists and is enabled, and that its secret or token is correct."
	case apiclient.ClassClock:
		return Clock
	case apiclient.ClassThrottled:
		return "The account's call quota is used up. Find out who else calls the API, and try again."
	case apiclient.ClassNetwork:
		return "Check the network path to the endpoint: its name (--api.endpoint, or endpoint of the account), DNS, " +
			"firewall, proxy (HTTPS_PROXY, NO_PROXY)."
	case apiclient.ClassMalformed:
		return "This is not a response of the API. Check the endpoint (--api.endpoint, or endpoint of the account) " +
			"and the proxies in between."
	case apiclient.ClassServer:
		return "The API has an internal problem. Try again later."
	default:
		return "The API rejects the request itself. " + report
	}
}

// forCode returns the advice for a code whose class has less specific advice, and "" for all other codes.
func forCode(err *apiclient.Error) string {
	switch err.Code {
	case apiclient.CodeCredentials:
		return forCredentials(err)
	case "InvalidAccessKeyId.NotFound":
		return "Check the key's id. The key was deleted, or it is of the other site: accounts of aliyun.com and of " +
			"alibabacloud.com are separate."
	case "InvalidAccessKeyId.Inactive":
		return "The key is disabled. Enable it in the RAM console, or provide another one."
	case "SignatureDoesNotMatch":
		return "Correct the key's secret: it does not belong to the key's id."
	case "SignatureNonceUsed":
		return "The API got the same request twice. Check the proxies in between: one of them repeats requests."
	case "InvalidSecurityToken.Expired":
		return "The temporary key has expired. Check what renews it, and this machine's clock."
	case "InvalidSecurityToken.MismatchWithAccessKey":
		return "The token belongs to another key. Provide id, secret and token of the same temporary key."
	case "InvalidSecurityToken.Malformed":
		if err.APICode == "MissingSecurityToken" {
			return "The key is a temporary one, and its token is missing. Provide it too: ALIBABA_CLOUD_SECURITY_TOKEN, " +
				"security_token_file or security_token_env."
		}
		return "Correct the token of the temporary key. A permanent key has none."
	case "OperationDenied":
		return "The account has no CDN service, or it is suspended. Activate it or pay its bill."
	case "IllegalOperation":
		return "The account may not use this operation. Ask Alibaba Cloud's support, and quote the request id."
	case "InvalidApi.NotFound", "InvalidAction.NotFound":
		return "Check the endpoint (--api.endpoint, or endpoint of the account): it does not have the operations of CDN."
	case apiclient.CodeOther:
		return forOther(err)
	case apiclient.CodeHTTPStatus:
		return forHTTPStatus(err)
	case apiclient.CodeProxy:
		if proxy, ok := errors.AsType[*apiclient.ProxyError](err); ok && proxy.Status == http.StatusProxyAuthRequired {
			return "Put the right user and password into the proxy's address: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT."
		}
		return "Let the proxy connect to the endpoint, or correct HTTPS_PROXY or NO_PROXY."
	case apiclient.CodeTLS:
		return "Check the endpoint's name, this machine's clock and its root certificates. A proxy that decrypts needs " +
			"its own root certificate there (SSL_CERT_FILE)."
	case apiclient.CodeRedirect:
		return "Check the endpoint (--api.endpoint, or endpoint of the account) and the proxies in between. The API does " +
			"not redirect; a login page of a network does."
	case apiclient.CodeDecode:
		if errors.Is(err, apiclient.ErrShape) {
			return "The API's response differs from its documentation. " + report
		}
	}
	return ""
}

// forOther returns the advice for an unknown code of the API.
func forOther(err *apiclient.Error) string {
	if err.Class == apiclient.ClassRequest {
		return "Ask Alibaba Cloud's support what the code means, and quote the request id."
	}
	return ""
}

// forHTTPStatus returns the advice for a response without a code of the API. It comes from a proxy or a load
// balancer.
func forHTTPStatus(err *apiclient.Error) string {
	switch err.Class {
	case apiclient.ClassThrottled:
		return "The API, or a proxy in front of it, asks for fewer calls. Find out who else calls it, and try again."
	case apiclient.ClassServer:
		return "The API, or a proxy in front of it, has a problem. Try again later. If it lasts, check the proxies."
	default:
		return ""
	}
}
