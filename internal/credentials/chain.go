package credentials

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aliyun/credentials-go/credentials/providers"

	"alicdn_export_exporter/internal/smallfile"
)

// maxProfileBytes bounds the CLI's profile file and the credentials file.
const maxProfileBytes = 1 << 20

// chain implements the library's CredentialsProvider. It uses the first of its members that has a key, and keeps
// using it. The library's own chain is not used, because it makes the requests for keys itself (see service.go).
type chain struct {
	members []providers.CredentialsProvider
	used    providers.CredentialsProvider // nil before the first key
}

// newChain returns the default chain. Its order is that of the library's own chain. The library reads the
// environment and the two profile files.
func newChain() *chain {
	c := new(chain)
	add := func(member providers.CredentialsProvider, err error) {
		if err == nil {
			c.members = append(c.members, member)
		}
	}
	environment, err := providers.NewEnvironmentVariableCredentialsProviderBuilder().Build()
	add(environment, err)
	assumed := role{
		arn:         os.Getenv("ALIBABA_CLOUD_ROLE_ARN"),
		sessionName: cmp.Or(os.Getenv("ALIBABA_CLOUD_ROLE_SESSION_NAME"), defaultSessionName),
	}
	providerARN, token := os.Getenv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN"), os.Getenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE")
	if assumed.arn != "" && providerARN != "" && token != "" {
		add(newOIDCProvider(assumed, providerARN, secret{setting: "oidc_token", file: token}.read), nil)
	}
	profile, err := providers.NewCLIProfileCredentialsProviderBuilder().Build()
	add(inFile{profilePath(), profile}, err)
	section, err := providers.NewProfileCredentialsProviderBuilder().Build()
	add(inFile{credentialsFilePath(), section}, err)
	if !isMetadataDisabled() {
		add(newMetadataProvider(""), nil)
	}
	if uri := os.Getenv("ALIBABA_CLOUD_CREDENTIALS_URI"); uri != "" {
		add(newURIProvider(uri), nil)
	}
	return c
}

// errNoKey means that no member of the chain has a key.
var errNoKey = errors.New("no member of the chain has a key")

// GetCredentials returns the key of the first member that has one, or the errors of all.
func (c *chain) GetCredentials() (*providers.Credentials, error) {
	if c.used != nil {
		return c.get(c.used)
	}
	errs := []error{errNoKey}
	for _, member := range c.members {
		key, err := c.get(member)
		if err == nil {
			c.used = member
			return key, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (c *chain) get(member providers.CredentialsProvider) (*providers.Credentials, error) {
	key, err := member.GetCredentials()
	if err != nil {
		return nil, err
	}
	key.ProviderName = c.GetProviderName() + "/" + cmp.Or(key.ProviderName, member.GetProviderName())
	return key, nil
}

// GetProviderName returns the library's name for the chain.
func (c *chain) GetProviderName() string { return TypeDefault }

// inFile is a provider that reads a file. It first checks that reading the file ends.
type inFile struct {
	path string
	providers.CredentialsProvider
}

// GetCredentials returns the key in the file.
func (f inFile) GetCredentials() (*providers.Credentials, error) {
	if _, err := smallfile.Read(f.path, maxProfileBytes); err != nil {
		return nil, err
	}
	return f.CredentialsProvider.GetCredentials()
}

// chainText says why the default chain found no key. It lists the members that are set up, and what is wrong with
// each. If none is set up, it lists the places that the chain searches. It never quotes the contents of variables and
// files.
func chainText(libraryErr error) string {
	var wrong []string
	add := func(text string) {
		if text != "" {
			wrong = append(wrong, text)
		}
	}
	add(someAreMissing("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"))
	add(oidcText(libraryErr))
	add(profileText())
	add(credentialsFileText())
	if os.Getenv("ALIBABA_CLOUD_CREDENTIALS_URI") != "" {
		add("the service at ALIBABA_CLOUD_CREDENTIALS_URI returned no key")
	}
	if len(wrong) > 0 {
		return strings.Join(wrong, "; ")
	}
	return "no key in the environment, OIDC, the CLI profile, the credentials file, " +
		"the ECS metadata service or the credentials URI"
}

// oidcText says what is wrong with OIDC. It returns "" if OIDC is not set up.
func oidcText(libraryErr error) string {
	variables := []string{"ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"}
	if text := someAreMissing(variables...); text != "" || os.Getenv(variables[0]) == "" {
		return text
	}
	if _, err := smallfile.Read(os.Getenv("ALIBABA_CLOUD_OIDC_TOKEN_FILE"), maxSecretBytes); err != nil {
		return fmt.Sprintf("OIDC: %s", err)
	}
	text := "OIDC: STS returned no key for the role in ALIBABA_CLOUD_ROLE_ARN"
	if code := stsCode(libraryErr); slices.Contains(stsCodes, code) {
		text += ": " + code
	}
	return text
}

// someAreMissing says which of the variables are missing. It returns "" if all or none are
// set.
func someAreMissing(variables ...string) string {
	isSet := func(name string) bool { return os.Getenv(name) != "" }
	missing := slices.DeleteFunc(slices.Clone(variables), isSet)
	if len(missing) == 0 || len(missing) == len(variables) {
		return ""
	}
	return fmt.Sprintf("%s is set, but not %s", variables[slices.IndexFunc(variables, isSet)], strings.Join(missing, " and "))
}

// profileText says what is wrong with the CLI's profile. It returns "" if there is none.
func profileText() string {
	path := profilePath()
	content, err := smallfile.Read(path, maxProfileBytes)
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("ALIBABA_CLOUD_CONFIG_FILE") == "" && os.Getenv("ALIBABA_CLOUD_PROFILE") == "" {
		return ""
	}
	if err != nil {
		return fmt.Sprintf("the CLI profile: %s", err)
	}
	var file struct {
		Current  string `json:"current"`
		Profiles []struct {
			Name string `json:"name"`
		} `json:"profiles"`
	}
	if json.Unmarshal(content, &file) != nil {
		return fmt.Sprintf("the CLI profile: %s is not a profile file in JSON", path)
	}
	name, which := file.Current, "current"
	if variable := os.Getenv("ALIBABA_CLOUD_PROFILE"); variable != "" {
		name, which = variable, "ALIBABA_CLOUD_PROFILE"
	}
	for _, profile := range file.Profiles {
		if profile.Name == name {
			return fmt.Sprintf("the CLI profile: the profile in %s gives no key", path)
		}
	}
	return fmt.Sprintf("the CLI profile: %s has no profile with the name in %s", path, which)
}

// credentialsFileText says what is wrong with the credentials file. It returns "" if there
// is none.
func credentialsFileText() string {
	variable := os.Getenv("ALIBABA_CLOUD_CREDENTIALS_FILE")
	path := credentialsFilePath()
	_, err := smallfile.Read(path, maxProfileBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist) && variable == "":
		return ""
	case err != nil:
		return fmt.Sprintf("the credentials file: %s", err)
	default:
		return fmt.Sprintf("the credentials file: %s gives no key", path)
	}
}

func profilePath() string {
	return cmp.Or(os.Getenv("ALIBABA_CLOUD_CONFIG_FILE"), inHome(".aliyun/config.json"))
}

func credentialsFilePath() string {
	return cmp.Or(os.Getenv("ALIBABA_CLOUD_CREDENTIALS_FILE"), inHome(".alibabacloud/credentials"))
}

func inHome(name string) string {
	home, err := os.UserHomeDir()
	if err != nil {
		return name
	}
	return filepath.Join(home, name)
}
