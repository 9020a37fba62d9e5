package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/cdn"
)

// newSDK returns a loop over the pages with alibaba-cloud-sdk-go and its types for the CDN.
func newSDK(spec listingSpec) (lister, error) {
	client, err := cdn.NewClientWithAccessKey("cn-hangzhou", key.AccessKeyID, string(key.AccessKeySecret))
	if err != nil {
		return nil, err
	}
	return func(context.Context) (any, int, error) {
		var tasks []cdn.DataItem
		for number := 1; ; number++ {
			request := cdn.CreateDescribeUserUsageDataExportTaskRequest()
			request.Scheme, request.Domain = "http", strings.TrimPrefix(spec.URL, "http://")
			request.PageNumber, request.PageSize = strconv.Itoa(number), strconv.Itoa(pageSize)
			response, err := client.DescribeUserUsageDataExportTask(request)
			if err != nil {
				return nil, 0, err
			}
			tasks = append(tasks, response.UsageDataPerPage.Data.DataItem...)
			if len(tasks) >= response.UsageDataPerPage.TotalCount {
				return tasks, len(tasks), nil
			}
		}
	}, nil
}
