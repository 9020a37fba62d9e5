package conformance

import (
	"encoding/json"
	"testing"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"

	"alicdn_export_exporter/internal/simulator"
)

// mode is how the generic client signs and encodes a call.
type mode int

const (
	v3Query mode = iota
	v3Form
	hmacSHA1
)

// darabonba is the generic client of darabonba-openapi, the base of today's SDKs for every product.
type darabonba struct {
	client *openapi.Client
	mode   mode
}

func darabonbaAs(m mode) connect {
	return func(t *testing.T, address string, k key) client {
		t.Helper()
		config := &openapiutil.Config{
			AccessKeyId: &k.id, AccessKeySecret: &k.secret, SecurityToken: k.token,
			Endpoint: &address, Protocol: new("http"),
		}
		if m == hmacSHA1 {
			config.SignatureAlgorithm = new("v2")
		}
		c, err := openapi.NewClient(config)
		if err != nil {
			t.Fatal(err)
		}
		return darabonba{c, m}
	}
}

func (c darabonba) page(action string, number, size int) ([]item, int, error) {
	params := &openapiutil.Params{
		Action: &action, Version: new(simulator.Version), Protocol: new("HTTP"), Pathname: new("/"),
		Method: new("POST"), AuthType: new("AK"), Style: new("RPC"),
		ReqBodyType: new("formData"), BodyType: new("json"),
	}
	fields := map[string]any{"PageNumber": number, "PageSize": size}
	request := &openapiutil.OpenApiRequest{Query: openapiutil.Query(fields)}
	if c.mode == v3Form {
		request = &openapiutil.OpenApiRequest{Body: openapiutil.ParseToMap(fields)}
	}
	answer, err := c.client.CallApi(params, request, &dara.RuntimeOptions{})
	if err != nil {
		return nil, 0, err
	}
	text, err := json.Marshal(answer["body"])
	if err != nil {
		return nil, 0, err
	}
	// These types are like those in the SDKs that are generated on top of this client.
	var body struct {
		UsageDataPerPage struct {
			PageNumber, PageSize, TotalCount int
			Data                             struct {
				DataItem []struct {
					TaskID      string `json:"TaskId"`
					TaskName    string
					Status      string
					CreateTime  string
					UpdateTime  string
					DownloadURL string `json:"DownloadUrl"`
					TaskConfig  struct{ StartTime, EndTime string }
				}
			}
		}
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, 0, err
	}
	var items []item
	p := body.UsageDataPerPage
	for _, i := range p.Data.DataItem {
		items = append(items, item{
			id: i.TaskID, name: i.TaskName, status: i.Status, created: i.CreateTime, updated: i.UpdateTime,
			start: i.TaskConfig.StartTime, end: i.TaskConfig.EndTime, download: i.DownloadURL,
		})
	}
	return items, p.TotalCount, expectPage(p.PageNumber, p.PageSize, number, size)
}
