package credentials

import (
	"cmp"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"alicdn_export_exporter/apiclient"
)

// The library's errors may quote whole responses of a key service, secrets included. Only texts from this file and
// known codes are passed on.

// Error says why there is no key. It contains no secrets.
type Error struct {
	// Type is one of Types.
	Type string

	cause error
}

// Error returns the cause, after the type unless it is TypeDefault.
func (e *Error) Error() string {
	if e.Type == TypeDefault {
		return e.cause.Error()
	}
	return e.Type + ": " + e.cause.Error()
}

// Unwrap returns the cause: a *SecretError, context.DeadlineExceeded or another one.
func (e *Error) Unwrap() error { return e.cause }

// newError returns an *Error with a text.
func (c *Config) newError(text string) error { return c.wrap(errors.New(text)) }

// wrap returns an *Error with a cause.
func (c *Config) wrap(cause error) error { return &Error{cmp.Or(c.Type, TypeDefault), cause} }

// noKeyError returns the error to show if the library returned libraryErr. A nil libraryErr means that the library
// returned neither a key nor an error.
func (f *fetcher) noKeyError(libraryErr error) error {
	if hubErr, ok := errors.AsType[*hubError](libraryErr); ok {
		return f.config.newError("no key to assume the role with: " + hubErr.Error())
	}
	text := f.config.noKeyText(libraryErr)
	if f.hub != nil && f.hub.key.Provider != "" {
		text += ", called with the key from " + f.hub.key.Provider
	}
	if reason := f.config.publicReason(libraryErr); reason != "" {
		text += ": " + reason
	}
	return f.config.newError(text)
}

func (c *Config) noKeyText(libraryErr error) string {
	switch c.Type {
	case TypeRAMRoleARN, TypeOIDCRoleARN:
		return "STS returned no key for the role"
	case TypeECSRAMRole:
		if isMetadataDisabled() {
			return "ALIBABA_CLOUD_ECS_METADATA_DISABLED turns off the metadata service"
		}
		return "the ECS metadata service returned no key for the role"
	case TypeURI:
		return "the service returned no key"
	case TypeAccessKey, TypeSTS:
		return "the credentials library rejected the key"
	default:
		return chainText(libraryErr)
	}
}

// stsCodes are the codes of STS that tell the user what to change
// (https://www.alibabacloud.com/help/doc-detail/42775.htm).
var stsCodes = []string{
	"AuthenticationFail.NoPermission",
	"AuthenticationFail.OIDCToken.AudienceNotMatch",
	"AuthenticationFail.OIDCToken.Expired",
	"AuthenticationFail.OIDCToken.HttpsUrlInvalid",
	"AuthenticationFail.OIDCToken.Invalid",
	"AuthenticationFail.OIDCToken.InvalidSignature",
	"EntityNotExist.Role",
	"InvalidParameter.RoleArn",
	"InvalidParameter.RoleSessionName",
}

// denied says what to check if STS refuses AssumeRole. STS also does so if the external id is
// wrong.
const denied = " (the caller needs sts:AssumeRole on the role, and the role's trust policy must name the caller and the " +
	"external id, if there is one)"

var quotedCode = regexp.MustCompile(`"Code"\s*:\s*"([\w.]+)"`)

// publicReason returns the part of an error that cannot be a secret: why the service could not be reached, why its
// response is not used, or a documented code of STS or of the RPC gateway in front of it. It returns "" if there is no
// such part.
func (c *Config) publicReason(libraryErr error) string {
	if libraryErr == nil || c.isDefault() {
		return ""
	}
	if response, ok := errors.AsType[responseError](libraryErr); ok {
		return response.Error()
	}
	if _, ok := errors.AsType[*url.Error](libraryErr); ok {
		text := apiclient.NetworkError(libraryErr).Error()
		// The user may have pasted a secret there, which can look like a host name.
		if host := (&url.URL{Host: c.STSEndpoint}).Hostname(); host != "" {
			text = strings.ReplaceAll(text, host, "sts_endpoint")
		}
		if uri, err := url.Parse(c.URI); err == nil && uri.Hostname() != "" {
			text = strings.ReplaceAll(text, uri.Hostname(), "uri")
		}
		return text
	}
	if c.Type != TypeRAMRoleARN && c.Type != TypeOIDCRoleARN {
		return ""
	}
	code := stsCode(libraryErr)
	if slices.Contains(stsCodes, code) {
		return code
	}
	kind, _ := apiclient.KindOf(code)
	if c.Type == TypeRAMRoleARN && kind.Class == apiclient.ClassDenied {
		return kind.Code + denied
	}
	return kind.Code
}

// stsCode returns the code in the response that the library's error quotes, or "" if there is none. The code may be a
// secret.
func stsCode(libraryErr error) string {
	if libraryErr == nil {
		return ""
	}
	match := quotedCode.FindStringSubmatch(libraryErr.Error())
	if match == nil {
		return ""
	}
	return match[1]
}
