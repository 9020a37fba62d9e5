// Package credentials supplies the access keys with which the API client signs. A key comes from files, environment
// variables, STS, the ECS metadata service, a credentials URI, or the default chain of Alibaba Cloud's own tools.
package credentials

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// The types of credentials. Alibaba Cloud's own tools use the same names.
const (
	// TypeDefault tries in this order: environment variables, OIDC (RRSA), the CLI profile, the credentials file, the
	// ECS metadata service, a credentials URI.
	TypeDefault = "default"
	// TypeAccessKey is a permanent key.
	TypeAccessKey = "access_key"
	// TypeSTS is a temporary key that another program keeps up to date.
	TypeSTS = "sts"
	// TypeRAMRoleARN assumes a RAM role with another key or, without one, with the credentials of TypeDefault.
	TypeRAMRoleARN = "ram_role_arn"
	// TypeOIDCRoleARN assumes a RAM role with a token of an identity provider, such as RRSA on Kubernetes.
	TypeOIDCRoleARN = "oidc_role_arn"
	// TypeECSRAMRole is the role of the ECS instance. The metadata service supplies its key.
	TypeECSRAMRole = "ecs_ram_role"
	// TypeURI is an HTTP service that supplies keys.
	TypeURI = "credentials_uri"
)

// Types returns all types of credentials.
func Types() []string {
	return []string{TypeDefault, TypeAccessKey, TypeSTS, TypeRAMRoleARN, TypeOIDCRoleARN, TypeECSRAMRole, TypeURI}
}

// Config is the section "credentials" of an account in the configuration file. A Source uses it as it is. It holds no
// secret: a setting that ends in _file is a path, and one that ends in _env is the name of an environment variable.
//
// The tags required and optional list the types that use a setting; every other type refuses it. Where a setting exists
// as _file and as _env, at most one of the two may be set, and one is enough if they are required. Where a key is
// optional, its id and its secret require each other, and a token requires both.
type Config struct {
	// Type says where the key comes from. Without credentials, it is "default".
	Type string `yaml:"type"`

	// AccessKeyIDFile is the file with the access key's id.
	AccessKeyIDFile string `yaml:"access_key_id_file" required:"access_key sts" optional:"ram_role_arn"`
	// AccessKeyIDEnv is the name of the environment variable with the access key's id.
	AccessKeyIDEnv string `yaml:"access_key_id_env" required:"access_key sts" optional:"ram_role_arn"`
	// AccessKeySecretFile is the file with the access key's secret.
	AccessKeySecretFile string `yaml:"access_key_secret_file" required:"access_key sts" optional:"ram_role_arn"`
	// AccessKeySecretEnv is the name of the environment variable with the access key's secret.
	AccessKeySecretEnv string `yaml:"access_key_secret_env" required:"access_key sts" optional:"ram_role_arn"`
	// SecurityTokenFile is the file with the token of a temporary key.
	SecurityTokenFile string `yaml:"security_token_file" required:"sts" optional:"ram_role_arn"`
	// SecurityTokenEnv is the name of the environment variable with the token of a temporary key.
	SecurityTokenEnv string `yaml:"security_token_env" required:"sts" optional:"ram_role_arn"`

	// RoleARN is the role to assume. With oidc_role_arn, its default is the variable that RRSA's webhook sets.
	RoleARN string `yaml:"role_arn" required:"ram_role_arn" optional:"oidc_role_arn"`
	// RoleSessionName is the session's name in ActionTrail. The default is alicdn_export_exporter.
	RoleSessionName string `yaml:"role_session_name" optional:"ram_role_arn oidc_role_arn"`
	// ExternalID is the external id that the role's trust policy requires, if it does.
	ExternalID string `yaml:"external_id" optional:"ram_role_arn"`
	// OIDCProviderARN is the identity provider. Its default is the variable that RRSA's webhook sets.
	OIDCProviderARN string `yaml:"oidc_provider_arn" optional:"oidc_role_arn"`
	// OIDCTokenFile is the file with the provider's token. Its default is the variable that RRSA's webhook sets.
	OIDCTokenFile string `yaml:"oidc_token_file" optional:"oidc_role_arn"`
	// STSEndpoint is the host name of STS. The default is sts.aliyuncs.com.
	STSEndpoint string `yaml:"sts_endpoint" optional:"ram_role_arn oidc_role_arn"`
	// RoleName is the name of the instance's role. By default, the metadata service is asked for it.
	RoleName string `yaml:"role_name" optional:"ecs_ram_role"`
	// URI is the address of the service that supplies the key.
	URI string `yaml:"uri" required:"credentials_uri"`
}

// SettingError is a mistake in one setting of a Config. It never quotes the value: people paste secrets into the wrong
// setting.
type SettingError struct {
	// Setting is the name in the configuration file.
	Setting string
	// Reason follows the name, as in "role_arn: is required".
	Reason string
}

// Error returns the setting and the reason.
func (e *SettingError) Error() string { return e.Setting + ": " + e.Reason }

// Validate returns all mistakes, joined, each a *SettingError. It returns nil if there are none.
func (c *Config) Validate() error {
	if *c == (Config{}) {
		return nil
	}
	if !slices.Contains(Types(), c.Type) {
		reason := "is required, one of " + strings.Join(Types(), ", ")
		if c.Type != "" {
			reason = "must be one of " + strings.Join(Types(), ", ")
		}
		return &SettingError{"type", reason}
	}
	var errs []error
	fields := c.fields()
	for _, f := range fields {
		required := f.requiredBy(c.Type) || f.usedBy(c.Type) && f.isAccessKey() && c.hasKey()
		if reason := mistake(f, alternativesOf(fields, f), c.Type, required); reason != "" {
			errs = append(errs, &SettingError{f.name, reason})
		}
	}
	return errors.Join(errs...)
}

// mistake returns the mistake in a field, or "" if there is none. A mistake that concerns both alternatives is reported
// for one of them only.
func mistake(f field, alternatives []field, credentialsType string, required bool) (reason string) {
	first := alternatives[0]
	switch {
	case f.value() == "":
		if first.name == f.name && required && allEmpty(alternatives) {
			return requiredReason(alternatives)
		}
		return ""
	case !f.usedBy(credentialsType):
		return "is not allowed with type " + credentialsType
	case first.name != f.name && first.value() != "":
		return fmt.Sprintf("only one of %s and %s is allowed", first.name, f.name)
	default:
		return checkFormat(f.name, f.value())
	}
}

// hasKey reports whether a part of a key is set.
func (c *Config) hasKey() bool {
	return c.AccessKeyIDFile+c.AccessKeyIDEnv+c.AccessKeySecretFile+c.AccessKeySecretEnv+
		c.SecurityTokenFile+c.SecurityTokenEnv != ""
}

// usesHub reports whether a hub supplies the key that assumes the role.
func (c *Config) usesHub() bool { return c.Type == TypeRAMRoleARN && !c.hasKey() }

// ResolvePaths makes relative paths relative to dir, the configuration file's directory.
func (c *Config) ResolvePaths(dir string) {
	for _, f := range c.fields() {
		if strings.HasSuffix(f.name, "_file") && f.value() != "" && !filepath.IsAbs(f.value()) {
			f.set(filepath.Join(dir, f.value()))
		}
	}
}

// field is one setting of a Config, other than type.
type field struct {
	name               string   // in the configuration file
	required, optional []string // types
	target             reflect.Value
}

func (c *Config) fields() []field {
	var fields []field
	for structField, value := range reflect.ValueOf(c).Elem().Fields() {
		if structField.Name != "Type" {
			fields = append(fields, field{
				name:     structField.Tag.Get("yaml"),
				required: strings.Fields(structField.Tag.Get("required")),
				optional: strings.Fields(structField.Tag.Get("optional")),
				target:   value,
			})
		}
	}
	return fields
}

func (f field) value() string            { return f.target.String() }
func (f field) set(value string)         { f.target.SetString(value) }
func (f field) requiredBy(t string) bool { return slices.Contains(f.required, t) }
func (f field) usedBy(t string) bool     { return f.requiredBy(t) || slices.Contains(f.optional, t) }
func (f field) isAccessKey() bool        { return strings.HasPrefix(f.name, "access_key_") }

// baseName returns the name without _file and _env.
func (f field) baseName() string {
	return strings.TrimSuffix(strings.TrimSuffix(f.name, "_file"), "_env")
}

// alternativesOf returns the fields that differ from f only in _file and _env, including f, in the order of the Config.
func alternativesOf(fields []field, f field) []field {
	return slices.DeleteFunc(slices.Clone(fields), func(other field) bool { return other.baseName() != f.baseName() })
}

func allEmpty(fields []field) bool {
	return !slices.ContainsFunc(fields, func(f field) bool { return f.value() != "" })
}

func requiredReason(alternatives []field) string {
	if len(alternatives) == 1 {
		return "is required"
	}
	return fmt.Sprintf("one of %s, %s is required", alternatives[0].name, alternatives[1].name)
}
