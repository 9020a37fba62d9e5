package simulator

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
)

// response is an HTTP response without the headers that all responses share.
type response struct {
	status      int
	header      http.Header
	contentType string
	body        []byte
}

// responseMeta holds the properties of a request that its response depends on.
type responseMeta struct {
	requestID, host string
	xml             bool // false means JSON
}

// pageBody is the body of a page, in JSON and XML. XMLName depends on the action.
type pageBody struct {
	XMLName          xml.Name `json:"-"`
	RequestID        string   `json:"RequestId" xml:"RequestId"`
	UsageDataPerPage usageDataPerPage
}

type usageDataPerPage struct {
	PageSize, PageNumber, TotalCount int
	Data                             dataItems
}

type dataItems struct {
	DataItem []dataItem
}

// dataItem is a task.
type dataItem struct {
	TaskID      string `json:"TaskId" xml:"TaskId"`
	TaskName    string
	Status      string
	CreateTime  string      `json:",omitempty" xml:",omitempty"`
	UpdateTime  string      `json:",omitempty" xml:",omitempty"`
	DownloadURL string      `json:"DownloadUrl,omitempty" xml:"DownloadUrl,omitempty"`
	TaskConfig  *taskConfig `json:",omitempty" xml:",omitempty"`
}

type taskConfig struct {
	StartTime string `json:",omitempty" xml:",omitempty"`
	EndTime   string `json:",omitempty" xml:",omitempty"`
}

// createdBody is the answer to a Create operation, in JSON and XML.
type createdBody struct {
	XMLName   xml.Name `json:"-"`
	RequestID string   `json:"RequestId" xml:"RequestId"`
	StartTime string
	EndTime   string
	TaskID    string `json:"TaskId" xml:"TaskId"`
}

// deletedBody is the answer to a Delete operation, in JSON and XML.
type deletedBody struct {
	XMLName   xml.Name `json:"-"`
	RequestID string   `json:"RequestId" xml:"RequestId"`
}

// errorBody is the body of an error, in JSON and XML.
type errorBody struct {
	XMLName            xml.Name            `json:"-" xml:"Error"`
	RequestID          string              `json:"RequestId" xml:"RequestId"`
	HostID             string              `json:"HostId" xml:"HostId"`
	Code               string              `json:"Code" xml:"Code"`
	Message            string              `json:"Message" xml:"Message"`
	Recommend          string              `json:"Recommend" xml:"Recommend"`
	AccessDeniedDetail *accessDeniedDetail `json:"AccessDeniedDetail,omitempty" xml:"AccessDeniedDetail,omitempty"`
}

// encodeResponse returns a response with status 200. Body is one of the types above,
// which always encode without an error.
func encodeResponse(body any, meta responseMeta) *response {
	var b bytes.Buffer
	resp := &response{status: http.StatusOK, contentType: "application/json;charset=utf-8"}
	if meta.xml {
		resp.contentType = "text/xml;charset=utf-8"
		b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
		_ = xml.NewEncoder(&b).Encode(body)
	} else {
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false) // The API does not escape the & of a URL.
		_ = encoder.Encode(body)
	}
	resp.body = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return resp
}
