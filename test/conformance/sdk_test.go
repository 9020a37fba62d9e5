package conformance

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/cdn"

	"alicdn_export_exporter/internal/simulator"
)

// sdk is alibaba-cloud-sdk-go with its types for the CDN.
type sdk struct {
	client          *cdn.Client
	address, format string
}

func sdkAs(format string) connect {
	return func(t *testing.T, address string, k key) client {
		t.Helper()
		c, err := cdn.NewClientWithAccessKey("cn-hangzhou", k.id, k.secret)
		if k.token != nil {
			c, err = cdn.NewClientWithStsToken("cn-hangzhou", k.id, k.secret, *k.token)
		}
		if err != nil {
			t.Fatal(err)
		}
		return sdk{c, address, format}
	}
}

func (c sdk) page(action string, number, size int) ([]item, int, error) {
	if action == simulator.DetailAction {
		return c.detailPage(number, size)
	}
	request := cdn.CreateDescribeUserUsageDataExportTaskRequest()
	c.prepare(request.RpcRequest)
	request.PageNumber, request.PageSize = strconv.Itoa(number), strconv.Itoa(size)
	response, err := c.client.DescribeUserUsageDataExportTask(request)
	if err != nil {
		return nil, 0, err
	}
	p := response.UsageDataPerPage
	return sdkItems(p.Data.DataItem), p.TotalCount, expectPage(p.PageNumber, p.PageSize, number, size)
}

func (c sdk) detailPage(number, size int) ([]item, int, error) {
	request := cdn.CreateDescribeUserUsageDetailDataExportTaskRequest()
	c.prepare(request.RpcRequest)
	request.PageNumber, request.PageSize = strconv.Itoa(number), strconv.Itoa(size)
	response, err := c.client.DescribeUserUsageDetailDataExportTask(request)
	if err != nil {
		return nil, 0, err
	}
	p := response.UsageDataPerPage
	return sdkItems(p.Data.DataItem), p.TotalCount, expectPage(p.PageNumber, p.PageSize, number, size)
}

func (c sdk) prepare(request *requests.RpcRequest) {
	request.Scheme, request.Domain, request.AcceptFormat = "http", c.address, c.format
}

// expectPage returns an error if a response echoes another page number or size.
func expectPage(number, size, wantNumber, wantSize int) error {
	if number != wantNumber || size != wantSize {
		return fmt.Errorf("got page %d with size %d, want page %d with size %d", number, size, wantNumber, wantSize)
	}
	return nil
}

func sdkItems(listed []cdn.DataItem) []item {
	var items []item
	for _, i := range listed {
		items = append(items, item{
			id: i.TaskId, name: i.TaskName, status: i.Status, created: i.CreateTime, updated: i.UpdateTime,
			start: i.TaskConfig.StartTime, end: i.TaskConfig.EndTime, download: i.DownloadUrl,
		})
	}
	return items
}

// The SDK compares its string to sign with the one in the API's error. It blames the secret only if both are equal, so
// this recommendation shows that the simulator and the SDK sign in the same way.
func TestSDKStringToSign(t *testing.T) {
	for kind, k := range map[string]key{"long-lived key": longLived(), "temporary key": temporary()} {
		_, address, _ := serve(t, sent{}, k)
		k.secret = "guessed"
		_, _, err := sdkAs("JSON")(t, address, k).page(simulator.UsageAction, 1, 50)
		var refused *sdkerrors.ServerError
		if !errors.As(err, &refused) {
			t.Fatalf("%s: %v", kind, err)
		}
		if got, want := refused.Recommend(), "InvalidAccessKeySecret: Please check you AccessKeySecret"; got != want {
			t.Errorf("%s: the SDK recommends %q, want %q", kind, got, want)
		}
	}
}
