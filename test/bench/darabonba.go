package main

import (
	"context"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
)

// These are the types of an SDK that is generated on top of darabonba-openapi.
type (
	daraResponse struct {
		Headers    map[string]*string `json:"headers,omitempty"`
		StatusCode *int32             `json:"statusCode,omitempty"`
		Body       *daraBody          `json:"body,omitempty"`
	}
	daraBody struct {
		RequestID        *string    `json:"RequestId,omitempty"`
		UsageDataPerPage *daraUsage `json:"UsageDataPerPage,omitempty"`
	}
	daraUsage struct {
		PageNumber *int32     `json:"PageNumber,omitempty"`
		PageSize   *int32     `json:"PageSize,omitempty"`
		TotalCount *int32     `json:"TotalCount,omitempty"`
		Data       *daraItems `json:"Data,omitempty"`
	}
	daraItems struct {
		DataItem []*daraItem `json:"DataItem,omitempty"`
	}
	daraItem struct {
		CreateTime  *string     `json:"CreateTime,omitempty"`
		DownloadURL *string     `json:"DownloadUrl,omitempty"`
		Status      *string     `json:"Status,omitempty"`
		TaskConfig  *daraPeriod `json:"TaskConfig,omitempty"`
		TaskID      *string     `json:"TaskId,omitempty"`
		TaskName    *string     `json:"TaskName,omitempty"`
		UpdateTime  *string     `json:"UpdateTime,omitempty"`
	}
	daraPeriod struct {
		EndTime   *string `json:"EndTime,omitempty"`
		StartTime *string `json:"StartTime,omitempty"`
	}
)

// newDarabonba returns a loop over the pages with darabonba-openapi, the base of today's SDKs. It
// includes the work that a generated SDK adds.
func newDarabonba(spec listingSpec) (lister, error) {
	client, err := openapi.NewClient(&openapiutil.Config{
		AccessKeyId: new(key.AccessKeyID), AccessKeySecret: new(string(key.AccessKeySecret)),
		Endpoint: new(strings.TrimPrefix(spec.URL, "http://")), Protocol: new("http"),
	})
	if err != nil {
		return nil, err
	}
	return func(context.Context) (any, int, error) {
		var tasks []*daraItem
		for number := 1; ; number++ {
			response, err := daraPage(client, number)
			if err != nil {
				return nil, 0, err
			}
			tasks = append(tasks, response.Body.UsageDataPerPage.Data.DataItem...)
			if len(tasks) >= int(*response.Body.UsageDataPerPage.TotalCount) {
				return tasks, len(tasks), nil
			}
		}
	}, nil
}

func daraPage(client *openapi.Client, number int) (*daraResponse, error) {
	answer, err := client.CallApi(&openapiutil.Params{
		Action: new("DescribeUserUsageDataExportTask"), Version: new("2018-05-10"),
		Protocol: new("HTTP"), Pathname: new("/"), Method: new("POST"), AuthType: new("AK"),
		Style: new("RPC"), ReqBodyType: new("formData"), BodyType: new("json"),
	}, &openapiutil.OpenApiRequest{
		Query: openapiutil.Query(map[string]any{"PageNumber": number, "PageSize": pageSize}),
	}, &dara.RuntimeOptions{})
	if err != nil {
		return nil, err
	}
	response := new(daraResponse)
	return response, dara.Convert(answer, &response)
}
