// Package credentials gets the access keys that the API client signs with: from files,
// environment variables, STS, the ECS metadata service, a credentials URI, or the
// default chain of Alibaba Cloud's own tools.
package credentials

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// The ways to get a key, named as Alibaba Cloud's own tools name them.
const (
	// TypeDefault is a chain: environment variables, OIDC (RRSA), the CLI profile, the
	// credentials file, the ECS metadata service, a credentials URI.
	TypeDefault = "default"
	// TypeAccessKey is a permanent key.
	TypeAccessKey = "access_key"
	// TypeSTS is a temporary key that another program keeps up to date.
	TypeSTS = "sts"
	// TypeRAMRoleARN is a role that another key may assume.
	TypeRAMRoleARN = "ram_role_arn"
	// TypeOIDCRoleARN is a role for a token of an identity provider, such as RRSA on Kubernetes.
	TypeOIDCRoleARN = "oidc_role_arn"
	// TypeECSRAMRole is the role of the ECS instance, from its metadata service.
	TypeECSRAMRole = "ecs_ram_role"
	// TypeURI is an HTTP service that hands out keys.
	TypeURI = "credentials_uri"
)

// Types returns all types.
func Types() []string {
	return []string{TypeDefault, TypeAccessKey, TypeSTS, TypeRAMRoleARN, TypeOIDCRoleARN, TypeECSRAMRole, TypeURI}
}

// Config says how an account gets its key. It is the block credentials of the
// configuration file, and what a Source works with. It holds no secret: a key that ends
// in _file is a path, one that ends in _env the name of an environment variable.
//
// The tags required and optional name the types that use a key; any other type refuses
// it. Of two keys that differ only in _file and _env, one is required and both are too
// many.
type Config struct {
	// Type is one of Types. It is empty, as all of the Config is, for TypeDefault.
	Type string `yaml:"type"`

	AccessKeyIDFile     string `yaml:"access_key_id_file" required:"access_key sts ram_role_arn"`
	AccessKeyIDEnv      string `yaml:"access_key_id_env" required:"access_key sts ram_role_arn"`
	AccessKeySecretFile string `yaml:"access_key_secret_file" required:"access_key sts ram_role_arn"`
	AccessKeySecretEnv  string `yaml:"access_key_secret_env" required:"access_key sts ram_role_arn"`
	SecurityTokenFile   string `yaml:"security_token_file" required:"sts" optional:"ram_role_arn"`
	SecurityTokenEnv    string `yaml:"security_token_env" required:"sts" optional:"ram_role_arn"`

	// The keys of oidc_role_arn default to the variables that RRSA's webhook sets.
	RoleARN         string `yaml:"role_arn" required:"ram_role_arn" optional:"oidc_role_arn"`
	RoleSessionName string `yaml:"role_session_name" optional:"ram_role_arn oidc_role_arn"`
	ExternalID      string `yaml:"external_id" optional:"ram_role_arn"`
	OIDCProviderARN string `yaml:"oidc_provider_arn" optional:"oidc_role_arn"`
	OIDCTokenFile   string `yaml:"oidc_token_file" optional:"oidc_role_arn"`
	// STSEndpoint is a host name; empty for sts.aliyuncs.com.
	STSEndpoint string `yaml:"sts_endpoint" optional:"ram_role_arn oidc_role_arn"`
	// RoleName is the instance's role; empty to ask the metadata service for it.
	RoleName string `yaml:"role_name" optional:"ecs_ram_role"`
	URI      string `yaml:"uri" required:"credentials_uri"`
}

// KeyError is what is wrong with one key of a Config. It never quotes a value, because
// people paste secrets into the wrong place.
type KeyError struct {
	// Key is the key's name in the configuration file.
	Key string
	// Reason completes a sentence that begins with the key.
	Reason string
}

// Error returns the key and the reason.
func (e *KeyError) Error() string { return e.Key + ": " + e.Reason }

// Validate returns all mistakes, each a *KeyError, joined; nil if there is none.
func (c *Config) Validate() error {
	if *c == (Config{}) {
		return nil
	}
	if !slices.Contains(Types(), c.Type) {
		reason := "is required, one of " + strings.Join(Types(), ", ")
		if c.Type != "" {
			reason = "must be one of " + strings.Join(Types(), ", ")
		}
		return &KeyError{"type", reason}
	}
	var errs []error
	fields := c.fields()
	for i, f := range fields {
		alternatives := alternativesOf(fields, f)
		switch {
		case f.value() != "" && !f.usedBy(c.Type):
			errs = append(errs, &KeyError{f.key, "is not allowed with type " + c.Type})
		case f.value() != "" && len(alternatives) == 2 && alternatives[0].key != f.key && alternatives[0].value() != "":
			errs = append(errs, &KeyError{f.key, fmt.Sprintf("only one of %s and %s is allowed", alternatives[0].key, f.key)})
		case f.value() != "":
			if reason := checkFormat(f.key, f.value()); reason != "" {
				errs = append(errs, &KeyError{f.key, reason})
			}
		case f.requiredBy(c.Type) && allEmpty(alternatives) && alternatives[0].key == fields[i].key:
			errs = append(errs, &KeyError{f.key, requiredReason(alternatives)})
		}
	}
	return errors.Join(errs...)
}

// ResolvePaths makes relative paths relative to dir, the configuration file's directory.
func (c *Config) ResolvePaths(dir string) {
	for _, f := range c.fields() {
		if strings.HasSuffix(f.key, "_file") && f.value() != "" && !filepath.IsAbs(f.value()) {
			f.set(filepath.Join(dir, f.value()))
		}
	}
}

// field is a key of a Config other than type.
type field struct {
	key                string
	required, optional []string // types
	target             reflect.Value
}

func (c *Config) fields() []field {
	var fields []field
	for structField, value := range reflect.ValueOf(c).Elem().Fields() {
		if structField.Name != "Type" {
			fields = append(fields, field{
				key:      structField.Tag.Get("yaml"),
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
func (f field) name() string             { return strings.TrimSuffix(strings.TrimSuffix(f.key, "_file"), "_env") }
func (f field) requiredBy(t string) bool { return slices.Contains(f.required, t) }
func (f field) usedBy(t string) bool     { return f.requiredBy(t) || slices.Contains(f.optional, t) }

// alternativesOf returns the fields that hold the same thing, f among them.
func alternativesOf(fields []field, f field) []field {
	return slices.DeleteFunc(slices.Clone(fields), func(other field) bool { return other.name() != f.name() })
}

func allEmpty(fields []field) bool {
	return !slices.ContainsFunc(fields, func(f field) bool { return f.value() != "" })
}

func requiredReason(alternatives []field) string {
	if len(alternatives) == 1 {
		return "is required"
	}
	return fmt.Sprintf("one of %s, %s is required", alternatives[0].key, alternatives[1].key)
}
