package advice

import (
	"context"
	"errors"
	"io/fs"

	"alicdn_export_exporter/internal/credentials"
)

// forCredentials returns the advice if there is no key. err says why there is none.
func forCredentials(err error) string {
	if secret, ok := errors.AsType[*credentials.SecretError](err); ok {
		return forSecret(secret)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "Check the service that provides the key, and the network path to it."
	}
	noKey, ok := errors.AsType[*credentials.Error](err)
	if !ok {
		return "There are no usable credentials. docs/credentials.md lists the ways to provide them."
	}
	switch noKey.Type {
	case credentials.TypeRAMRoleARN:
		return "Check role_arn, the key that assumes the role and its permission sts:AssumeRole, the role's trust policy, " +
			"and that STS can be reached (sts_endpoint)."
	case credentials.TypeOIDCRoleARN:
		return "Check role_arn, oidc_provider_arn, the token's file, the role's trust policy, and that STS can be reached " +
			"(sts_endpoint)."
	case credentials.TypeECSRAMRole:
		return "Attach a RAM role to the ECS instance, or correct role_name. The metadata service at 100.100.100.200 must " +
			"be reachable without a proxy (NO_PROXY)."
	case credentials.TypeURI:
		return "Check the service at uri: it must answer with a key in JSON, without a redirect."
	case credentials.TypeDefault:
		return "Set both ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or provide the key in another way: " +
			"see docs/credentials.md."
	default:
		return "Provide the credentials that the error names. docs/credentials.md describes them."
	}
}

// forSecret returns the advice for a secret's file or variable that cannot be used.
func forSecret(err *credentials.SecretError) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "Create the file, or correct " + err.Setting + "."
	case errors.Is(err, fs.ErrPermission):
		return "Allow the exporter's user to read the file, or correct " + err.Setting + "."
	default:
		return "Correct what " + err.Setting + " names: it must hold the value and nothing else."
	}
}
