package signature

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The example of Alibaba Cloud's page on the V3 signature.
func TestV3(t *testing.T) {
	query := url.Values{
		"ImageId":  {"win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"},
		"RegionId": {"cn-shanghai"},
	}
	headers := []Header{
		{"x-acs-version", "2014-05-26"},
		{"host", "ecs.cn-shanghai.aliyuncs.com"},
		{"x-acs-action", "RunInstances"},
		{"x-acs-content-sha256", EmptyPayloadHash},
		{"x-acs-date", "2023-10-26T10:22:32Z"},
		{"x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"},
	}
	canonical, _ := canonicalV3("POST", query, headers, EmptyPayloadHash)
	hash := sha256.Sum256([]byte(canonical))
	const wantHash = "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
	if got := hex.EncodeToString(hash[:]); got != wantHash {
		t.Errorf("canonical request hash = %s, want %s\n%s", got, wantHash, canonical)
	}
	signed, got := V3("YourAccessKeySecret", "POST", query, headers, EmptyPayloadHash)
	if want := "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"; got != want {
		t.Errorf("signature = %s, want %s", got, want)
	}
	if want := "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"; signed != want {
		t.Errorf("signed headers = %s, want %s", signed, want)
	}
}

// The examples of Alibaba Cloud's page on the RPC signature.
func TestHMACSHA1(t *testing.T) {
	for _, tc := range []struct{ query, want string }{
		{
			"AccessKeyId=testid&Action=DescribeRegions&Format=XML&SignatureMethod=HMAC-SHA1" +
				"&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&SignatureVersion=1.0" +
				"&Timestamp=2016-02-23T12%3A46%3A24Z&Version=2014-05-26",
			"OLeaidS1JvxuMvnyHOwuJ+uX5qY=",
		},
		{
			"AccessKeyId=testid&Action=DescribeDedicatedHosts&Format=JSON&RegionId=cn-beijing&SignatureMethod=HMAC-SHA1" +
				"&SignatureNonce=edb2b34af0af9a6d14deaf7c1a5315eb&SignatureVersion=1.0" +
				"&Timestamp=2023-03-13T08%3A34%3A30Z&Version=2014-05-26",
			"9NaGiOspFP5UPcwX8Iwt2YJXXuk=",
		},
	} {
		params, err := url.ParseQuery(tc.query)
		if err != nil {
			t.Fatal(err)
		}
		if got := HMACSHA1("testsecret", "GET", params); got != tc.want {
			t.Errorf("%s: signature = %s, want %s", params.Get("Action"), got, tc.want)
		}
	}
}

// The signatures of requests that the official Go clients sent. testdata contains the requests
// byte by byte.
func TestRecordedRequests(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) != 4 {
		t.Fatalf("recorded requests: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			requests := readRequests(t, file)
			if len(requests) != 2 {
				t.Fatalf("%d requests, want 2", len(requests))
			}
			for _, r := range requests {
				want, got := signatures(t, r)
				if got != want {
					t.Errorf("signature = %s, want the client's %s", got, want)
				}
			}
		})
	}
}

func readRequests(t *testing.T, file string) []*http.Request {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var requests []*http.Request
	for _, part := range strings.Split(string(content), "---- conn")[1:] {
		_, raw, _ := strings.Cut(part, "\n")
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			t.Fatal(err)
		}
		requests = append(requests, r)
	}
	return requests
}

// signatures returns the signature that the client sent, and the one that this package computes.
func signatures(t *testing.T, r *http.Request) (sent, ours string) {
	t.Helper()
	auth := r.Header.Get("Authorization")
	if auth == "" {
		return r.URL.Query().Get("Signature"), HMACSHA1("testsecret", r.Method, r.URL.Query())
	}
	fields := strings.Split(auth, ",")
	var headers []Header
	for name := range strings.SplitSeq(strings.TrimPrefix(fields[1], "SignedHeaders="), ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		headers = append(headers, Header{name, value})
	}
	_, ours = V3("testsecret", r.Method, r.URL.Query(), headers, r.Header.Get("x-acs-content-sha256"))
	return strings.TrimPrefix(fields[2], "Signature="), ours
}

func TestCanonicalQuery(t *testing.T) {
	query := url.Values{"b": {"a b*~+/="}, "B": {""}, "a": {"出"}}
	if got, want := CanonicalQuery(query), "B=&a=%E5%87%BA&b=a%20b%2A~%2B%2F%3D"; got != want {
		t.Errorf("CanonicalQuery = %s, want %s", got, want)
	}
}

func FuzzCanonicalQuery(f *testing.F) {
	f.Add("PageNumber", "1")
	f.Add("a b", "*~+/=&%\x00\xff出")
	f.Fuzz(func(t *testing.T, name, value string) {
		query := url.Values{name: {value}}
		encoded := CanonicalQuery(query)
		if strings.ContainsAny(encoded, "+* ") {
			t.Errorf("%q contains a character that RFC 3986 percent-encodes", encoded)
		}
		decoded, err := url.ParseQuery(encoded)
		if err != nil {
			t.Fatalf("%q: %v", encoded, err)
		}
		if decoded.Get(name) != value {
			t.Errorf("%q decodes to %v, want %v", encoded, decoded, query)
		}
	})
}

// For any input, the signature has its form, covers every value, and is the same when it is
// computed again.
func FuzzSignatures(f *testing.F) {
	f.Add("secret", "x-acs-action", "DescribeRegions", "PageNumber", "1")
	f.Add("", "X", " a\t b ", "a b", "*~+/=&%\x00\xff出")
	f.Fuzz(func(t *testing.T, secret, header, value, name, param string) {
		query := url.Values{name: {param}}
		headers := []Header{{"host", "example.com"}, {header, value}}
		names, sum := V3(secret, "POST", query, headers, EmptyPayloadHash)
		if raw, err := hex.DecodeString(sum); err != nil || len(raw) != 32 || !strings.Contains(names, "host") {
			t.Errorf("V3: %q over %q", sum, names)
		}
		old := HMACSHA1(secret, "POST", query)
		if raw, err := base64.StdEncoding.DecodeString(old); err != nil || len(raw) != 20 {
			t.Errorf("HMACSHA1: %q", old)
		}
		changed := url.Values{name: {param + "x"}}
		_, other := V3(secret, "POST", changed, headers, EmptyPayloadHash)
		_, again := V3(secret, "POST", query, headers, EmptyPayloadHash)
		if other == sum || again != sum || name != "Signature" && HMACSHA1(secret, "POST", changed) == old {
			t.Errorf("a changed parameter does not change the signature, or the same parameters do")
		}
	})
}
