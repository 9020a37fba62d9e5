package config

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Credentials say how an account gets its key. Secrets stand in files or in the
// environment only; a key that ends in File is a path, one in Env a variable's name.
type Credentials struct {
	Type string `yaml:"type"` // empty for default, where nothing else is said

	AccessKeyIDFile     string `yaml:"access_key_id_file"`
	AccessKeyIDEnv      string `yaml:"access_key_id_env"`
	AccessKeySecretFile string `yaml:"access_key_secret_file"`
	AccessKeySecretEnv  string `yaml:"access_key_secret_env"`
	SecurityTokenFile   string `yaml:"security_token_file"`
	SecurityTokenEnv    string `yaml:"security_token_env"`

	RoleARN         string `yaml:"role_arn"`
	RoleSessionName string `yaml:"role_session_name"`
	ExternalID      string `yaml:"external_id"`
	OIDCProviderARN string `yaml:"oidc_provider_arn"`
	OIDCTokenFile   string `yaml:"oidc_token_file"`
	STSEndpoint     string `yaml:"sts_endpoint"` // a host name
	RoleName        string `yaml:"role_name"`
	URI             string `yaml:"uri"`
}

// secret is a part of a key, which a file or a variable holds.
func secret(name string) []string { return []string{name + "_file", name + "_env"} }

// credentialTypes are the types there are, with the keys that each must have and may
// have. Of several keys in one place one must be there, and no more.
var credentialTypes = []struct {
	name           string
	must, optional [][]string
}{
	{name: "default"},
	{name: "access_key", must: [][]string{secret("access_key_id"), secret("access_key_secret")}},
	{name: "sts", must: [][]string{secret("access_key_id"), secret("access_key_secret"), secret("security_token")}},
	{
		name:     "ram_role_arn",
		must:     [][]string{secret("access_key_id"), secret("access_key_secret"), {"role_arn"}},
		optional: [][]string{secret("security_token"), {"role_session_name"}, {"external_id"}, {"sts_endpoint"}},
	},
	{
		name:     "oidc_role_arn", // What is left out is in the environment, or is missed there.
		optional: [][]string{{"role_arn"}, {"oidc_provider_arn"}, {"oidc_token_file"}, {"role_session_name"}, {"sts_endpoint"}},
	},
	{name: "ecs_ram_role", optional: [][]string{{"role_name"}}},
	{name: "credentials_uri", must: [][]string{{"uri"}}},
}

// CredentialTypes lists the types there are.
func CredentialTypes() []string {
	var names []string
	for _, t := range credentialTypes {
		names = append(names, t.name)
	}
	return names
}

type setting struct {
	key   string
	value *string
}

// settings are all keys but the type.
func (c *Credentials) settings() []setting {
	return []setting{
		{"access_key_id_file", &c.AccessKeyIDFile},
		{"access_key_id_env", &c.AccessKeyIDEnv},
		{"access_key_secret_file", &c.AccessKeySecretFile},
		{"access_key_secret_env", &c.AccessKeySecretEnv},
		{"security_token_file", &c.SecurityTokenFile},
		{"security_token_env", &c.SecurityTokenEnv},
		{"role_arn", &c.RoleARN},
		{"role_session_name", &c.RoleSessionName},
		{"external_id", &c.ExternalID},
		{"oidc_provider_arn", &c.OIDCProviderARN},
		{"oidc_token_file", &c.OIDCTokenFile},
		{"sts_endpoint", &c.STSEndpoint},
		{"role_name", &c.RoleName},
		{"uri", &c.URI},
	}
}

// check adds what is wrong. What a value is wrong with is said without the value:
// people write secrets where they do not belong.
func (c *Credentials) check(p *problems, at func(key string) string) {
	block := strings.TrimSuffix(at(""), ".")
	if c.Type == "" {
		if *c != (Credentials{}) || p.has(block) {
			p.add(at("type"), "is missing: it is one of %s", strings.Join(CredentialTypes(), ", "))
		}
		return
	}
	known := slices.Index(CredentialTypes(), c.Type)
	if known < 0 {
		p.add(at("type"), "is none of %s", strings.Join(CredentialTypes(), ", "))
		return
	}
	t := credentialTypes[known]
	places := slices.Concat(t.must, t.optional)
	used := slices.Concat(places...)
	values := make(map[string]string)
	for _, s := range c.settings() {
		values[s.key] = *s.value
		switch {
		case !slices.Contains(used, s.key):
			if *s.value != "" || p.has(at(s.key)) {
				p.add(at(s.key), "the type %s does not use it", t.name)
			}
		case *s.value == "" && p.has(at(s.key)):
			p.add(at(s.key), "is empty")
		case *s.value != "":
			for _, form := range forms {
				if strings.HasSuffix(s.key, form.end) && !form.fits(*s.value) {
					p.add(at(s.key), "is not %s", form.name)
				}
			}
		}
	}
	for i, place := range places {
		var given []string
		empty := false
		for _, key := range place {
			if values[key] != "" {
				given = append(given, key)
			}
			empty = empty || p.has(at(key)) // It was said that it is empty.
		}
		switch {
		case len(given) > 1:
			p.add(at(given[1]), "only one of %s is wanted", strings.Join(given, " and "))
		case len(given) == 0 && !empty && i < len(t.must):
			p.add(at(place[0]), "is missing%s", strings.Join(append([]string{""}, place[1:]...), ", and so is "))
		}
	}
}

// resolve makes paths relative to the directory of the file that they stand in.
func (c *Credentials) resolve(dir string) {
	for _, s := range c.settings() {
		if strings.HasSuffix(s.key, "_file") && *s.value != "" && !filepath.IsAbs(*s.value) {
			*s.value = filepath.Join(dir, *s.value)
		}
	}
}

// forms are what a value must look like, by the end of its key. Those of the roles are
// https://www.alibabacloud.com/help/doc-detail/28763.html.
var forms = []struct {
	end, name string
	fits      func(string) bool
}{
	{"_env", "the name of an environment variable", regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString},
	{"role_arn", "a role's ARN, such as acs:ram::1234567890123456:role/name", regexp.MustCompile(`^acs:ram::[^:]+:role/.+$`).MatchString},
	{
		"oidc_provider_arn", "an identity provider's ARN, such as acs:ram::1234567890123456:oidc-provider/name",
		regexp.MustCompile(`^acs:ram::[^:]+:oidc-provider/.+$`).MatchString,
	},
	{"role_session_name", "2 to 64 letters, digits or any of .@-_", regexp.MustCompile(`^[A-Za-z0-9.@_-]{2,64}$`).MatchString},
	{"external_id", "2 to 1224 letters, digits or any of +=,.@:/-_", func(text string) bool {
		return len(text) >= 2 && len(text) <= 1224 && regexp.MustCompile(`^[\w+=,.@:/-]+$`).MatchString(text)
	}},
	{"role_name", "a role's name", regexp.MustCompile(`^[A-Za-z0-9.@_-]{1,64}$`).MatchString},
	{"sts_endpoint", "a host name, such as sts.cn-hangzhou.aliyuncs.com", func(text string) bool {
		parsed, err := url.Parse("https://" + text)
		return err == nil && parsed.Host == text && parsed.Hostname() != ""
	}},
	{"uri", "an http:// or https:// address without a user", func(text string) bool {
		parsed, err := url.Parse(text)
		return err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Hostname() != "" && parsed.User == nil
	}},
}
