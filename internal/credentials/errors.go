package credentials

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"alicdn_export_exporter/apiclient"
)

// The library's errors may quote whole responses of a key service, secrets included.
// Only texts from this file and known codes are passed on.

// failure returns an error that names the type.
func (c *Config) failure(text string) error {
	if c.isDefault() {
		return errors.New(text)
	}
	return fmt.Errorf("%s: %s", c.Type, text)
}

// noKey returns the error for an error of the library, or for a response without a key
// if libraryErr is nil.
func (c *Config) noKey(libraryErr error) error {
	text := c.noKeyText()
	if reason := c.reason(libraryErr); reason != "" {
		text += ": " + reason
	}
	return c.failure(text)
}

func (c *Config) noKeyText() string {
	switch c.Type {
	case TypeRAMRoleARN, TypeOIDCRoleARN:
		return "STS gives no key for the role"
	case TypeECSRAMRole:
		if strings.EqualFold(os.Getenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED"), "true") {
			return "ALIBABA_CLOUD_ECS_METADATA_DISABLED turns the metadata service off"
		}
		return "the ECS metadata service gives no key for the role"
	case TypeURI:
		return "the URI gives no key"
	case TypeAccessKey, TypeSTS:
		return "the library refuses the key"
	default:
		return "no key in the environment, OIDC, the CLI profile, the credentials file, " +
			"the ECS metadata service or the credentials URI"
	}
}

// stsCodes are the codes in STS's error table that say what to change
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

var quotedCode = regexp.MustCompile(`"Code"\s*:\s*"([\w.]+)"`)

// reason returns what is certainly not a secret: why STS could not be reached, or a
// documented code of STS or of the RPC gateway in front of it. It may be empty.
func (c *Config) reason(libraryErr error) string {
	if libraryErr == nil || c.Type != TypeRAMRoleARN && c.Type != TypeOIDCRoleARN {
		return ""
	}
	if _, ok := errors.AsType[*url.Error](libraryErr); ok {
		text := apiclient.NetworkError(libraryErr).Error()
		if host := (&url.URL{Host: c.STSEndpoint}).Hostname(); host != "" {
			// A secret that was pasted there looks like a host name, too.
			text = strings.ReplaceAll(text, host, "sts_endpoint")
		}
		return text
	}
	match := quotedCode.FindStringSubmatch(libraryErr.Error())
	if match == nil {
		return ""
	}
	if slices.Contains(stsCodes, match[1]) {
		return match[1]
	}
	code, _ := apiclient.KnownCode(match[1])
	return code
}
