package apiclient

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// The library's errors may quote whole answers of a credentials service, secrets
// included. What is repeated of them is what is in this file, or is known to be no secret.

// keyTrouble is what is said of a type that gave no key.
func (s KeySettings) keyTrouble() string {
	switch s.Type {
	case KeyRAMRoleARN, KeyOIDCRoleARN:
		return "STS gives no key for the role"
	case KeyECSRAMRole:
		if strings.EqualFold(os.Getenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED"), "true") {
			return "ALIBABA_CLOUD_ECS_METADATA_DISABLED turns the metadata service off"
		}
		return "the ECS metadata service gives no key for the role"
	case KeyCredentialsURI:
		return "the URI gives no key"
	case KeyAccessKey, KeySTS:
		return "the library refuses the key"
	default:
		return "no key from any of the environment, OIDC, the CLI profile, the credentials file, " +
			"the ECS metadata service or the credentials URI"
	}
}

// failure is an error that names the type.
func (s KeySettings) failure(text string) error {
	if s.isDefault() {
		return errors.New(text)
	}
	return fmt.Errorf("%s: %s", s.Type, text)
}

// noKey is the error for an error of the library, nil for an answer without a key.
func (s KeySettings) noKey(err error) error {
	text := s.keyTrouble()
	if reason := s.reason(err); reason != "" {
		text += ": " + reason
	}
	return s.failure(text)
}

// stsCodes are those of STS's own codes that say what to change: its error table,
// and https://www.alibabacloud.com/help/doc-detail/42775.htm. Others are the gateway's.
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

var answerCode = regexp.MustCompile(`"Code"\s*:\s*"([\w.]+)"`)

// reason is what is known to be no secret: how STS was not reached, or a code of
// its that is documented.
func (s KeySettings) reason(err error) string {
	if err == nil || s.Type != KeyRAMRoleARN && s.Type != KeyOIDCRoleARN {
		return ""
	}
	if _, unreached := errors.AsType[*url.Error](err); unreached {
		text := networkError(err).Error()
		if host := (&url.URL{Host: s.STSEndpoint}).Hostname(); host != "" {
			text = strings.ReplaceAll(text, host, "sts_endpoint") // Whatever was written there: a secret looks like a host's name, too.
		}
		return text
	}
	match := answerCode.FindStringSubmatch(err.Error())
	if match == nil {
		return ""
	}
	code := match[1]
	if slices.Contains(stsCodes, code) {
		return code
	}
	if code = fold(code); classes[code] != "" && !local(code) {
		return code
	}
	return ""
}
