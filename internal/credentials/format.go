package credentials

import (
	"net/url"
	"regexp"
	"strings"
)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// formats has the format of a value, by the name of the setting. Those of roles are from
// https://www.alibabacloud.com/help/doc-detail/28763.html.
var formats = map[string]struct {
	mustBe string
	ok     func(string) bool
}{
	"role_arn": {
		"a role's ARN, such as acs:ram::1234567890123456:role/name",
		regexp.MustCompile(`^acs:ram::[^:]+:role/.+$`).MatchString,
	},
	"oidc_provider_arn": {
		"an identity provider's ARN, such as acs:ram::1234567890123456:oidc-provider/name",
		regexp.MustCompile(`^acs:ram::[^:]+:oidc-provider/.+$`).MatchString,
	},
	"role_session_name": {
		"2 to 64 letters, digits or any of .@-_",
		regexp.MustCompile(`^[A-Za-z0-9.@_-]{2,64}$`).MatchString,
	},
	"external_id": {
		"2 to 1224 letters, digits or any of +=,.@:/-_",
		func(id string) bool {
			return len(id) >= 2 && len(id) <= 1224 && regexp.MustCompile(`^[\w+=,.@:/-]+$`).MatchString(id)
		},
	},
	"role_name": {
		"the name of a role",
		regexp.MustCompile(`^[A-Za-z0-9.@_-]{1,64}$`).MatchString,
	},
	"sts_endpoint": {
		"a host name, such as sts.cn-hangzhou.aliyuncs.com",
		func(host string) bool {
			parsed, err := url.Parse("https://" + host)
			return err == nil && parsed.Host == host && parsed.Hostname() != ""
		},
	},
	"uri": {
		"an http:// or https:// address without a user",
		func(uri string) bool {
			parsed, err := url.Parse(uri)
			return err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https") &&
				parsed.Hostname() != "" && parsed.User == nil
		},
	},
}

// checkFormat returns why a setting cannot have the value, or "" if it can.
func checkFormat(setting, value string) (reason string) {
	if strings.HasSuffix(setting, "_env") && !envName.MatchString(value) {
		return "must be the name of an environment variable"
	}
	if format, ok := formats[setting]; ok && !format.ok(value) {
		return "must be " + format.mustBe
	}
	return ""
}
